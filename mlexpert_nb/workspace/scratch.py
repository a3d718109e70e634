"""A journal entry is built out of sight and appears by one rename, with every folder that was missing above it."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from mlexpert_nb.workspace.folders import make_durable, remove_tree, undisturbed
from mlexpert_nb.workspace.lock import busy, hold
from mlexpert_nb.workspace.paths import JOURNAL, SCRATCH_PREFIX


def first_missing(path: Path) -> Path:
    """Give the outermost folder on the way to `path` that does not exist yet; `path` itself must not exist."""
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    return missing


def beside(place: Path) -> Path:
    """Give the folder, on the same file system, that is renamed to `place` or that `place` is renamed to."""
    return place.with_name(SCRATCH_PREFIX + place.name)


def make(root: Path, entry: Path, locks: ExitStack) -> Path:
    """Create the scratch folder of a new entry, and lock the journal in it if it is a new one.

    Returns:
        The folder that will be `entry`.

    Raises:
        NeedsUserError: Another run is creating the same workspace.
    """
    missing, journal = first_missing(entry), root / JOURNAL
    scratch = beside(missing)
    clear(root, missing)
    try:
        scratch.mkdir()
    except FileExistsError:
        raise busy(root) from None
    except BaseException:
        with suppress(OSError):
            scratch.rmdir()  # made at this very moment; one that another run has filled stays
        raise
    try:
        if journal.is_relative_to(missing):
            _hold_inside(locks, scratch / journal.relative_to(missing), root)
        inside = scratch / entry.relative_to(missing)
        inside.mkdir(parents=True, exist_ok=True)
    except BaseException:
        undisturbed(lambda: remove_tree(scratch))
        raise
    return inside


def appear(root: Path, missing: Path) -> None:
    """Rename the scratch folder to where it belongs.

    Raises:
        NeedsUserError: Another run created the same folder first.
    """
    try:
        beside(missing).rename(missing)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise busy(root) from None
        raise
    make_durable(missing.parent)


def clear(root: Path, place: Path) -> None:
    """Remove the scratch folder beside `place` that a killed process left.

    Raises:
        NeedsUserError: Its owner is alive.
    """
    scratch, journal = beside(place), root / JOURNAL
    if not scratch.exists():
        return
    with ExitStack() as locks:
        if journal.is_relative_to(place):  # a journal of its own; else the caller holds the journal's lock
            _hold_inside(locks, scratch / journal.relative_to(place), root)
        remove_tree(scratch)


def leftovers(root: Path) -> Iterator[Path]:
    """Find every place whose scratch folder is still there."""
    journal = root / JOURNAL
    if journal.is_dir():
        for scratch in sorted(journal.glob(SCRATCH_PREFIX + "*")):
            yield scratch.with_name(scratch.name.removeprefix(SCRATCH_PREFIX))
    for place in (journal, journal.parent, root, *root.parents):
        if place.name and beside(place).exists():
            yield place


def _hold_inside(locks: ExitStack, journal: Path, root: Path) -> None:
    try:
        journal.mkdir(parents=True, exist_ok=True)
        locks.enter_context(hold(journal, root))
    except FileNotFoundError:  # another run took this folder for a leftover at this very moment
        raise busy(root) from None
