"""The cells bundle: generated notebook cells as one MIME payload, with HTML and text beside it for everyone else.

The payload holds no time, id or path of its own, so the same cells give the same bytes. Too long a cell is replaced by
a note rather than cut, because half a cell is wrong code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlexpert_nb.display.card import Card
from mlexpert_nb.display.card_html import folded, frame, headline, render_html
from mlexpert_nb.display.card_text import render_text
from mlexpert_nb.display.safe import counted, html, plain
from mlexpert_nb.packages import Cell, Json

MIME = "application/vnd.mlexpert.cells.v1+json"
MAX_CELLS = 200
MAX_SOURCE = 200_000  # characters of one cell
MAX_SHOWN = 20_000  # characters of one cell in the folded HTML
WAYS = (
    "This front end shows them to copy. JupyterLab and Notebook 7 put them into the notebook where mlexpert-nb is "
    "installed beside Jupyter; so does `mlexpert run`."
)
VARIES = "nbval-ignore-output"  # a cell that promises its output says so with # NBVAL_CHECK_OUTPUT, which wins


@dataclass(frozen=True, slots=True)
class About:
    """The run that cells come from, for the card that a front end shows above them.

    Attributes:
        card: What the run came to.
        workspace: Folder of the delivered code, as the user spelled it.
        receipt: Head of the run's receipt; what an undo names the run by.
    """

    card: Card
    workspace: str
    receipt: str


def result_bundle(cells: Sequence[Cell], about: About, *, title: str) -> dict[str, Json]:
    """Give the MIME bundle of a finished run: its card, and the cells to insert."""
    bundle = cells_bundle(cells, title=title)
    payload = bundle[MIME]
    facts: dict[str, Json] = {"card": _card_json(about.card), "workspace": about.workspace, "receipt": about.receipt}
    return {
        MIME: {**(payload if isinstance(payload, dict) else {}), **facts},
        "text/html": f"{render_html(about.card)}{bundle['text/html']}",
        "text/plain": f"{render_text(about.card)}\n\n{bundle['text/plain']}",
    }


def undo_bundle(card: Card, receipt: str, left: str = "") -> dict[str, Json]:
    """Give the MIME bundle that tells a front end to take the cells of a run out again.

    Args:
        card: What was taken back in the workspace.
        receipt: Receipt of the run.
        left: Receipt of the run that the workspace holds now; empty if it holds none.
    """
    payload: dict[str, Json] = {"version": 1, "auto": True, "title": card.headline, "cells": [], "undoes": receipt}
    payload["left"] = left
    return {
        MIME: {**payload, "card": _card_json(card)},
        "text/html": render_html(card),
        "text/plain": render_text(card),
    }


def carry_bundle(card: Card, origin: str, cells: Sequence[tuple[Cell, Mapping[str, object], str]]) -> dict[str, Json]:
    """Give the MIME bundle that tells a front end to put other versions into generated cells.

    Args:
        card: What is carried over.
        origin: Id of the magic cell that the cells belong to.
        cells: Each version with its marks and the digest of what it takes the place of.
    """
    specs: list[Any] = [
        {"cell_type": cell.cell_type, "source": cell.source, "metadata": {"mlexpert": dict(marks)}, "expects": expects}
        for cell, marks, expects in cells
    ]
    payload: dict[str, Json] = {"version": 1, "auto": True, "title": card.headline, "cells": specs, "carries": origin}
    return {
        MIME: {**payload, "card": _card_json(card)},
        "text/html": render_html(card),
        "text/plain": render_text(card),
    }


def cells_bundle(cells: Sequence[Cell], *, title: str, auto: bool = True) -> dict[str, Json]:
    """Give the MIME bundle of generated cells.

    Args:
        cells: The cells, in order.
        title: What they are, in a few words.
        auto: Whether a front end may insert them without a click.
    """
    kept = [_within_limit(cell) for cell in cells[:MAX_CELLS]]
    heading = plain(title, 200)
    if len(cells) > MAX_CELLS:
        heading = f"{heading} (the first {MAX_CELLS} of {len(cells):,} cells; the rest was left out)"
    return {
        MIME: {"version": 1, "auto": auto, "title": heading, "cells": [_spec(cell) for cell in kept]},
        "text/html": _html(kept, heading),
        "text/plain": _text(kept, heading),
    }


def _card_json(card: Card) -> dict[str, Json]:
    """Give a card as plain JSON values, without what is empty."""
    values: dict[str, Json] = asdict(card)
    return {key: value for key, value in values.items() if value}


def _within_limit(cell: Cell) -> Cell:
    # jupytext drops a last line end; without one, a text round trip does not look like an edit
    source = cell.source.rstrip("\n")
    if len(source) <= MAX_SOURCE:
        return Cell(cell.cell_type, source, cell.role)
    size = f"{len(source):,} characters, at most {MAX_SOURCE:,} fit in one cell"
    note = f"*The cell `{plain(cell.role, 60)}` was left out: {size}.*"
    return Cell("markdown", note, cell.role)


def _spec(cell: Cell) -> Json:
    metadata: dict[str, Json] = {"mlexpert": {"role": cell.role}}
    if cell.cell_type == "code":
        metadata["tags"] = [VARIES]
    return {"cell_type": cell.cell_type, "source": cell.source, "metadata": metadata}


def _html(cells: Sequence[Cell], heading: str) -> str:
    number = f"{counted(len(cells), 'cell')} for this notebook"
    shown = [
        folded(f"{at}. {cell.role} ({cell.cell_type})", f"<pre>{html(cell.source, MAX_SHOWN)}</pre>")
        for at, cell in enumerate(cells, 1)
    ]
    return frame("info", [headline(html(heading)), f'<p class="mlx-quiet">{number}. {html(WAYS)}</p>', *shown])


def _text(cells: Sequence[Cell], heading: str) -> str:
    rows = [f"  {at}. {plain(cell.role, 60)} ({cell.cell_type})" for at, cell in enumerate(cells, 1)]
    return "\n".join([f"{heading}: {counted(len(cells), 'cell')} for this notebook", *rows])


def payload_of(data: Mapping[str, object]) -> Mapping[str, object] | None:
    """Give the cells payload of an output's data, or None if there is none that can be read."""
    found = data.get(MIME)
    if not isinstance(found, Mapping) or found.get("version") != 1:
        return None
    cells = found.get("cells")
    return found if isinstance(cells, list) and all(map(_is_spec, cells)) else None


def _is_spec(cell: object) -> bool:
    if not isinstance(cell, Mapping):
        return False
    return cell.get("cell_type") in {"markdown", "code", "raw"} and isinstance(cell.get("source"), str)
