"""`mlexpert run`: executes a notebook without a front end and puts generated cells under their magic cells.

A file is written once, at the end, in one step, and a run that changes nothing leaves the same bytes. The notebook that
was read is replaced only by a run that went through, and only if nobody has saved it meanwhile; another file only if
nobody has edited it since it was made. What it takes to go back is kept beside it (`notebook_record`).
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

import nbformat

from mlexpert_nb.api import history
from mlexpert_nb.display.headless import Headless, kernel, steady_keys
from mlexpert_nb.display.insertion import digest
from mlexpert_nb.display.notebook_cells import KEY, is_generated, materialise, wanted_cells
from mlexpert_nb.display.notebook_format import (
    NotebookText,
    notebook_bytes,
    put_in_place,
    read_notebook,
    refuse_other_language,
)
from mlexpert_nb.display.notebook_record import Committed, Record, committed, keep, refuse_unkept
from mlexpert_nb.display.notebook_undo import Insertions, delivered, undone_receipt
from mlexpert_nb.display.safe import counted, fields, one_line
from mlexpert_nb.errors import CellFailedError, ConflictError, EnvironmentProblem, MLExpertError, UsageError
from mlexpert_nb.packages import EXIT_CODES, Event, OnEvent

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
QUESTIONS = ("needs_clarification", "needs_references")


@dataclass(slots=True)
class NotebookRun:
    """What running a notebook came to.

    Attributes:
        path: File that holds the executed notebook.
        executed: Cells that ran.
        generated: Generated cells in the notebook.
        changed: Whether the bytes of the file changed.
        statuses: Statuses of the runs that cells started, in order.
        cards: Their cards, as text.
    """

    path: Path
    executed: int = 0
    generated: int = 0
    changed: bool = False
    statuses: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The gravest exit code among the runs that cells started; 0 if there were none.

        A question counts only where it comes last: what ran after it holds the answers.
        """
        known = {str(status): code for status, code in EXIT_CODES.items()}
        last = len(self.statuses) - 1
        settled = [status for at, status in enumerate(self.statuses) if at == last or status not in QUESTIONS]
        return max((known.get(status, 0) for status in settled), default=0)

    def __str__(self) -> str:
        what = "written" if self.changed else "unchanged"
        return f"{counted(self.executed, 'cell')} run, {self.generated} of them generated; the notebook is {what}"


def run_notebook(notebook: Path, out: Path | None, on_event: OnEvent) -> NotebookRun:
    """Execute a notebook from a fresh kernel in its own folder.

    Args:
        notebook: The notebook to read.
        out: Where the executed notebook goes; the notebook itself if None.
        on_event: Told which cell runs, and what the runs inside the cells report.

    Raises:
        UsageError: The notebook cannot be read or is for another language, or the target is no notebook.
        ConflictError: The target was edited by somebody; it was kept.
        CellFailedError: A cell failed; what there is was saved, in a file of its own if `out` is None.
    """
    text = read_notebook(notebook)
    document = text.node()
    refuse_other_language(document, notebook, "mlexpert run executes")
    target = (out or notebook).resolve()
    in_place = target == notebook.resolve()
    untouched = _made(document) == _sum(document.cells)
    if not in_place:
        _refuse_edited(target)
    _refuse_unwritable(target)
    if in_place:
        refuse_unkept(target)
    run = NotebookRun(target)
    work = _Work(document, notebook.resolve(), run, on_event, Insertions(tuple(document.cells)))
    record = partial(_record, text, work) if in_place else None
    try:
        with kernel(notebook.resolve().parent, work.heard) as headless:
            work.through(headless)
    except (CellFailedError, EnvironmentProblem) as error:
        saved = target.with_suffix(".failed.ipynb") if in_place else target
        put_in_place(saved, notebook_bytes(_signed(document, sign=not in_place), text))
        if record and work.committed:
            record(text.raw)
        kept = f"; {notebook} is as it was" if in_place else ""
        raise type(error)(f"{error}; the run so far is in {saved}{kept}") from None
    made = notebook_bytes(_signed(document, sign=not in_place or untouched), text)
    if in_place:
        _refuse_saved_meanwhile(notebook, text, made)
    run.changed = not target.exists() or target.read_bytes() != made
    kept_in = record(made) if record and (run.changed or work.committed) else None
    if run.changed:
        try:
            put_in_place(target, made)
        except EnvironmentProblem:
            if kept_in:
                kept_in.unlink()
            raise
    return run


