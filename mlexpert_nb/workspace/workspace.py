"""The user's folder: staged, committed as a whole, taken back as a whole. Only this room writes in it."""

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from mlexpert_nb.errors import ConflictError, EnvironmentProblem, OutsideWorkspaceError, UsageError
from mlexpert_nb.workspace import journal, scratch, transaction
from mlexpert_nb.workspace.changes import FileChange
from mlexpert_nb.workspace.folders import make_own, temporary_folder, undisturbed
from mlexpert_nb.workspace.lock import hold
from mlexpert_nb.workspace.paths import JOURNAL, STATE, leads_outside, real
from mlexpert_nb.workspace.problems import explained
from mlexpert_nb.workspace.snapshot import copy, fingerprint
from mlexpert_nb.workspace.stage import Stage

MIN_FREE_MIB = 16
_NAMED = 5  # files that a message names before it says how many more there are


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of the workspace's history.

    Attributes:
        number: Place in the history, from 1; 0 if there was nothing to write.
        label: What the run was about, in the caller's words.
        changes: The delivered files that were written, changed or removed.
        written_at: Seconds since the epoch, as the file system noted it; 0 if there was nothing to write.
        receipt: Head of the receipt of what was delivered; empty where nothing proven was.
    """

    number: int
    label: str
    changes: tuple[FileChange, ...]
    written_at: float
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking back a commit came to; paths are relative to the workspace."""

    commit: Commit
    restored: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder that code is delivered into; it need not exist before the first commit."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Self:
        """Check that the folder can be written, and take back a commit that was cut off; create nothing.

        Raises:
            UsageError: There is a file at this path or on the way to it.
            EnvironmentProblem: The folder cannot be written in, or its disk is full.
            NeedsUserError: Another run is writing to it at this moment.
        """
        place = real(Path(root).expanduser().absolute())
        with explained(place):
            _check_kind(place)
            _recover(place)
            _check_writable(_existing(place))
        return cls(place)

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Give a private copy of the folder to work in; it is gone afterwards, also after an interrupt."""
        with explained(self.root), ExitStack() as stack:
            folder = stack.enter_context(temporary_folder("mlexpert-stage-"))
            base, work = folder / "base", folder / "workspace"
            base.mkdir()
            copied = copy(self.root, base)
            copy(base, work)
            make_own(work / STATE)
            opened = stack.pop_all()
        with explained(self.root), opened:
            yield Stage(work, base, copied.files, copied.left_out)

    def commit(self, stage: Stage, *, label: str, replaces: Collection[str] = (), receipt: str = "") -> Commit:
        """Write every file that the stage changed, or none.

        Args:
            stage: What was worked in.
            label: What the run was about, for the history.
            replaces: Files of the user that may be changed or removed.
            receipt: Head of the receipt of what is delivered, for the history.

        Raises:
            ConflictError: A file of the user would be overwritten that is not in `replaces`, or that is no longer
                what the stage started from; nothing was changed.
            OutsideWorkspaceError: The run left a symbolic link, or a path leads outside; nothing was changed.
            EnvironmentProblem: The disk refused; nothing was changed.
        """
        deltas = stage.delta()
        if not deltas:
            return Commit(0, label, (), 0)
        draft = journal.Manifest(0, label, stage.changes(), (), receipt=receipt)
        with explained(self.root), ExitStack() as locks:
            if (self.root / JOURNAL).is_dir():
                locks.enter_context(hold(self.root / JOURNAL, self.root))
            self._refuse(stage.base, deltas, replaces)
            manifest, written_at = transaction.write(self.root, stage.root, deltas, draft)
        return Commit(manifest.number, label, manifest.changes, written_at, receipt)

    def undo(self, *, force: bool = False, receipt: str | None = None) -> Undone:
        """Take back the last commit: every byte as before it, and what it created removed.

        Args:
            force: Take it back even if a file was edited since; the edits are lost.
            receipt: Receipt that the commit must have, so that nobody takes back another run than they look at.

        Raises:
            UsageError: There is no commit to take back.
            ConflictError: A file was edited since, or the last commit has another receipt; nothing was changed.
        """
        if not journal.finished(self.root):
            raise UsageError(f"nothing to undo in {self.root}; no run has written there")
        with explained(self.root), hold(self.root / JOURNAL, self.root):
            entry = journal.finished(self.root)[-1]
            commit, manifest = _read(entry), journal.Manifest.read(entry / journal.MANIFEST)
            if receipt is not None and commit.receipt != receipt:
                raise ConflictError(self._not_the_last(commit, receipt))
            edited = transaction.edited_since(self.root, manifest)
            if edited and not force:
                message = "changed since; nothing was undone: copy what you want to keep, then undo with --force"
                raise ConflictError(f"{_named(edited)} {message}")
            (entry / journal.MANIFEST).replace(entry / journal.PENDING)
            undisturbed(partial(_roll_back, self.root, entry, manifest, force=force))
        return Undone(
            commit,
            restored=tuple(step.path for step in manifest.files if step.before and not _ours(step.path)),
            removed=tuple(step.path for step in manifest.files if not step.before and not _ours(step.path)),
        )

    def history(self) -> tuple[Commit, ...]:
        """List the commits that are in place, oldest first."""
        with explained(self.root):
            return tuple(_read(entry) for entry in journal.finished(self.root))

    def _not_the_last(self, last: Commit, receipt: str) -> str:
        if any(each.receipt == receipt for each in self.history()):
            return f"{last.label!r} was run in {self.root} since; nothing was undone: undo that first"
        return f"no run with the receipt {receipt[:19]} is left in {self.root}; nothing was undone: look at the history"

    def _refuse(self, base: Path, deltas: Sequence[transaction.Delta], replaces: Collection[str]) -> None:
        links = [delta.path for delta in deltas if delta.after and delta.after.kind != "file"]
        if links:
            raise OutsideWorkspaceError(f"{_named(links)}: the run left a symbolic link; only files are delivered")
        outside = [delta.path for delta in deltas if leads_outside(self.root, delta.path)]
        if outside:
            raise OutsideWorkspaceError(
                f"{_named(outside)} would leave {self.root} through a link; nothing was written"
            )
        moved = [delta.path for delta in deltas if not _is_as_started(self.root, base, delta)]
        if moved:
            raise ConflictError(
                f"{_named(moved)} changed since the run started; nothing was written: look and run again"
            )
        allowed = set(replaces)
        unasked = [
            delta.path for delta in deltas if delta.before and delta.path not in allowed and not _ours(delta.path)
        ]
        if unasked:
            raise ConflictError(f"{_named(unasked)} existed before the run; nothing was written: allow it or rename")


def _is_as_started(root: Path, base: Path, delta: transaction.Delta) -> bool:
    now = fingerprint(root / delta.path)
    if delta.before is not None:
        return delta.before.same_content(now)
    return now is None or ((base / delta.path).is_dir() and (root / delta.path).is_dir())


def _ours(path: str) -> bool:
    return path.startswith(f"{STATE}/")


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _read(entry: Path) -> Commit:
    file = entry / journal.MANIFEST
    manifest = journal.Manifest.read(file)
    return Commit(manifest.number, manifest.label, manifest.changes, file.stat().st_mtime, manifest.receipt)


def _roll_back(root: Path, entry: Path, manifest: journal.Manifest, *, force: bool = False) -> None:
    try:
        transaction.roll_back(root, entry, manifest, force=force)
    except OSError as error:
        message = f"{manifest.label!r} is taken back only in part ({error}); repair that and open {root} again"
        raise EnvironmentProblem(message) from error


def _recover(root: Path) -> None:
    """Take back every commit that was cut off, newest first, and remove what a killed process left beside it."""
    if journal.unfinished(root):
        with hold(root / JOURNAL, root):
            for entry in reversed(journal.unfinished(root)):
                manifest = journal.Manifest.read(entry / journal.PENDING)
                undisturbed(partial(_roll_back, root, entry, manifest))
    places = list(scratch.leftovers(root))
    if places:
        with ExitStack() as locks:
            if (root / JOURNAL).is_dir():
                locks.enter_context(hold(root / JOURNAL, root))
            for place in places:
                scratch.clear(root, place)


def _existing(place: Path) -> Path:
    return next(each for each in (place, *place.parents) if each.exists())


def _check_kind(place: Path) -> None:
    existing = _existing(place)
    if not existing.is_dir():
        raise UsageError(f"{existing} is a file, not a folder; choose another folder with --workspace")
    for path in (place / STATE, place / JOURNAL):
        if path.is_symlink():
            raise OutsideWorkspaceError(f"{path} is a symbolic link; replace it by a folder")


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
        reason = "is on a read-only file system" if read_only else "cannot be written by you"
        raise EnvironmentProblem(f"{folder} {reason}; choose another folder with --workspace")
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib < MIN_FREE_MIB:
        raise EnvironmentProblem(f"{folder} has {free_mib} MiB free, {MIN_FREE_MIB} are needed; free some space")
