"""The card of a comparison: which cells and files differ, how, and what was carried over."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from shlex import quote

from mlexpert_nb.api import SIDES, Carry, CellDrift, Drift, Side, carry
from mlexpert_nb.display.card import Card, Step, Tone, table
from mlexpert_nb.display.notebook_drift import NotebookSide
from mlexpert_nb.display.safe import counted, plain
from mlexpert_nb.packages import Cell

SHOWN = 20_000  # characters of one difference
NO_TEXT = "their proven text is not kept, so what changed in them cannot be shown"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison was between.

    Attributes:
        side: The notebook.
        workspace: The folder, as the user spelled it.
        note: One line about the notebook for the user; may be empty.
        is_open: Whether the notebook is open in a front end that puts the cells in itself.
        front: How a command starts: "mlexpert", "%mlexpert".
    """

    side: NotebookSide
    workspace: str
    front: str
    note: str = ""
    is_open: bool = False


def diff_card(drift: Drift, compared: Compared) -> Card:
    """Say what differs between a notebook and a workspace, and how to carry it over."""
    cells = [each for each in drift.cells if each.state != "same"]
    parts = [counted(len(cells), "cell")] if cells else []
    parts += [counted(len(drift.touched), "file")] if drift.touched else []
    verb = "differs" if len(cells) + len(drift.touched) == 1 else "differ"
    headline = f"{' and '.join(parts)} {verb}" if drift.differs else "Notebook and workspace hold the same"
    said = _Said("warn" if drift.differs else "good", headline, steps=tuple(_steps(drift, compared)))
    return _card(said, drift, compared)


def carried_card(drift: Drift, moved: Carry, to: Side, compared: Compared) -> Card:
    """Say what was carried over to one side, and what was kept because both sides had changed it."""
    where = str(compared.side.path) if to == "notebook" else compared.workspace
    done = f"{counted(len(moved.cells), 'cell')} carried over" if moved.cells else "Nothing to carry over"
    kept = f"; {counted(len(moved.conflicts), 'conflict')} kept" if moved.conflicts else ""
    message = f"into {where}: {', '.join(moved.cells)}" if moved.cells else f"{where} is as it was"
    steps = []
    if moved.cells and to == "notebook" and compared.front.startswith("%") and not compared.is_open:
        steps.append(Step("the file has changed under the open notebook: reload it from disk before you save"))
    if moved.cells and to == "files":
        steps.append(Step("take it back", f"{compared.front} undo --workspace {quote(compared.workspace)}"))
    if moved.conflicts:
        words = (compared.front, "diff", quote(str(compared.side.path)), "--workspace", quote(compared.workspace))
        why = "both sides have changed these; this lets the other side win: " + ", ".join(moved.conflicts)
        steps.append(Step(why, " ".join((*words, "--to", to, "--force"))))
    tone: Tone = "warn" if moved.conflicts else "good"
    ends = {**dict.fromkeys(moved.cells, "; carried over"), **dict.fromkeys(moved.conflicts, "; kept")}
    about = Drift(tuple(each for each in drift.cells if each.role in ends), drift.touched)
    return _card(_Said(tone, done + kept, message, tuple(steps), ends), about, compared)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a card says above its tables; `ends` is what became of a cell, by role."""

    tone: Tone
    headline: str
    message: str = ""
    steps: tuple[Step, ...] = ()
    ends: Mapping[str, str] = field(default_factory=dict)


def _card(said: _Said, drift: Drift, compared: Compared) -> Card:
    rows = [(each.role, each.state + said.ends.get(each.role, "")) for each in drift.cells]
    odd = [row for row in rows if row[1] != "same"]
    tables = [table("Cells", ("cell", "state"), odd or rows, unfolded=bool(odd))] if rows else []
    if drift.touched:
        title = f"Edited on disk since it was proven ({NO_TEXT})"
        tables.append(table(title, ("file",), [(line,) for line in drift.touched], unfolded=True))
    side = compared.side
    others = f"; {counted(side.others, 'other request')} in it has cells of these names" if side.others else ""
    facts = (
        ("Notebook", f"{side.path}, as saved"),
        ("Its cells", (side.place or "none of this workspace") + others),
        ("Workspace", compared.workspace),
    )
    texts = tuple((title, plain(text, SHOWN)) for each in drift.cells for title, text in _differences(each))
    message = " ".join(line for line in (said.message, compared.note) if line)
    return Card(
        said.tone, said.headline, message=message, tables=tuple(tables), texts=texts, facts=facts, steps=said.steps
    )


def _differences(drift: CellDrift) -> Iterator[tuple[str, str]]:
    """Give a title and a unified diff for every way in which a cell differs."""
    base, notebook, file = drift.base, drift.notebook, drift.file
    match drift.state:
        case "edited in the notebook":
            yield _unified(drift.role, ("generated", base), ("notebook", notebook))
        case "edited in the file":
            yield _unified(drift.role, ("generated", base), ("file", file))
        case "edited in both, differently":
            yield _unified(drift.role, ("generated", base), ("notebook", notebook))
            yield _unified(drift.role, ("generated", base), ("file", file))
        case "newer in the workspace" | "edited in the notebook, newer in the workspace":
            yield _unified(drift.role, ("notebook", notebook), ("file", file))
        case "missing in the notebook" if file != base:
            yield _unified(drift.role, ("generated", base), ("file", file))
        case "missing in the file" if notebook != base:
            yield _unified(drift.role, ("generated", base), ("notebook", notebook))


def _unified(role: str, old: tuple[str, Cell | None], new: tuple[str, Cell | None]) -> tuple[str, str]:
    before, after = (cell.source.splitlines() if cell else [] for _, cell in (old, new))
    lines = difflib.unified_diff(before, after, f"{role} ({old[0]})", f"{role} ({new[0]})", lineterm="")
    return f"{role}: {old[0]} → {new[0]}", "\n".join(lines)


def _steps(drift: Drift, compared: Compared) -> Iterator[Step]:
    words = (compared.front, "diff", quote(str(compared.side.path)), "--workspace", quote(compared.workspace))
    why = {
        "notebook": "put the file's edits into the notebook",
        "files": "put the notebook's edits into the workspace",
    }
    for side in SIDES:
        if carry(drift, side).cells:
            yield Step(why[side], " ".join((*words, "--to", side)))
