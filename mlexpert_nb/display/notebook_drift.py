"""The generated cells of one workspace in a notebook file: found, and replaced in one step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from mlexpert_nb.api import Shown
from mlexpert_nb.display.cells import MIME, cells_bundle, payload_of
from mlexpert_nb.display.insertion import Slot, digest
from mlexpert_nb.display.notebook_cells import KEY, filled, new_cell
from mlexpert_nb.display.notebook_format import (
    NotebookText,
    notebook_bytes,
    put_in_place,
    read_notebook,
    refuse_other_language,
    refuse_read_only,
)
from mlexpert_nb.display.safe import fields, items, one_line
from mlexpert_nb.errors import ConflictError, UsageError
from mlexpert_nb.packages import Cell
from mlexpert_nb.workspace import STATE


@dataclass(frozen=True, slots=True)
class NotebookSide:
    """A notebook's side of a comparison.

    Attributes:
        path: The notebook.
        text: Its bytes, as they were read.
        shown: Its generated cells, those that were edited included.
        place: Which request they belong to, for people; empty if there are none.
        others: How many other requests in it have cells of the same roles.
        lines: Every line of its code cells.
        origin: Id of the magic cell; empty if there is none.
    """

    path: Path
    text: NotebookText
    shown: tuple[Shown, ...]
    place: str
    others: int
    lines: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Carried:
    """One version that goes into an open notebook.

    Attributes:
        cell: The version.
        marks: Its `metadata.mlexpert`.
        expects: Digest of the version that it takes the place of; empty for a cell that is not there.
    """

    cell: Cell
    marks: Mapping[str, object]
    expects: str


@dataclass(frozen=True, slots=True)
class _Group:
    """The generated cells of one magic cell, by role."""

    origin: str
    magic: int | None
    cells: Mapping[str, nbformat.NotebookNode]


def read_side(path: Path, workspace: Path, base: Sequence[Cell]) -> NotebookSide:
    """Find the cells of a workspace's run in a notebook file.

    Args:
        path: The notebook.
        workspace: The folder that the run has delivered into.
        base: The cells as the run generated them.

    Raises:
        UsageError: There is no such notebook, or it is for another language.
    """
    text = read_notebook(path)
    document = text.node()
    refuse_other_language(document, path, "mlexpert diff compares")
    marks = {role: digest(str(spec["cell_type"]), str(spec["source"])) for role, spec in _as_shown(base).items()}
    groups = [group for group in _groups(document) if group.cells.keys() & marks.keys()]
    fitting = [group for group in groups if not _is_of_another(document, group, path, workspace)]
    chosen = max(fitting, key=lambda group: _fit(document, group, workspace, marks), default=None)
    return NotebookSide(
        path=path,
        text=text,
        shown=tuple(_shown(cell, role, marks) for role, cell in chosen.cells.items()) if chosen else (),
        place=_place(document, chosen) if chosen else "",
        others=len(groups) - (chosen is not None),
        lines=tuple(line for cell in document.cells if cell.cell_type == "code" for line in cell.source.splitlines()),
        origin=chosen.origin if chosen else "",
    )


def put_cells(side: NotebookSide, cells: Mapping[str, Cell], base: Sequence[Cell]) -> None:
    """Put other versions of generated cells into a notebook file; everything else in it keeps its bytes.

    Args:
        side: What `read_side` gave.
        cells: The new versions by role.
        base: The cells as the run generated them; a version that differs from its own counts as edited.

    Raises:
        UsageError: There are no cells of this run in it, so there is no place for more.
        EnvironmentProblem: The file cannot be written.
        ConflictError: It was saved at this moment; it was kept.
    """
    if not side.origin:
        raise UsageError(f"{side.path} holds no cells of this workspace; run its request there first")
    refuse_read_only(side.path)
    document = side.text.node()
    specs = _as_shown(base)
    for index, role in enumerate(each.role for each in base):
        if role in cells and role in specs:
            _put(document, side.origin, cells[role], specs[role], index)
    made = notebook_bytes(document, side.text)
    if side.path.read_bytes() != side.text.raw:
        raise ConflictError(f"{side.path} was saved at this moment and was kept; run it again")
    put_in_place(side.path.resolve(), made)


def carried_cells(side: NotebookSide, cells: Mapping[str, Cell], base: Sequence[Cell]) -> tuple[Carried, ...]:
    """Give other versions of generated cells for a front end that has the notebook open, in the order of the run."""
    specs, present = _as_shown(base), {each.cell.role: each.cell for each in side.shown}
    return tuple(
        Carried(
            cell=cells[role],
            marks=_marked(side.origin, cells[role], specs[role], index),
            expects=digest(present[role].cell_type, present[role].source) if role in present else "",
        )
        for index, role in enumerate(each.role for each in base)
        if role in cells and role in specs
    )


def _as_shown(base: Sequence[Cell]) -> dict[str, Mapping[str, object]]:
    """Give the cells as a notebook gets them, by role: a line end less, and a note in place of one that is too long."""
    payload = fields(cells_bundle(base, title="")[MIME])
    specs = [fields(each) for each in items(payload["cells"])]
    return {cell.role: spec for cell, spec in reversed(list(zip(base, specs, strict=False)))}


def _groups(document: nbformat.NotebookNode) -> Iterator[_Group]:
    """Give the generated cells by the magic cell that they are of; offers of newer versions are left out."""
    found: dict[str, dict[str, nbformat.NotebookNode]] = {}
    for cell in document.cells:
        meta = _marks(cell)
        ours = meta.get("generated") is True or meta.get("edited") is True
        if ours and meta.get("offer") is not True and isinstance(meta.get("origin"), str):
            found.setdefault(str(meta["origin"]), {}).setdefault(str(meta.get("role", "")), cell)
    ids = {_marks(cell).get("id"): at for at, cell in reversed(list(enumerate(document.cells)))}
    for origin, cells in found.items():
        yield _Group(origin, ids.get(origin), cells)


def _shown(cell: nbformat.NotebookNode, role: str, marks: Mapping[str, str]) -> Shown:
    mark = _marks(cell).get("digest")
    made = Cell("markdown" if cell.cell_type == "markdown" else "code", cell.source, role)
    return Shown(made, edited=mark != digest(cell.cell_type, cell.source), newest=mark == marks.get(role))


def _fit(
    document: nbformat.NotebookNode, group: _Group, workspace: Path, marks: Mapping[str, str]
) -> tuple[bool, int, int]:
    """Rate how well a group fits a workspace: the same receipt, then cells of the same run, then the same roles."""
    digests = [_marks(cell).get("digest") == marks.get(role) for role, cell in group.cells.items()]
    sealed = str(_payload(document, group).get("receipt", ""))
    same_run = bool(sealed) and sealed in _last_record(workspace)
    return same_run, sum(digests), len(group.cells.keys() & marks.keys())


def _last_record(workspace: Path) -> str:
    path = workspace / STATE / "receipt.jsonl"
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines() if path.is_file() else []
    return lines[-1] if lines else ""


def _is_of_another(document: nbformat.NotebookNode, group: _Group, path: Path, workspace: Path) -> bool:
    """Tell whether a group's card names another workspace, one that is there."""
    named = _payload(document, group).get("workspace")
    place = (path.resolve().parent / Path(str(named)).expanduser()).resolve() if named else workspace.resolve()
    return place != workspace.resolve() and (place / STATE).is_dir()


