"""A workspace's side of a comparison: its cells and its script are read, and a notebook's edits are put into it."""

from collections.abc import Sequence
from pathlib import Path

from mlexpert_nb.api.drift import Carry, Drift, Shown, carry, compare
from mlexpert_nb.api.mirror import MIRROR, parse, updated
from mlexpert_nb.api.records import read_cells
from mlexpert_nb.errors import ConflictError, EnvironmentProblem, UsageError
from mlexpert_nb.packages import Cell
from mlexpert_nb.verify import verify
from mlexpert_nb.workspace import STATE, Workspace


def read_base(root: Path) -> tuple[Cell, ...]:
    """Give the cells as the workspace's last run generated them.

    Raises:
        UsageError: There are none.
    """
    cells = read_cells(root)
    if not cells:
        raise UsageError(f"no run has left cells in {root}; name the folder of a finished run with --workspace")
    return cells


def read_drift(root: Path, shown: Sequence[Shown]) -> Drift:
    """Compare a notebook's cells with those of a workspace, and its delivered files with what was proven.

    Raises:
        UsageError: The workspace holds no cells, or its script cannot be read.
    """
    touched = [line for line in verify(root).touched if not line.startswith(f"{STATE}/")]
    return compare(read_base(root), shown, _script(root), touched)


def carry_to_files(root: Path, shown: Sequence[Shown], *, force: bool = False) -> tuple[Drift, Carry]:
    """Put what was edited in a notebook into the workspace's script, as one step of its history.

    Returns:
        What differed before, and what was carried over.

    Raises:
        UsageError: The workspace holds no cells, or its script cannot be read or cannot hold a cell.
        ConflictError: The script was saved at this moment; it was kept.
    """
    workspace, text = Workspace.open(root), _text(root)
    drift = read_drift(root, shown)
    moved = carry(drift, "files", force=force)
    if moved.cells:
        made = updated((text or "").replace("\r\n", "\n"), moved.cells, [each.role for each in drift.cells])
        with workspace.stage() as stage:
            if _text(stage.root) != text:
                raise ConflictError(f"{root / MIRROR} was saved at this moment and was kept; run it again")
            stage.write(MIRROR, made.replace("\n", "\r\n") if "\r\n" in (text or "") else made)
            workspace.commit(stage, label=f"diff --to files: {', '.join(moved.cells)}", replaces={MIRROR})
    return drift, moved


def _script(root: Path) -> tuple[Cell, ...]:
    text = _text(root)
    cells = parse(text.replace("\r\n", "\n")) if text is not None else ()
    if text is not None and not cells:
        raise UsageError(
            f"{root / MIRROR} holds no cell of the run (no line such as '# %% role=\"build\"'); mend it or move it away"
        )
    return cells


def _text(root: Path) -> str | None:
    path = root / MIRROR
    if not path.exists():
        return None
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}; repair it or move it away") from None
