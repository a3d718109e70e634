"""Puts an insertion into a notebook: nbformat cells in, the decision from `insertion`, nbformat cells out."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import nbformat

from mlexpert_nb.display.cells import payload_of
from mlexpert_nb.display.insertion import CellView, Slot, Wanted, plan_insertion
from mlexpert_nb.display.notebook_format import free_id
from mlexpert_nb.display.safe import fields, items

KEY, TAG = "mlexpert", "mlexpert-generated"
_IDS = UUID("6f3a1f5e-4f0b-5d0e-9c58-6d6c65787065")  # our own name space, so that ids come out the same everywhere


def wanted_cells(magic: nbformat.NotebookNode) -> Mapping[str, Any] | None:
    """Give the payload that the outputs of a cell ask to insert without a click, None if there is none."""
    found = [payload_of(fields(output.get("data"))) for output in magic.get("outputs", [])]
    payloads = [payload for payload in found if payload is not None]
    last = payloads[-1] if payloads else {}
    return last if last.get("auto") is True and not {"undoes", "carries"} & last.keys() else None


def materialise(notebook: nbformat.NotebookNode, magic: int, payload: Mapping[str, Any]) -> list[nbformat.NotebookNode]:
    """Give the cells of the notebook with those of the payload in their places.

    Args:
        notebook: The notebook; its cells are changed where their slot says so.
        magic: Index of the cell whose output holds the payload.
        payload: What `wanted_cells` gave.
    """
    cells = notebook.cells
    views = [_view(cell) for cell in cells]
    specs = [fields(each) for each in items(payload["cells"])]
    slots = plan_insertion(views, magic, [_wanted(spec, at) for at, spec in enumerate(specs)], fresh_id(views, magic))
    taken = {cell.get("id") for cell in cells}
    placed = []
    for slot in slots:
        spec = fields(specs[slot.wanted]) if slot.wanted is not None else {}
        cell = cells[slot.cell] if slot.cell is not None else new_cell(slot, taken, notebook)
        placed.append(filled(cell, slot, spec))
    return placed


def fresh_id(cells: Sequence[CellView], magic: int) -> str:
    """Give an id for a magic cell that follows from its text, and that no other cell of the notebook carries."""
    carried = {cell.meta.get("id") for cell in cells}
    names = (str(uuid5(_IDS, f"{cells[magic].source}\0{n}")) for n in range(len(cells) + 1))
    return next(name for name in names if name not in carried)


def is_generated(cell: nbformat.NotebookNode) -> bool:
    """Tell whether a cell is generated and not taken over by the user."""
    return fields(cell.metadata.get(KEY)).get("generated") is True


def new_cell(slot: Slot, taken: set[Any], notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Give a new cell for a slot; its id follows from its role, and is added to those that are taken."""
    cell = nbformat.NotebookNode(cell_type=slot.cell_type, metadata=nbformat.NotebookNode(), source=slot.source)
    if slot.cell_type == "code":
        cell.execution_count, cell.outputs = None, []
    if (notebook.nbformat, notebook.nbformat_minor) >= (4, 5):
        seed = f"{slot.meta.get('origin')}\0{slot.meta.get('role')}\0{slot.meta.get('offer', False)}"
        cell.id = free_id(f"mlx-{sha256(seed.encode()).hexdigest()[:12]}", taken)
        taken.add(cell.id)
    return cell


def filled(cell: nbformat.NotebookNode, slot: Slot, spec: Mapping[str, object]) -> nbformat.NotebookNode:
    """Make a cell what its slot says, with the tags of its spec; a cell that is so already is not touched at all."""
    if (cell.cell_type, cell.source) != (slot.cell_type, slot.source):
        _replace(cell, slot)
    elif fields(cell.metadata.get(KEY)) == slot.meta:
        return cell
    tags = [tag for tag in items(cell.metadata.get("tags")) if tag != TAG]
    if slot.meta.get("generated") is True:
        tags = list(dict.fromkeys([*tags, *items(fields(spec.get("metadata")).get("tags")), TAG]))
    for key, value in ((KEY, dict(slot.meta)), ("tags", tags)):
        if value:
            cell.metadata[key] = nbformat.from_dict(value)
        else:
            cell.metadata.pop(key, None)
    return cell


def _view(cell: nbformat.NotebookNode) -> CellView:
    return CellView(cell.cell_type, cell.source, fields(cell.metadata.get(KEY)))


def _wanted(spec: Mapping[str, object], at: int) -> Wanted:
    role = fields(fields(spec.get("metadata")).get(KEY)).get("role")
    return Wanted(str(spec["cell_type"]), str(spec["source"]), str(role or f"cell-{at + 1}"))


def _replace(cell: nbformat.NotebookNode, slot: Slot) -> None:
    cell.cell_type, cell.source = slot.cell_type, slot.source
    if slot.cell_type == "code":
        cell.execution_count, cell.outputs = None, []
    else:
        cell.pop("execution_count", None)
        cell.pop("outputs", None)
    if slot.cell_type == "code":
        cell.pop("attachments", None)
