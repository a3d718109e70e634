"""What differs between the three versions of a run's cells: as generated, in the notebook, in the workspace's script.

Nothing is read or written here. A version that only one side has changed can be carried over; where both have changed,
a person decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlexpert_nb.api.mirror import through
from mlexpert_nb.packages import Cell

State = Literal[
    "same",
    "edited in the notebook",
    "edited in the file",
    "edited in both, differently",
    "edited in the notebook, newer in the workspace",
    "newer in the workspace",
    "missing in the notebook",
    "missing in the file",
]
Side = Literal["notebook", "files"]
SIDES: tuple[Side, ...] = ("notebook", "files")
CONFLICTS: frozenset[State] = frozenset(
    {"edited in both, differently", "edited in the notebook, newer in the workspace"}
)
CARRIED: Mapping[Side, frozenset[State]] = {
    "notebook": frozenset({"edited in the file", "newer in the workspace", "missing in the notebook"}),
    "files": frozenset({"edited in the notebook", "missing in the file"}),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One generated cell as a notebook has it.

    Attributes:
        cell: The cell.
        edited: Whether its text is another than the one that was put there.
        newest: Whether the one that was put there is the one of the workspace's last run.
    """

    cell: Cell
    edited: bool
    newest: bool


@dataclass(frozen=True, slots=True)
class CellDrift:
    """One cell in its three versions; None is a version that does not exist."""

    role: str
    state: State
    base: Cell
    notebook: Cell | None
    file: Cell | None


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs between a notebook and a workspace.

    Attributes:
        cells: Every generated cell, in order.
        touched: One line for each delivered file that is not as it was proven.
    """

    cells: tuple[CellDrift, ...]
    touched: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.touched) or any(each.state != "same" for each in self.cells)


@dataclass(frozen=True, slots=True)
class Carry:
    """What goes over to one side.

    Attributes:
        cells: New versions by role.
        conflicts: Roles that both sides have changed; they were kept.
    """

    cells: Mapping[str, Cell]
    conflicts: tuple[str, ...] = ()


def compare(base: Sequence[Cell], shown: Sequence[Shown], script: Sequence[Cell], touched: Sequence[str] = ()) -> Drift:
    """Compare the three versions, cell by cell.

    Args:
        base: The cells as the workspace's last run generated them.
        shown: The notebook's.
        script: The script's.
        touched: Delivered files that are not as they were proven, one line each.
    """
    in_notebook = {each.cell.role: each for each in reversed(shown)}
    in_script = {each.role: each for each in reversed(script)}
    rows = [_row(cell, in_notebook.get(cell.role), in_script.get(cell.role)) for cell in base]
    return Drift(tuple(rows), tuple(touched))


def carry(drift: Drift, to: Side, *, force: bool = False) -> Carry:
    """Decide what goes over to one side; what is missing there is put there, what is missing here is not removed.

    Args:
        drift: What differs.
        to: The side that is changed.
        force: Whether the other side's version wins where both have changed.
    """
    contested = tuple(each.role for each in drift.cells if each.state in CONFLICTS)
    wanted = CARRIED[to] | (CONFLICTS if force else frozenset())
    versions = {each.role: each.file if to == "notebook" else each.notebook for each in drift.cells}
    moved = {each.role: versions[each.role] for each in drift.cells if each.state in wanted}
    cells = {role: cell for role, cell in moved.items() if cell is not None}
    return Carry(cells, () if force else contested)


def _row(base: Cell, shown: Shown | None, script: Cell | None) -> CellDrift:
    notebook = shown.cell if shown else None
    file = _as_written(script, [cell for cell in (notebook, base) if cell]) if script else None
    return CellDrift(base.role, _state(base, shown, file), base, notebook, file)


def _as_written(script: Cell, known: Sequence[Cell]) -> Cell:
    """Give the version that a script's cell stands for: a script cannot hold every text exactly."""
    return next((cell for cell in known if script in (cell, through(cell))), script)


def _state(base: Cell, shown: Shown | None, file: Cell | None) -> State:
    if shown is None or file is None:
        one_sided: State = "missing in the notebook" if shown is None else "missing in the file"
        return "same" if shown is None and file is None else one_sided
    if shown.cell == file:
        return "same"
    if not shown.edited:
        return "edited in the file" if file != base else "newer in the workspace"
    if file != base:
        return "edited in both, differently"
    return "edited in the notebook" if shown.newest else "edited in the notebook, newer in the workspace"
