"""Which paths belong to a workspace: what a run may name, and what is walked over."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from mlexpert_nb.errors import OutsideWorkspaceError, UsageError

STATE = ".mlexpert"
JOURNAL = f"{STATE}/journal"
SCRATCH_PREFIX = ".mlexpert-new-"
CACHES = frozenset({"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis"})
SKIPPED = CACHES | {".git", ".venv", "node_modules", ".ipynb_checkpoints"}
_WINDOWS_ABSOLUTE = re.compile(r"^([A-Za-z]:|\\)")


def resolve(root: Path, path: str) -> Path:
    """Give the real place of a path that a run named, with every symbolic link followed.

    Args:
        root: Folder that must not be left; real, without symbolic links in it.
        path: Relative path as it was named.

    Raises:
        OutsideWorkspaceError: The path leaves `root` (by `..`, from `/` or `~`, or through a link), or enters a folder
            that is never delivered (the toolkit's own state, version control, caches).
        UsageError: The path names no file at all.
    """
    if not path.strip("/. ") or "\0" in path:
        raise UsageError(f"{path!r} names no file; use a path relative to the workspace, such as 'src/model/model.py'")
    if path.startswith(("/", "~")) or _WINDOWS_ABSOLUTE.match(path) or ".." in Path(path).parts:
        raise _outside(path)
    _refuse_protected(path, Path(path))
    _refuse_dangling(root, path)
    place = real(root / path)
    if not place.is_relative_to(root):
        raise _outside(path)
    _refuse_protected(path, place.relative_to(root))
    return place


def real(path: Path) -> Path:
    """Follow every symbolic link in `path`; `Path.resolve` raises on a loop of links, this does not."""
    return Path(os.path.realpath(path))


def leads_outside(root: Path, relative: str) -> bool:
    """Tell whether a delivered path would leave `root`, or go through a link, on the way to its own folder."""
    pure = Path(relative)
    if pure.is_absolute() or not pure.parts or ".." in pure.parts:
        return True
    folder = (root / pure).parent
    return real(folder) != folder


def is_skipped(name: str) -> bool:
    """Tell whether a file or folder of this name is never staged and never delivered."""
    return name.casefold() in SKIPPED or name.startswith(SCRATCH_PREFIX)


def walk(root: Path, on_error: Callable[[OSError], None] | None = None) -> Iterator[str]:
    """List the regular files and symbolic links below `root`, in no particular order.

    Left out: version control, virtual environments, caches, the journal, nested workspaces' state, devices and pipes.

    Args:
        root: Folder to walk; links in it are listed, never followed.
        on_error: Called for a folder that cannot be read; without it the error is raised, since a folder that was
            passed over would look like one whose files were removed.
    """
    for folder, folders, names in os.walk(root, onerror=on_error or _raise):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and _is_entered(root, here, name)]
        for name in (*names, *links):
            if not is_skipped(name) and _is_delivered(here / name):
                yield (here / name).relative_to(root).as_posix()


def _raise(error: OSError) -> None:
    raise error


def _is_entered(root: Path, folder: Path, name: str) -> bool:
    if name == STATE:
        return folder == root
    if folder == root / STATE and name == "journal":
        return False
    return not is_skipped(name) and not _is_environment(folder / name)


def _is_environment(folder: Path) -> bool:
    try:
        return (folder / "pyvenv.cfg").exists()
    except PermissionError:
        return False


def _is_delivered(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:  # gone since its folder was listed
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _refuse_protected(path: str, relative: Path) -> None:
    for part in relative.parts:
        if part.casefold() == STATE or is_skipped(part):
            message = f"{path!r} is in {part}, which a run never touches; use a path outside {part}"
            raise OutsideWorkspaceError(message)


def _refuse_dangling(root: Path, path: str) -> None:
    place = root
    for part in Path(path).parts:
        place /= part
        if place.is_symlink() and not place.exists():
            raise OutsideWorkspaceError(f"{path!r} goes through a symbolic link that leads nowhere; use another path")


def _outside(path: str) -> OutsideWorkspaceError:
    return OutsideWorkspaceError(f"{path!r} is outside the workspace; use a path relative to its root")
