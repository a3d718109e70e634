"""The journal: one folder a commit, with what it takes to go back to the bytes before it.

.mlexpert/journal/lock            held by the one writer
.mlexpert/journal/0001/before/3   what file 3 was: the very file where hard links exist, else a copy
.mlexpert/journal/0001/after/3    what file 3 becomes; renamed into place
.mlexpert/journal/0001/pending.json     the commit is under way: whoever finds it takes it back
.mlexpert/journal/0001/manifest.json    the same file, renamed when the commit was complete
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace.changes import FileChange
from mlexpert_nb.workspace.paths import JOURNAL

PENDING = "pending.json"
MANIFEST = "manifest.json"
_VERSION = 1
_KNOWN_VERSIONS = {_VERSION: _VERSION}


@dataclass(frozen=True, slots=True)
class FileStep:
    """One file that a commit touches: digest before and after, None where the file is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one commit does, written before it does it.

    Attributes:
        number: Place in the journal, from 1.
        label: What the run was about, in the caller's words.
        changes: The delivered files, as shown to people.
        files: Every file touched; a file's backup is named by its place in this list.
        made: Folders that the commit creates, outermost first, relative to the workspace.
        removed: Folders that the commit empties and removes, outermost first, with their permissions.
        above: Names of the folders from the outermost created one down to the workspace, if it did not exist.
        receipt: Head of the receipt of what was delivered; empty for a commit that delivered nothing proven.
    """

    number: int
    label: str
    changes: tuple[FileChange, ...]
    files: tuple[FileStep, ...]
    made: tuple[str, ...] = ()
    removed: tuple[tuple[str, int], ...] = ()
    above: tuple[str, ...] = ()
    receipt: str = ""
    version: int = field(default=_VERSION)

    def to_bytes(self) -> bytes:
        """Give the text that is kept in the entry's folder."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a manifest back.

        Raises:
            EnvironmentProblem: The file is not a manifest that this version understands.
        """
        try:
            data: dict[str, Any] = json.loads(file.read_bytes())
            return cls(
                **data
                | {
                    "changes": tuple(FileChange(**each) for each in data["changes"]),
                    "files": tuple(FileStep(**each) for each in data["files"]),
                    "made": tuple(data["made"]),
                    "removed": tuple((path, mode) for path, mode in data["removed"]),
                    "above": tuple(data["above"]),
                    "receipt": str(data.get("receipt", "")),  # manifests of version 0.1 have none
                    "version": _KNOWN_VERSIONS[data["version"]],
                }
            )
        except (ValueError, KeyError, TypeError):
            message = f"{file} cannot be read: damaged or of another version; move {file.parent} away"
            raise EnvironmentProblem(message) from None


def finished(root: Path) -> list[Path]:
    """Give the folders of the commits that were completed, oldest first."""
    return [entry for entry in _entries(root) if (entry / MANIFEST).exists()]


def unfinished(root: Path) -> list[Path]:
    """Give the folders of the commits that were interrupted, oldest first."""
    return [entry for entry in _entries(root) if (entry / PENDING).exists()]


def next_entry(root: Path) -> Path:
    """Give the folder that the next commit gets."""
    number = max((int(entry.name) for entry in _entries(root)), default=0) + 1
    return root / JOURNAL / f"{number:04d}"


def _entries(root: Path) -> Iterable[Path]:
    journal = root / JOURNAL
    found = [path for path in journal.iterdir() if path.name.isdecimal()] if journal.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))