def _payload(document: nbformat.NotebookNode, group: _Group) -> Mapping[str, object]:
    outputs = document.cells[group.magic].get("outputs", []) if group.magic is not None else []
    found = [payload_of(fields(output.get("data"))) for output in outputs]
    return next((payload for payload in reversed(found) if payload is not None), {})


def _place(document: nbformat.NotebookNode, group: _Group) -> str:
    if group.magic is None:
        return "cells whose request is gone"
    return f"cell {group.magic + 1} ({one_line(document.cells[group.magic].source, 60)})"


def _put(document: nbformat.NotebookNode, origin: str, cell: Cell, original: Mapping[str, object], index: int) -> None:
    """Put one version in its place."""
    meta = _marked(origin, cell, original, index)
    present = next((each for each in document.cells if _is_it(each, origin, cell.role)), None)
    kept = {"id": marked["id"]} if present is not None and "id" in (marked := _marks(present)) else {}
    slot = Slot(None, None, cell.cell_type, cell.source, {**kept, **meta})
    if present is None:
        present = new_cell(slot, {each.get("id") for each in document.cells}, document)
        document.cells.insert(_slot(document, origin, index), present)
    filled(present, slot, original)


def _marked(origin: str, cell: Cell, original: Mapping[str, object], index: int) -> dict[str, object]:
    """Give the marks of a version; one that is not as it was generated counts as edited."""
    mark = digest(str(original["cell_type"]), str(original["source"]))
    ours = digest(cell.cell_type, cell.source) == mark
    state = {"generated": True} if ours else {"generated": False, "edited": True}
    return {**state, "origin": origin, "index": index, "role": cell.role, "digest": mark}


def _is_it(cell: nbformat.NotebookNode, origin: str, role: str) -> bool:
    meta = _marks(cell)
    return (meta.get("origin"), meta.get("role")) == (origin, role) and meta.get("offer") is not True


def _marks(cell: nbformat.NotebookNode) -> Mapping[str, object]:
    return fields(cell.metadata.get(KEY))


def _slot(document: nbformat.NotebookNode, origin: str, index: int) -> int:
    """Give the place behind the last cell that comes before cell `index` of the run, or behind the magic cell."""
    slot = 0
    for at, each in enumerate(document.cells):
        meta = _marks(each)
        number = meta.get("index")
        before = meta.get("origin") == origin and isinstance(number, int) and number < index
        if before or meta.get("id") == origin:
            slot = at + 1
    return slot
