"""`mlexpert run`: executes a notebook without a front end and puts generated cells under their magic cells.

A file is written once, at the end, in one step, and a run that changes nothing leaves the same bytes. The notebook that
was read is replaced only by a run that went through, and only if nobody has saved it meanwhile; another file only if
nobody has edited it since it was made.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from mlexpert_nb.display.headless import Headless, kernel
from mlexpert_nb.display.insertion import digest
from mlexpert_nb.display.notebook_cells import KEY, is_generated, materialise, wanted_cells
from mlexpert_nb.display.notebook_format import NotebookText, notebook_bytes, read_notebook
from mlexpert_nb.display.safe import counted, fields, one_line
from mlexpert_nb.errors import CellFailedError, ConflictError, EnvironmentProblem, UsageError
from mlexpert_nb.packages import EXIT_CODES, Event, OnEvent

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


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
        """The gravest exit code among the runs that cells started; 0 if there were none."""
        known = {str(status): code for status, code in EXIT_CODES.items()}
        return max((known.get(status, 0) for status in self.statuses), default=0)

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
    _refuse_other_language(document, notebook)
    target = (out or notebook).resolve()
    in_place = target == notebook.resolve()
    untouched = _made(document) == _sum(document.cells)
    if not in_place:
        _refuse_edited(target)
    _refuse_unwritable(target)
    run = NotebookRun(target)
    try:
        with kernel(notebook.resolve().parent, on_event) as headless:
            _run_cells(document, headless, run, on_event)
    except (CellFailedError, EnvironmentProblem) as error:
        saved = target.with_suffix(".failed.ipynb") if in_place else target
        _write(saved, notebook_bytes(_signed(document, sign=not in_place), text))
        kept = f"; {notebook} is as it was" if in_place else ""
        raise type(error)(f"{error}; the run so far is in {saved}{kept}") from None
    made = notebook_bytes(_signed(document, sign=not in_place or untouched), text)
    if in_place:
        _refuse_saved_meanwhile(notebook, text, made)
    run.changed = not target.exists() or target.read_bytes() != made
    if run.changed:
        _write(target, made)
    return run


def _run_cells(document: nbformat.NotebookNode, headless: Headless, run: NotebookRun, on_event: OnEvent) -> None:
    document.metadata.setdefault("kernelspec", nbformat.from_dict(KERNELSPEC))
    document.metadata["language_info"] = nbformat.from_dict(dict(headless.language_info()))
    at = 0
    while at < len(document.cells):
        cell = document.cells[at]
        if cell.cell_type == "code" and cell.source.strip():
            title = f"cell {at + 1} of {len(document.cells)}"
            on_event(Event("phase", "run"))
            on_event(Event("note", f"{title}: {one_line(cell.source, 80)}"))
            try:
                headless.execute(cell)
            except (CellFailedError, EnvironmentProblem) as error:
                raise type(error)(f"{title} ({one_line(cell.source, 60)}): {error}") from None
            run.executed += 1
            run.generated += is_generated(cell)
            for status, card in _cards(cell):
                run.statuses.append(status)
                run.cards.append(card)
            payload = None if is_generated(cell) else wanted_cells(cell)
            if payload is not None:
                document.cells = materialise(document, at, payload)
                at = next(i for i, each in enumerate(document.cells) if each is cell)
        at += 1
    if widgets := headless.widgets():
        document.metadata["widgets"] = nbformat.from_dict(dict(widgets))


def _cards(cell: nbformat.NotebookNode) -> Iterator[tuple[str, str]]:
    for output in cell.outputs:
        status = fields(fields(output.get("metadata")).get(KEY)).get("status")
        if isinstance(status, str):
            yield status, str(fields(output.get("data")).get("text/plain", ""))


def _refuse_other_language(document: nbformat.NotebookNode, notebook: Path) -> None:
    language = str(document.metadata.get("kernelspec", {}).get("language", "python")).lower()
    if language != "python":
        raise UsageError(f"{notebook} is for {language}; mlexpert run executes Python notebooks")


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
    _write(beside, made)
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


def _write(path: Path, content: bytes) -> None:
    """Put a whole file in place in one step; the old one is there until the new one is complete."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            Path(temporary).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
