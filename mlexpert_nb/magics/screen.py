"""What a command shows in IPython: progress while it runs, then the card in the same place, then the cells."""

import json
import sys

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from mlexpert_nb.commands import Answer, Front, answer
from mlexpert_nb.display import (
    Card,
    NotebookAsk,
    NotebookProgress,
    TerminalAsk,
    TerminalProgress,
    cells_bundle,
    interrupted_card,
    render_bundle,
    stopped_card,
)
from mlexpert_nb.errors import RunInterrupted
from mlexpert_nb.magics.mlexpert import INTERRUPTED
from mlexpert_nb.options import Call


def carry_out(call: Call, shell: InteractiveShell, prefix: str) -> None:
    """Carry out a command and show what it came to.

    Raises:
        MLExpertError: As the api has it, one line.
        RunInterrupted: The user stopped the run; a card says so.
    """
    in_kernel = getattr(shell, "kernel", None) is not None
    progress = NotebookProgress() if in_kernel else TerminalProgress(sys.stderr)
    ask = NotebookAsk(progress) if in_kernel else TerminalAsk(progress)
    try:
        with progress:
            found = answer(call, Front(prefix, progress, ask, shell.user_ns))
    except (KeyboardInterrupt, RunInterrupted):
        _show(interrupted_card(call.text), progress)
        raise RunInterrupted(INTERRUPTED) from None
    except Exception as error:
        if isinstance(progress, NotebookProgress) and progress.opened:
            progress.finish(stopped_card(str(error), call.text))
        raise
    if call.as_json:
        _print_json(found, progress)
        return
    _show(found.card, progress, found.status)
    if found.cells:
        display(cells_bundle(found.cells, title=f"Cells of {call.verb}"), raw=True)


def _show(card: Card, progress: NotebookProgress | TerminalProgress, status: str = "") -> None:
    if isinstance(progress, NotebookProgress):
        progress.finish(card, status=status)
    else:
        display(render_bundle(card), raw=True)


def _print_json(found: Answer, progress: NotebookProgress | TerminalProgress) -> None:
    if isinstance(progress, NotebookProgress) and progress.opened:
        progress.finish(found.card, status=found.status)
    sys.stdout.write(json.dumps(found.json, indent=2, ensure_ascii=False, default=str) + "\n")
