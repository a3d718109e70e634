"""Folders and files that must not be half there: private temporary folders, safe removal, durable writes."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_YOUNG_S = 60
_MARKER = ".mlexpert-temporary"  # says that the folder is ours: a user's own folder may have a name like ours


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Give a private folder that is gone afterwards, also after an interrupt; after a kill, the next one removes it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        with _held(folder):
            (folder / _MARKER).touch()
            _remove_abandoned(folder, prefix)
            yield folder
    finally:
        undisturbed(lambda: remove_tree(folder))


def undisturbed(step: Callable[[], None]) -> None:
    """Run a step to its end even when Ctrl-C comes in the middle; the interrupt is raised when it is done.

    Args:
        step: Must be safe to run again from the start after it stopped anywhere.
    """
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            step()
        except KeyboardInterrupt as error:
            interrupted = error
        else:
            break
    if interrupted is not None:
        raise interrupted


def make_own(folder: Path) -> None:
    """Make a folder one of regular files and folders: links, pipes and devices in it, or in its place, are removed.

    For a place that others could write in before we do: a link there would lead our own writing out of the folder.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for place, folders, names in os.walk(folder):
        for each in (Path(place) / name for name in (*folders, *names)):
            mode = each.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                each.unlink()


def remove_tree(folder: Path) -> None:
    """Remove a folder and everything in it, also what a child made unreadable; a folder that is not there is fine."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _open_up(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep a lock on a folder, which the operating system lets go when the process ends.

    Raises:
        BlockingIOError: Its owner is alive.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove the folders of the same kind whose owner was killed; very young ones may be about to be locked."""
    own = folder.stat()
    for other in folder.parent.glob(f"{prefix}*"):
        with suppress(OSError):
            status = (other / _MARKER).lstat()
            if status.st_uid == own.st_uid and own.st_mtime - status.st_mtime > _YOUNG_S:
                with _held(other):
                    remove_tree(other)


def _open_up(folder: Path) -> None:
    with suppress(OSError):
        folder.chmod(stat.S_IRWXU)
    for place, names, _ in os.walk(folder):  # walk lists each folder only after the loop below opened it up
        for each in (Path(place) / name for name in names):
            if not each.is_symlink():
                with suppress(OSError):
                    each.chmod(stat.S_IRWXU)


def save(path: Path, data: bytes, mode: int) -> None:
    """Write a file and make it durable before returning."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def make_durable(folder: Path) -> None:
    """Make the names in a folder durable; a file system that cannot is left to its own order."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
