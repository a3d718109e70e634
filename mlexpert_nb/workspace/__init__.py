"""The user's folder and the children that run in it: the only room that writes files or starts processes."""

from mlexpert_nb.workspace.changes import FileChange
from mlexpert_nb.workspace.child import ChildLimits, ChildResult
from mlexpert_nb.workspace.folders import make_own, temporary_folder
from mlexpert_nb.workspace.memo import Draft, recall, remember
from mlexpert_nb.workspace.paths import STATE
from mlexpert_nb.workspace.private_file import edit_private_file
from mlexpert_nb.workspace.sandbox import best_level, isolation, run_child
from mlexpert_nb.workspace.stage import Stage
from mlexpert_nb.workspace.workspace import Commit, Undone, Workspace

__all__ = [
    "STATE",
    "ChildLimits",
    "ChildResult",
    "Commit",
    "Draft",
    "FileChange",
    "Stage",
    "Undone",
    "Workspace",
    "best_level",
    "edit_private_file",
    "isolation",
    "make_own",
    "recall",
    "remember",
    "run_child",
    "temporary_folder",
]
