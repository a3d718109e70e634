"""All files of a commit or none: build beside the target, rename into place, and the way back.

Every step of the way back may be run again from the start, so that an interrupt or a kill in the middle of it is
answered by running it once more.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from mlexpert_nb.errors import ConflictError, OutsideWorkspaceError
from mlexpert_nb.workspace.folders import make_durable, remove_tree, save, undisturbed
from mlexpert_nb.workspace.journal import MANIFEST, PENDING, FileStep, Manifest, next_entry
from mlexpert_nb.workspace.lock import LOCK
from mlexpert_nb.workspace.paths import CACHES, JOURNAL, SCRATCH_PREFIX, STATE, leads_outside
from mlexpert_nb.workspace.scratch import appear, beside, first_missing, make
from mlexpert_nb.workspace.snapshot import Fingerprint, fingerprint


@dataclass(frozen=True, slots=True)
class Delta:
    """One path that differs between what a run started from and what it leaves."""

    path: str
    before: Fingerprint | None
    after: Fingerprint | None


def write(root: Path, source: Path, deltas: Sequence[Delta], draft: Manifest) -> tuple[Manifest, float]:
    """Write every changed file of `source` into `root`, or nothing.

    Args:
        root: The workspace.
        source: The folder that holds the new version of every file.
        deltas: What is to be changed; the caller holds the journal's lock, if there is a journal.
        draft: Number, label and changes of the commit; the rest is filled in here.

    Returns:
        The manifest, complete, and when it was written in seconds since the epoch.

    Raises:
        ConflictError: A file is no longer what the run started from.
    """
    entry = next_entry(root)
    manifest = _planned(root, source, deltas, replace(draft, number=int(entry.name)))
    missing = first_missing(entry)
    with ExitStack() as locks:
        inside, identity = make(root, entry, locks), None
        try:
            identity = inside.stat()
            _fill(inside, root, source, manifest, deltas)
            appear(root, missing)
            _apply(root, entry, manifest)
            return manifest, (entry / MANIFEST).stat().st_mtime
        except BaseException:
            undisturbed(lambda: _take_back(root, entry, manifest, identity))
            raise


def roll_back(root: Path, entry: Path, manifest: Manifest, *, force: bool = False) -> None:
    """Give every file of a commit the bytes from before it and remove its journal entry.

    A file that is neither the version before nor the one after was edited by the user: it stays, and the version
    before is put beside it, unless `force` is given.

    Raises:
        OutsideWorkspaceError: The entry names a path that is not in the workspace.
    """
    _refuse_outside(root, entry, manifest)
    for step in manifest.files:
        if step.before is None:
            _remove_created(root / step.path, step, force=force)
    for path in reversed(manifest.made):
        if path not in (STATE, JOURNAL):
            _remove_made(root / path)
    for path, mode in manifest.removed:
        if not (root / path).is_symlink():
            (root / path).mkdir(parents=True, exist_ok=True)
            (root / path).chmod(mode)
    for index, step in enumerate(manifest.files):
        if not (entry / "after" / str(index)).exists():  # else it was never touched; what is there is the user's
            _restore(root / step.path, entry / "before" / str(index), step, force=force)
    _retire(root, entry, manifest)


def edited_since(root: Path, manifest: Manifest) -> list[str]:
    """Find the files that are no longer what the commit made of them."""
    steps = (step for step in manifest.files if _digest(root / step.path) != step.after)
    return [step.path for step in steps if step.path not in manifest.made or not (root / step.path).is_dir()]


def _refuse_outside(root: Path, entry: Path, manifest: Manifest) -> None:
    for path in (*(step.path for step in manifest.files), *manifest.made, *(path for path, _ in manifest.removed)):
        if leads_outside(root, path):
            raise OutsideWorkspaceError(f"{entry} names {path!r}, which leads outside {root}; move the entry away")


def _planned(root: Path, source: Path, deltas: Sequence[Delta], draft: Manifest) -> Manifest:
    journal = root / JOURNAL
    made = {path for delta in deltas if delta.after for path in _parents(delta.path) if not (root / path).is_dir()}
    made |= {place.relative_to(root).as_posix() for place in (journal.parent, journal) if not place.exists()}
    gone = {
        path for delta in deltas if not delta.after for path in _parents(delta.path) if not (source / path).is_dir()
    }
    missing = first_missing(root / JOURNAL / f"{draft.number:04d}")
    return replace(
        draft,
        files=tuple(
            FileStep(
                delta.path,
                _digest(root / delta.path) if delta.before else None,
                delta.after.digest if delta.after else None,
            )
            for delta in deltas
        ),
        made=tuple(sorted(made)),
        removed=tuple((path, (root / path).stat().st_mode & 0o7777) for path in sorted(gone)),
        above=root.relative_to(missing.parent).parts if root.is_relative_to(missing) else (),
    )


def _digest(path: Path) -> str | None:
    found = fingerprint(path)
    return found.digest if found else None


def _parents(path: str) -> list[str]:
    return [parent.as_posix() for parent in Path(path).parents][:-1]


def _fill(entry: Path, root: Path, source: Path, manifest: Manifest, deltas: Sequence[Delta]) -> None:
    """Put everything that the commit needs into its entry, on the disk for good."""
    for name in ("before", "after"):
        (entry / name).mkdir()
    for index, delta in enumerate(deltas):
        if delta.before:
            _keep(root / delta.path, entry / "before" / str(index))
        if delta.after:
            save(entry / "after" / str(index), (source / delta.path).read_bytes(), delta.after.mode)
    save(entry / PENDING, manifest.to_bytes(), 0o644)
    make_durable(entry / "before")
    make_durable(entry / "after")
    for folder in (entry, *entry.parents):
        make_durable(folder)
        if folder.name.startswith(SCRATCH_PREFIX):
            break


def _keep(path: Path, backup: Path) -> None:
    """Keep the very file, with its times and owner; where hard links are refused, a copy of it."""
    try:
        os.link(path, backup, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, backup, follow_symlinks=False)


def _apply(root: Path, entry: Path, manifest: Manifest) -> None:
    for step in manifest.files:
        if step.after is None:
            _refuse_if_changed(root, step)
            (root / step.path).unlink()
    for path, _ in reversed(manifest.removed):
        if not any((root / path).iterdir()):  # else something that a run does not touch is still in it
            (root / path).rmdir()
    for path in manifest.made:
        (root / path).mkdir(exist_ok=True)
    for index, step in enumerate(manifest.files):
        if step.after is not None:
            _refuse_if_changed(root, step)
            (entry / "after" / str(index)).replace(root / step.path)
    for folder in {(root / step.path).parent for step in manifest.files}:
        if folder.is_dir():
            make_durable(folder)
    (entry / PENDING).replace(entry / MANIFEST)
    make_durable(entry)


def _refuse_if_changed(root: Path, step: FileStep) -> None:
    if _digest(root / step.path) != step.before:
        raise ConflictError(f"{step.path} was changed at this moment; it was kept and nothing was written; run again")


def _take_back(root: Path, entry: Path, manifest: Manifest, identity: os.stat_result | None) -> None:
    appeared = identity is not None and entry.exists() and os.path.samestat(entry.stat(), identity)
    if appeared:  # else it never did, or is another run's
        roll_back(root, entry, manifest)
    for place in _chain(root, entry, manifest):
        remove_tree(beside(place))


def _remove_created(path: Path, step: FileStep, *, force: bool) -> None:
    found = fingerprint(path)
    if found and (force or found.digest == step.after):
        path.unlink()


def _remove_made(folder: Path) -> None:
    """Remove a folder that the commit created, with the caches that running its code left; the user's files stay."""
    if folder.is_symlink() or not folder.is_dir():
        return
    names = {path.name for path in folder.iterdir()}
    if names <= CACHES:
        for name in names:
            remove_tree(folder / name)
        folder.rmdir()


