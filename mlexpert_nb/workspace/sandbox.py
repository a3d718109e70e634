"""Children: code that a run wrote is started here and nowhere else, with limits and behind the best walls there are."""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace.child import Child, ChildLimits, ChildResult, run
from mlexpert_nb.workspace.walls import STATEMENTS, Level


def run_child(  # noqa: PLR0913 - each is one choice of the caller, and all but the command are named
    command: Sequence[str],
    *,
    cwd: Path,
    writable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    limits: ChildLimits | None = None,
    on_line: Callable[[str], None] | None = None,
) -> ChildResult:
    """Run a command to its end in a process group of its own.

    It has no keyboard, no network, a private home and temporary folder, an environment from an allow-list, and may
    write in `cwd` and `writable` only, as far as `isolation()` says so. When it ends, times out, or an interrupt
    comes, everything that it started is killed. Links from `cwd` into the user's home lead nowhere behind walls.

    Args:
        command: Program and arguments; never a shell line.
        cwd: Folder to run in; writable.
        writable: Other folders that it may write in.
        env: Variables to add to those on the allow-list.
        limits: Time, memory and other limits; the usual ones if it is left out.
        on_line: Called with each line of output as it appears, from either stream.

    Raises:
        EnvironmentProblem: The program is not there, or could not be started.
    """
    child = Child(tuple(command), cwd, tuple(writable), dict(env or {}), limits or ChildLimits(), on_line)
    return run(child, best_level())


def isolation() -> str:
    """Say in plain words what keeps children in on this machine."""
    return STATEMENTS[best_level()]


@cache
def best_level() -> Level:
    """Find the strongest level that really works here, by running an empty program behind it."""
    return next(level for level in STATEMENTS if level == "none" or works(level))


def works(level: Level) -> bool:
    """Tell whether a level's tools are installed and permitted."""
    with tempfile.TemporaryDirectory() as folder:
        nothing = Child((sys.executable, "-I", "-S", "-c", ""), Path(folder), limits=ChildLimits(timeout_s=10))
        try:
            return run(nothing, level).exit_code == 0
        except EnvironmentProblem:
            return False
