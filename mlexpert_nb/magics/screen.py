"""What a command shows in IPython: progress while it runs, then the card in the same place, with the cells."""

import json
import sys
from collections.abc import Mapping

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from mlexpert_nb.answers import Answer, Front
from mlexpert_nb.commands import answer, way_on
from mlexpert_nb.display import (
    About,
    NotebookAsk,
    NotebookProgress,
    TerminalAsk,
    TerminalProgress,
    ask_hidden,
    carry_bundle,
    catalogue_bundle,
    interrupted_card,
    only_shows_cells,
    question_bundle,
    render_bundle,
    result_bundle,
    stopped_card,
    undo_bundle,
)
from mlexpert_nb.errors import RunInterrupted
from mlexpert_nb.magics.mlexpert import INTERRUPTED, LATE
from mlexpert_nb.options import Call
from mlexpert_nb.packages import Event, OnEvent

WRITES_AT_ONCE = frozenset({"diff", "undo"})  # commands without a long way to their last step


def carry_out(call: Call, shell: InteractiveShell, prefix: str) -> None:
    """Carry out a command and show what it came to.

    Raises:
        MLExpertError: As the api has it, one line.
        RunInterrupted: The user stopped the run; a card says so.
    """
    in_kernel = getattr(shell, "kernel", None) is not None
    progress = NotebookProgress() if in_kernel else TerminalProgress(sys.stderr)
    ask = NotebookAsk(progress) if in_kernel else TerminalAsk(progress)
    watch = _Watch(progress, late=call.verb in WRITES_AT_ONCE)
    try:
        with progress:
            found = answer(call, Front(prefix, watch, ask, shell.user_ns, ask_hidden(progress)))
    except (KeyboardInterrupt, RunInterrupted):
        _show(render_bundle(interrupted_card(call.text, late=watch.late, resume=way_on(call, prefix))), progress)
        raise RunInterrupted(LATE if watch.late else INTERRUPTED) from None
    except Exception as error:
        if isinstance(progress, NotebookProgress) and progress.opened:
            progress.finish(
                render_bundle(stopped_card(str(error), call.text, late=watch.late, resume=way_on(call, prefix)))
            )
        raise
    if call.as_json:
        _print_json(found, progress)
        return
    _show(_bundle(call, found), progress, found.status)
    if found.cells and in_kernel and not found.repeated and only_shows_cells():
        shell.set_next_input(next((cell.source for cell in found.cells if cell.cell_type == "code"), ""))


class _Watch:
    """Hands events on, and notes when the files are about to be put in place: from then on nobody may say otherwise."""

    def __init__(self, on_event: OnEvent, *, late: bool) -> None:
        self._on_event, self.late = on_event, late

    def __call__(self, event: Event) -> None:
        self.late = self.late or (event.kind, event.text) == ("phase", "commit")
        self._on_event(event)


def _bundle(call: Call, found: Answer) -> Mapping[str, object]:
    """Give what stands for an answer in an output, for front ends with the extension and without."""
    if call.verb == "catalogue" and isinstance(found.json, list):
        return catalogue_bundle(found.card, [each["name"] for each in found.json])
    if found.undoes:
        return undo_bundle(found.card, found.undoes, found.left)
    if found.carries:
        return carry_bundle(found.card, found.origin, [(c.cell, c.marks, c.expects) for c in found.carries])
    if not found.cells:
        approve = str(call.options.get("approve", ""))
        return question_bundle(found.card, found.json, workspace=found.workspace, approve=approve)
    about = About(found.card, found.workspace, found.receipt)
    return result_bundle(found.cells, about, title=f"Cells of {call.verb}")


def _show(bundle: Mapping[str, object], progress: NotebookProgress | TerminalProgress, status: str = "") -> None:
    if isinstance(progress, NotebookProgress):
        progress.finish(bundle, status=status)
    else:
        display(dict(bundle), raw=True)


def _print_json(found: Answer, progress: NotebookProgress | TerminalProgress) -> None:
    if isinstance(progress, NotebookProgress) and progress.opened:
        progress.finish(render_bundle(found.card), status=found.status)
    sys.stdout.write(json.dumps(found.json, indent=2, ensure_ascii=False, default=str) + "\n")