def _restore(path: Path, backup: Path, step: FileStep, *, force: bool) -> None:
    if not os.path.lexists(backup):  # nothing was there before, or an earlier try put it back
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    found = fingerprint(path)
    if found and os.path.samestat(path.lstat(), backup.lstat()):  # never removed; any edit is in it
        return
    edited = found is not None and found.digest not in (step.before, step.after)
    taken = path.is_dir() and not path.is_symlink()
    backup.replace(path.with_name(f"{path.name}.before-mlexpert") if taken or (edited and not force) else path)


def _retire(root: Path, entry: Path, manifest: Manifest) -> None:
    """Let the entry disappear by one rename, with every folder above it that it created and that holds nothing else."""
    chain = _chain(root, entry, manifest)
    if entry.exists():
        place = next(place for place in chain if _holds_only(place, root, entry))
        remove_tree(beside(place))
        place.rename(beside(place))
        make_durable(place.parent)
    for place in chain:
        remove_tree(beside(place))


def _chain(root: Path, entry: Path, manifest: Manifest) -> list[Path]:
    """List the folders that the commit created on the way down to its entry, outermost first, and the entry."""
    outwards = zip((root, *root.parents), reversed(manifest.above), strict=False)
    above = [place for place, name in outwards if place.name == name or place == root]  # root may have been renamed
    return [*reversed(above), *(root / path for path in (STATE, JOURNAL) if path in manifest.made), entry]


def _holds_only(place: Path, root: Path, entry: Path) -> bool:
    """Tell whether a folder holds the way down to the journal entry and nothing else of value."""
    while place != entry:
        below = place / entry.relative_to(place).parts[0]
        allowed = {below.name, LOCK} if place == root / JOURNAL else {below.name, *CACHES}
        if any(path.name not in allowed for path in place.iterdir()):
            return False
        place = below
    return True
