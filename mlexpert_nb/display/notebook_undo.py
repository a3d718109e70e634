"""Takes cells out of a notebook again: nbformat cells in, the decision from `undo`, nbformat cells out."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256

import nbformat

from mlexpert_nb.display.cells import payload_of
from mlexpert_nb.display.insertion import digest
from mlexpert_nb.display.notebook_cells import KEY, TAG
from mlexpert_nb.display.notebook_format import free_id
from mlexpert_nb.display.safe import fields
from mlexpert_nb.display.undo import Entry, Restored, plan_undo


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A notebook's cells at one moment, and what the decision needs to know of each."""

    cells: tuple[nbformat.NotebookNode, ...]
    entries: tuple[Entry, ...]


@dataclass(slots=True)
class Insertions:
    """What a run has put into a notebook so far, so that it can be taken out again.

    Attributes:
        named: Cells from before the run; in a format without ids, their place in this list stands for one.
        made: Receipt, and the notebook before and after, of every insertion.
        shown: Receipts of the cards that stood in the notebook before the run.
    """

    named: tuple[nbformat.NotebookNode, ...]
    made: list[tuple[str, Snapshot, tuple[Entry, ...]]] = field(default_factory=list)
    shown: Mapping[int, str] = field(init=False)

    def __post_init__(self) -> None:
        """Note which runs the cards are of, before their cells run again."""
        self.shown = {id(cell): str(_payload(cell).get("receipt", "")) for cell in self.named}

    def entries(self, cells: Sequence[nbformat.NotebookNode]) -> tuple[Entry, ...]:
        """Give what the decision needs to know of each cell."""
        names = {id(cell): f"#{at}" for at, cell in enumerate(self.named)}
        return tuple(entry(cell, names.get(id(cell), "")) for cell in cells)

    def snapshot(self, cells: Sequence[nbformat.NotebookNode]) -> Snapshot:
        """Keep the cells as they are now."""
        return Snapshot(tuple(deepcopy(cell) for cell in cells), self.entries(cells))

    def note(self, receipt: str, before: Snapshot, cells: Sequence[nbformat.NotebookNode]) -> None:
        """Remember an insertion that has just been made."""
        self.made.append((receipt, before, self.entries(cells)))

    def take_back(self, cells: Sequence[nbformat.NotebookNode], receipt: str) -> list[nbformat.NotebookNode]:
        """Give the notebook without the untouched cells of a run; what was inserted before this run goes too."""
        same = (cell for cell in cells if self.shown.get(id(cell)) == receipt)  # put in by an earlier run of the same
        origins = {_marks(cell).get("id") for cell in same}
        left = list(cells)
        for _, before, after in reversed([each for each in self.made if each[0] == receipt]):
            left = taken_back(left, self.entries(left), before, after)
        self.made = [each for each in self.made if each[0] != receipt]
        return [cell for cell in left if not (_is_untouched(cell) and _marks(cell).get("origin") in origins)]


def entry(cell: nbformat.NotebookNode, name: str = "") -> Entry:
    """Give what the decision needs to know of a cell; `name` stands for an id where it has none."""
    parts = [cell.metadata.get(KEY), cell.metadata.get("tags"), cell.get("outputs"), cell.get("execution_count")]
    mark = sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return Entry(str(cell.get("id") or name), digest(cell.cell_type, cell.source), mark)


def taken_back(
    now: Sequence[nbformat.NotebookNode], entries: Sequence[Entry], before: Snapshot, after: Sequence[Entry]
) -> list[nbformat.NotebookNode]:
    """Give the cells as they should be once what lies between `before` and `after` is taken back."""
    places = plan_undo(entries, before.entries, after)
    taken = {now[each.cell].get("id") for each in places if not isinstance(each, Restored)}
    present = {each.id: cell for each, cell in zip(entries, now, strict=True) if each.id}
    marks = {each.id: each.mark for each in entries}
    as_left = {each.id for each in after if each.id and marks.get(each.id) == each.mark}
    return [
        _back(before, each.cell, present, as_left, taken) if isinstance(each, Restored) else now[each.cell]
        for each in places
    ]


def _back(
    before: Snapshot, at: int, present: Mapping[str, nbformat.NotebookNode], as_left: set[str], taken: set[object]
) -> nbformat.NotebookNode:
    """Give a cell as it was; what a person has done to it since, tags or a newer output, stays."""
    name, was = before.entries[at].id, before.cells[at]
    cell = present.get(name)
    if cell is None or name in as_left or (cell.cell_type, cell.source) != (was.cell_type, was.source):
        return _again(was, taken)
    kept = deepcopy(cell)
    taken.add(kept.get("id"))
    for key in (KEY, "tags"):
        kept.metadata.pop(key, None)
    tags = [tag for tag in cell.metadata.get("tags", []) if tag != TAG or tag in was.metadata.get("tags", [])]
    kept.metadata.update({key: was.metadata[key] for key in (KEY,) if key in was.metadata})
    kept.metadata.update({"tags": tags} if tags else {})
    if fields(_payload(cell)) and "outputs" in was:  # the card of the run that is taken back
        kept["outputs"], kept["execution_count"] = deepcopy(was.outputs), was.execution_count
    return kept


def _again(cell: nbformat.NotebookNode, taken: set[object]) -> nbformat.NotebookNode:
    """Give a copy of a cell from before; if a cell that the user has edited carries its id, with another one."""
    copy = deepcopy(cell)
    if "id" in copy:
        copy["id"] = free_id(copy["id"], taken)
        taken.add(copy["id"])
    return copy


def undone_receipt(cell: nbformat.NotebookNode) -> str:
    """Give the receipt of the run that a cell's output says was taken back; empty if it does not say so."""
    return str(_payload(cell).get("undoes", ""))


def delivered(cell: nbformat.NotebookNode) -> tuple[str, str]:
    """Give the workspace and the receipt of the run that a cell's output is of; empty where it does not say."""
    payload = _payload(cell)
    return str(payload.get("workspace", "")), str(payload.get("receipt", ""))


def _payload(cell: nbformat.NotebookNode) -> Mapping[str, object]:
    found = [payload_of(fields(output.get("data"))) for output in cell.get("outputs", [])]
    return next((payload for payload in reversed(found) if payload is not None), {})


def _is_untouched(cell: nbformat.NotebookNode) -> bool:
    marks = _marks(cell)
    return marks.get("generated") is True and marks.get("digest") == digest(cell.cell_type, cell.source)


def _marks(cell: nbformat.NotebookNode) -> Mapping[str, object]:
    return fields(cell.metadata.get(KEY))
