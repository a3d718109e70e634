"""Starts the SDK's program; run as a script, so it imports nothing of ours.

The SDK hands on its parent's whole environment. This steps in between: a process group of its own, an environment of
the named variables only, and its number left where the conversation finds it, whenever the interrupt comes.
"""

import os
import sys
from pathlib import Path

PROGRAM, NAMES, NUMBERS = "MLEXPERT_CLI_PROGRAM", "MLEXPERT_CLI_NAMES", "MLEXPERT_CLI_NUMBERS"


def main() -> None:
    """Become the program; end at once if the conversation has ended meanwhile, since its folder is gone then."""
    os.setsid()
    os.umask(0o077)
    program, names = os.environ[PROGRAM], os.environ[NAMES].split(",")
    (Path(os.environ[NUMBERS]) / str(os.getpid())).mkdir()
    env = {name: os.environ[name] for name in names if name in os.environ}
    os.execve(program, [program, *sys.argv[1:]], env)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
