"""What `mlexpert run` keeps of a notebook before it replaces it, and the way back.

.ipynb_checkpoints/NAME-mlexpert-0001.json, in the folder that Jupyter keeps such copies in: the text from before, what
the file became, and the runs that its cells committed. The newest MAX_RECORDS of a notebook are kept.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from mlexpert_nb.display.notebook_cells import KEY
from mlexpert_nb.display.notebook_format import (
    notebook_bytes,
    notebook_text,
    put_in_place,
    read_notebook,
    refuse_read_only,
)
from mlexpert_nb.display.notebook_undo import Snapshot, entry, taken_back
from mlexpert_nb.display.undo import Entry
from mlexpert_nb.errors import ConflictError, EnvironmentProblem, UsageError

FOLDER = ".ipynb_checkpoints"
MAX_RECORDS = 20


@dataclass(frozen=True, slots=True)
class Committed:
    """A run that a cell started and that changed a workspace; the folder is relative to the notebook's."""

    workspace: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Record:
    """What one run did to a notebook.

    Attributes:
        before: Its text from before the run.
        after: SHA-256 of its bytes after the run.
        entries: Its cells after the run.
        runs: The runs that its cells committed, in order.
    """

    before: str
    after: str
    entries: tuple[Entry, ...]
    runs: tuple[Committed, ...]


@dataclass(frozen=True, slots=True)
class WayBack:
    """How the last run of a notebook is taken back.

    Attributes:
        notebook: The notebook.
        record: File that holds the record.
        now: The notebook's bytes now.
        made: The bytes that it gets.
        edited: Whether somebody has edited it since the run; what they wrote stays.
        runs: Folder and receipt of the runs to take back in their workspaces, newest first.
    """

    notebook: Path
    record: Path
    now: bytes
    made: bytes
    edited: bool
    runs: tuple[tuple[Path, str], ...]


def refuse_unkept(notebook: Path) -> None:
    """Refuse a run whose record could not be kept, before it has taken its time.

    Raises:
        EnvironmentProblem: The folder of the records cannot be written.
    """
    folder = notebook.resolve().parent / FOLDER
    if os.path.lexists(folder) and not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise EnvironmentProblem(f"{folder} cannot be written, and undo needs it; repair it, move it away, or use -o")


def committed(notebook: Path, workspace: Path, receipt: str) -> Committed:
    """Give a committed run as it is kept: still right when notebook and workspace are moved together."""
    return Committed(os.path.relpath(workspace, notebook.resolve().parent), receipt)


def keep(notebook: Path, record: Record) -> Path:
    """Keep a record; the oldest ones go.

    Raises:
        EnvironmentProblem: The folder cannot be written.
    """
    place = notebook.resolve()
    folder, records = place.parent / FOLDER, _records(notebook)
    try:
        folder.mkdir(exist_ok=True)
        path = folder / f"{place.stem}-mlexpert-{_number(records[-1]) + 1 if records else 1:04d}.json"
        put_in_place(path, (json.dumps({"version": 1, **asdict(record)}, ensure_ascii=False) + "\n").encode())
        for old in _records(notebook)[:-MAX_RECORDS]:
            old.unlink()
    except OSError as error:
        raise EnvironmentProblem(f"{folder} cannot be written: {error.strerror}; repair it or remove it") from None
    return path


def way_back(notebook: Path) -> WayBack:
    """Find out how the last run of a notebook is taken back; nothing is changed yet.

    Raises:
        UsageError: There is no such notebook, or no run of it to take back.
        EnvironmentProblem: It cannot be written, or the record is damaged.
    """
    text = read_notebook(notebook)
    records = _records(notebook)
    if not records:
        raise UsageError(f"nothing to undo in {notebook}; no mlexpert run has changed it")
    refuse_read_only(notebook)
    record = _read(records[-1])
    edited = sha256(text.raw).hexdigest() != record.after
    return WayBack(
        notebook=notebook,
        record=records[-1],
        now=text.raw,
        made=_without(text.node(), record, notebook, text.raw) if edited else record.before.encode(),
        edited=edited,
        runs=tuple((notebook.resolve().parent / each.workspace, each.receipt) for each in reversed(record.runs)),
    )


def go_back(way: WayBack) -> None:
    """Put the notebook in place as `way_back` found, and drop the record.

    Raises:
        EnvironmentProblem: It cannot be written.
        ConflictError: It was saved at this moment; it was kept.
    """
    if way.notebook.read_bytes() != way.now:
        raise ConflictError(f"{way.notebook} was saved at this moment and was kept; undo it again")
    if way.made != way.now:
        put_in_place(way.notebook.resolve(), way.made)
    way.record.unlink()
    with suppress(OSError):  # Jupyter's copies are in it
        way.record.parent.rmdir()


def _without(now: nbformat.NotebookNode, record: Record, notebook: Path, raw: bytes) -> bytes:
    """Give an edited notebook without what the run did; what was written since stays."""
    before = notebook_text(record.before.encode(), notebook)
    cells = before.node().cells
    old = Snapshot(tuple(cells), tuple(entry(cell, f"#{at}") for at, cell in enumerate(cells)))
    now.cells = taken_back(now.cells, [entry(cell) for cell in now.cells], old, record.entries)
    ours = before.node().metadata.get(KEY)
    if ours is None:
        now.metadata.pop(KEY, None)
    else:
        now.metadata[KEY] = ours
    return notebook_bytes(now, notebook_text(raw, notebook))


def _records(notebook: Path) -> list[Path]:
    place = notebook.resolve()
    folder, prefix = place.parent / FOLDER, f"{place.stem}-mlexpert-"
    found = folder.iterdir() if folder.is_dir() else ()
    ours = (each for each in found if each.name.startswith(prefix) and each.suffix == ".json")
    return sorted((each for each in ours if each.stem.removeprefix(prefix).isdecimal()), key=_number)


def _number(record: Path) -> int:
    return int(record.stem.rpartition("-")[2])


def _read(path: Path) -> Record:
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        return Record(
            before=str(data["before"]),
            after=str(data["after"]),
            entries=tuple(Entry(**each) for each in data["entries"]),
            runs=tuple(Committed(**each) for each in data["runs"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error}; nothing was undone: move it away") from None