@dataclass(slots=True)
class _Work:
    """A notebook on its way through a kernel.

    Attributes:
        document: The notebook.
        path: Its file.
        run: What it came to so far.
        on_event: Told what happens.
        insertions: What was put into it so far.
        committed: Runs of its cells that changed a workspace.
        commits: Whether the running cell has begun to change one.
    """

    document: nbformat.NotebookNode
    path: Path
    run: NotebookRun
    on_event: OnEvent
    insertions: Insertions
    committed: list[Committed] = field(default_factory=list)
    commits: bool = False

    def heard(self, event: Event) -> None:
        """Take in an event of a run inside a cell."""
        self.commits = self.commits or (event.kind, event.text) == ("phase", "commit")
        self.on_event(event)

    def through(self, headless: Headless) -> None:
        """Run every cell, those included that are put in on the way."""
        self.document.metadata.setdefault("kernelspec", nbformat.from_dict(KERNELSPEC))
        self.document.metadata["language_info"] = nbformat.from_dict(dict(headless.language_info()))
        at = 0
        while at < len(self.document.cells):
            cell = self.document.cells[at]
            if cell.cell_type == "code" and cell.source.strip():
                self._execute(cell, at, headless)
                at = next(i for i, each in enumerate(self.document.cells) if each is cell)
            at += 1
        steady_keys(self.document.cells)
        if widgets := headless.widgets():
            self.document.metadata["widgets"] = nbformat.from_dict(dict(widgets))

    def _execute(self, cell: nbformat.NotebookNode, at: int, headless: Headless) -> None:
        title = f"cell {at + 1} of {len(self.document.cells)}"
        self.on_event(Event("phase", "run"))
        self.on_event(Event("note", f"{title}: {one_line(cell.source, 80)}"))
        self.commits = False
        try:
            headless.execute(cell)
        except (CellFailedError, EnvironmentProblem) as error:
            raise type(error)(f"{title} ({one_line(cell.source, 60)}): {error}") from None
        finally:
            self._note_commit(cell)
        self.run.executed += 1
        self.run.generated += is_generated(cell)
        for status, card in _cards(cell):
            self.run.statuses.append(status)
            self.run.cards.append(card)
        if not is_generated(cell):
            self._arrange(cell, at)

    def _note_commit(self, cell: nbformat.NotebookNode) -> None:
        workspace, receipt = delivered(cell)
        place = self.path.parent / Path(workspace).expanduser()
        if self.commits and workspace and receipt and _is_last(place, receipt):
            self.committed.append(committed(self.path, place, receipt))

    def _arrange(self, cell: nbformat.NotebookNode, at: int) -> None:
        """Put the cells in that the cell asks for, or take those out whose run it has taken back."""
        payload, undone = wanted_cells(cell), undone_receipt(cell)
        if payload is not None:
            before = self.insertions.snapshot(self.document.cells)
            self.document.cells = materialise(self.document, at, payload)
            self.insertions.note(delivered(cell)[1], before, self.document.cells)
        elif undone:
            self.document.cells = self.insertions.take_back(self.document.cells, undone)
            self.committed = [each for each in self.committed if each.receipt != undone]


def _is_last(workspace: Path, receipt: str) -> bool:
    try:
        return [each.receipt for each in history(workspace)][-1:] == [receipt]
    except MLExpertError:
        return False


def _record(text: NotebookText, work: _Work, made: bytes) -> Path:
    """Keep what it takes to go back to the notebook from before the run, and to the workspaces."""
    unchanged = Insertions(tuple(text.node().cells))
    entries = unchanged.entries(unchanged.named) if made == text.raw else work.insertions.entries(work.document.cells)
    return keep(work.path, Record(text.raw.decode(), sha256(made).hexdigest(), entries, tuple(work.committed)))


def _cards(cell: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    for output in cell.outputs:
        status = fields(fields(output.get("metadata")).get(KEY)).get("status")
        if isinstance(status, str):
            yield status, str(fields(output.get("data")).get("text/plain", ""))


def _refuse_edited(target: Path) -> None:
    if target.suffix != ".ipynb":
        raise UsageError(f"-o {target} is not the name of a notebook; end it in .ipynb")
    if not target.exists():
        return
    document = read_notebook(target).node()
    if _made(document) != _sum(document.cells):
        raise ConflictError(
            f"{target} was edited since it was made, and was kept; "
            f"mlexpert run {target} runs it with your edits, or choose another -o, or delete it"
        )


def _refuse_unwritable(target: Path) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}; make it or choose another -o")
    if not os.access(target.parent, os.W_OK):
        raise EnvironmentProblem(f"the folder {target.parent} cannot be written; choose another place with -o")


def _refuse_saved_meanwhile(notebook: Path, text: NotebookText, made: bytes) -> None:
    if not notebook.exists() or notebook.read_bytes() == text.raw:
        return
    beside = notebook.resolve().with_suffix(".executed.ipynb")
    put_in_place(beside, made)
    raise ConflictError(f"{notebook} was saved by somebody during the run and was kept; the run is in {beside}")


def _made(document: nbformat.NotebookNode) -> object:
    return fields(document.metadata.get(KEY)).get("made")


def _sum(cells: Sequence[nbformat.NotebookNode]) -> str:
    return digest("notebook", "\0".join(digest(cell.cell_type, cell.source) for cell in cells))


def _signed(document: nbformat.NotebookNode, *, sign: bool) -> nbformat.NotebookNode:
    """Note what was written, so that a later run sees whether somebody has edited the file."""
    if sign:
        document.metadata[KEY] = nbformat.from_dict(
            {**fields(document.metadata.get(KEY)), "made": _sum(document.cells)},
        )
    return document
