"""`mlexpert`: the front door in a shell. Results go to standard output, progress and errors to standard error."""

import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from mlexpert_nb.errors import MLExpertError
from mlexpert_nb.options import Call, help_text, parse

PREFIX = "mlexpert"
INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell has it
BUG = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command.

    Args:
        argv: Words after the program's name; those of the process if None.

    Returns:
        The exit code: 0 done, 2 usage, 3 the user is needed, 4 not proven, 5 the machine, 130 interrupted, 1 our fault.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by the caller: `mlexpert ... >&-`
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a Latin-1 terminal gets "?" for a tick
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except MLExpertError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail(
            "interrupted; nothing was changed, unless the run had just been delivered: mlexpert history tells",
            INTERRUPTED,
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at exit must not fail again
        return BROKEN_PIPE
    except Exception as error:
        if os.environ.get("MLEXPERT_DEBUG"):
            raise
        return _fail(f"unexpected {type(error).__name__}: {_first_line(error)}; MLEXPERT_DEBUG=1 shows where", BUG)


def _main(words: Sequence[str]) -> int:
    if list(words) == ["--version"]:
        print(f"{PREFIX} {version('mlexpert-nb')}")
        return 0
    call = parse(words)
    if call.verb == "help":
        print(help_text(call.operand, PREFIX))
        return 0
    return _carry_out(call)


def _carry_out(call: Call) -> int:
    from mlexpert_nb.answers import Front  # noqa: PLC0415 - help and a wrong option need none of it
    from mlexpert_nb.commands import answer, way_on  # noqa: PLC0415 - help and a wrong option need none of it
    from mlexpert_nb.display import TerminalAsk, TerminalProgress, ask_hidden, render_text  # noqa: PLC0415 - the same

    progress = TerminalProgress(sys.stderr)
    try:
        with progress:
            found = answer(call, Front(PREFIX, progress, TerminalAsk(progress), {}, ask_hidden(progress)))
    except (KeyboardInterrupt, MLExpertError):
        if resume := way_on(call, PREFIX):
            print(f"what was said is kept; go on with: {resume}", file=sys.stderr)
        raise
    # ASCII, so that no terminal's encoding can change what a program reads
    print(json.dumps(found.json, indent=2, default=str) if call.as_json else render_text(found.card), flush=True)
    return found.exit_code


def _fail(message: str, exit_code: int) -> int:
    print(f"mlexpert: {message}", file=sys.stderr)
    return exit_code


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:300]
