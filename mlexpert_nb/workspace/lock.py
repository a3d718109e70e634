"""One writer at a time: an advisory lock on a file beside the journal's entries."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mlexpert_nb.errors import NeedsUserError

LOCK = "lock"


@contextmanager
def hold(journal: Path, root: Path) -> Iterator[None]:
    """Keep every other run out of a workspace's journal; the operating system lets go when the process ends.

    Raises:
        NeedsUserError: Another run holds it.
        FileNotFoundError: There is no journal.
    """
    while True:
        with (journal / LOCK).open("ab") as file:
            _lock(file, root)
            if not _is_current(file, journal / LOCK):  # an undo removed it between our two steps
                continue
            yield
            return


def busy(root: Path) -> NeedsUserError:
    """Say that somebody else is writing."""
    return NeedsUserError(f"another run is writing to {root}; wait until it is done or use another --workspace")


def _lock(file: BinaryIO, root: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy(root) from None


def _is_current(file: BinaryIO, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())
