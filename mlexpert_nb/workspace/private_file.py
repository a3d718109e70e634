"""The one file outside a workspace that a person edits too: the settings, changed as a whole or not at all."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlexpert_nb.workspace.folders import make_durable, save
from mlexpert_nb.workspace.paths import SCRATCH_PREFIX, real
from mlexpert_nb.workspace.problems import explained

_MODE, _FOLDER_MODE = 0o600, 0o700


def edit_private_file(path: Path, edit: Callable[[str], str], *, otherwise: str) -> None:
    """Replace a text file by what `edit` makes of it; only its owner can read it then.

    Two processes that edit at once come one after the other. A link is followed, so that it stays one.

    Args:
        path: The file; it and its folder need not exist.
        edit: Gives the new text from the old one, which is empty if there is no file.
        otherwise: What to do where it cannot be written, for a message.

    Raises:
        EnvironmentProblem: It cannot be written; the file is as it was.
    """
    place = real(path)
    with explained(place.parent, otherwise):
        place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with _alone(place.parent):
            text = edit(place.read_text("utf-8-sig") if place.exists() else "")
            incoming = place.with_name(SCRATCH_PREFIX + place.name)
            try:
                save(incoming, text.encode(), _MODE)
                incoming.replace(place)
            finally:
                incoming.unlink(missing_ok=True)
            make_durable(place.parent)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process edits in a folder; a file system without locks has none to wait for."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
