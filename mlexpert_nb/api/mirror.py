"""The cells of a run as a script in jupytext's percent format, and back: what a person edits beside the notebook.

A cell is known by its role, which stands in the line that opens it. Cells without a role are the user's: they are
neither read nor lost. Text that a script cannot hold (a line that opens a cell within a cell) does not come back as it
was; `through` gives what comes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Cell

MIRROR = "notebook_cells.py"
FIRST_LINE = "# The cells of this run: edit here or in the notebook; mlexpert diff shows what differs.\n"
_FORMAT = "py:percent"
_PLAIN = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "role,-all", "main_language": "python"}


def render(cells: Sequence[Cell]) -> str:
    """Give cells as a script; the same cells give the same text."""
    from nbformat.v4 import new_notebook  # noqa: PLC0415 - only a delivery and a comparison need it

    return f"{FIRST_LINE}\n{_text(new_notebook(metadata={'jupytext': _PLAIN}, cells=[_made(cell) for cell in cells]))}"


def parse(text: str) -> tuple[Cell, ...]:
    """Give the cells of a script that have a role, in order.

    Raises:
        UsageError: The text cannot be read as a script with cells.
    """
    return tuple(
        Cell("markdown" if each.cell_type == "markdown" else "code", each.source, str(each.metadata["role"]))
        for each in _notebook(text).cells
        if "role" in each.metadata
    )


def through(cell: Cell) -> Cell | None:
    """Give what comes back of a cell that is written into a script."""
    return next(iter(parse(render((cell,)))), None)


def updated(text: str, cells: Mapping[str, Cell], order: Sequence[str]) -> str:
    """Give a script with some of its cells replaced; everything else in it stays.

    Args:
        text: The script; empty for a new one.
        cells: New versions by role; one that the script lacks is put behind the cell before it in `order`.
        order: Every role of the run, in order.

    Raises:
        UsageError: The text cannot be read as a script with cells, or cannot hold one of the new versions.
    """
    cells = {role: _ended(cell) for role, cell in cells.items()}
    if not text:
        made = render([cells[role] for role in order if role in cells])
    else:
        notebook = _notebook(text)
        for role in order:
            if role in cells:
                _put(notebook.cells, cells[role], order)
        opening = f"{FIRST_LINE}\n" if text.startswith(FIRST_LINE) else ""
        made = opening + _text(notebook)
    found = _by_role(parse(made))
    for role, cell in cells.items():
        if found.get(role) != cell:
            raise UsageError(
                f"the cell {role!r} cannot stand in a script; mend an open string or a line that starts with '# %%'"
            )
    before, after = ([cell for cell in parse(each) if cell.role not in cells] for each in (text, made))
    if before != after:  # an open string reaches into the cells around it
        touched = next((cell.role for cell in before if cell not in after), next(iter(cells)))
        raise UsageError(f"the cell {touched!r} of the script would be changed or lost; mend the cell before it first")
    return made


def _ended(cell: Cell) -> Cell:
    """Give a cell without blank lines at the end of its code, which no script can hold."""
    return replace(cell, source=cell.source.rstrip("\n")) if cell.cell_type == "code" else cell


def _by_role(cells: Sequence[Cell]) -> dict[str, Cell]:
    return {cell.role: cell for cell in reversed(cells)}


def _put(cells: list[Any], cell: Cell, order: Sequence[str]) -> None:
    places = {each.metadata.get("role"): at for at, each in reversed(list(enumerate(cells)))}
    if cell.role in places:
        made = _made(cell)
        made.metadata = {**cells[places[cell.role]].metadata, **made.metadata}
        cells[places[cell.role]] = made
        return
    before = [places[role] for role in order[: order.index(cell.role)] if role in places]
    cells.insert(max(before, default=-1) + 1, _made(cell))


def _made(cell: Cell) -> Any:
    from nbformat.v4 import new_code_cell, new_markdown_cell  # noqa: PLC0415 - only a delivery and a comparison need it

    metadata = {"role": cell.role}
    if cell.cell_type == "markdown":
        return new_markdown_cell(cell.source, metadata=metadata)
    return new_code_cell(cell.source, metadata=metadata)


def _notebook(text: str) -> Any:
    import jupytext  # type: ignore[import-untyped]  # noqa: PLC0415 - a second of CPU time; carries no annotations

    try:
        return jupytext.reads(text.removeprefix(FIRST_LINE).lstrip("\n"), fmt=_FORMAT)
    except Exception as error:  # noqa: BLE001 - whatever its parsers raise on a header of the user's
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{MIRROR} cannot be read as cells: {line}; mend it or delete it") from None


def _text(notebook: Any) -> str:
    import jupytext  # noqa: PLC0415 - a second of CPU time

    return str(jupytext.writes(notebook, fmt=_FORMAT))
