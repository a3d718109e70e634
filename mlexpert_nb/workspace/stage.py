"""The staged copy: the only place that a run may write in, and how it differs from where it started."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlexpert_nb.errors import OutsideWorkspaceError, UsageError
from mlexpert_nb.workspace.changes import FileChange, change, content, unified
from mlexpert_nb.workspace.paths import STATE, resolve, walk
from mlexpert_nb.workspace.problems import explained
from mlexpert_nb.workspace.snapshot import Fingerprint, take
from mlexpert_nb.workspace.transaction import Delta

_EVERYTHING = "**/*"
_MAX_LINE = 500  # characters of a line that grep shows; a minified file is one line


@dataclass(frozen=True, slots=True)
class Stage:
    """A private copy of the user's folder; nothing that happens in it reaches the user before a commit.

    Attributes:
        root: The copy.
        base: A second copy that nobody writes in, to compare with.
        started: Fingerprint of every file as it was copied.
        left_out: Paths of the user's folder that were not copied, each with the reason.
    """

    root: Path
    base: Path
    started: Mapping[str, Fingerprint]
    left_out: Mapping[str, str]

    @property
    def state(self) -> Path:
        """Folder for the run's artefacts; committed with the rest."""
        return self.root / STATE

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each of the user's files that is not in the copy."""
        return tuple(f"{path} was left out: {reason}" for path, reason in sorted(self.left_out.items()))

    def resolve(self, path: str) -> Path:
        """Give the real place of a path that a run named.

        Raises:
            OutsideWorkspaceError: The path leaves the copy, or enters a folder that a run never touches.
            UsageError: The path names no file, or one that is not in the copy.
        """
        try:
            place = resolve(self.root, path)
        except OSError as error:
            raise UsageError(f"{path[:80]!r} cannot be a path: {error.strerror}; use a shorter one") from None
        relative = place.relative_to(self.root)
        for part in (relative, *relative.parents):
            reason = self.left_out.get(part.as_posix())
            if reason:
                raise UsageError(f"{path!r} was left out of the run: {reason}; use another file")
        return place

    def read(self, path: str) -> str:
        """Give the text of a file.

        Raises:
            UsageError: There is no such file, or it is not UTF-8 text.
        """
        place = self.resolve(path)
        if not place.is_file():
            raise UsageError(f"{path!r} is {_absence(place)}; name a file of the workspace")
        with explained(self.root):
            data = place.read_bytes()
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"{path!r} is not UTF-8 text (byte {error.start}); convert it or use another file"
            raise UsageError(message) from None

    def write(self, path: str, text: str) -> FileChange:
        """Create or replace a text file, and the folders on the way to it."""
        place = self.resolve(path)
        if place.is_dir() or any(parent.is_file() for parent in place.parents):
            raise UsageError(f"{path!r} cannot be a file: it, or the way to it, is taken; choose another path")
        before = content(place)
        try:
            after = text.encode("utf-8")
        except UnicodeEncodeError as error:
            message = f"the text for {path!r} is not valid Unicode (character {error.start}); nothing was written"
            raise UsageError(message) from None
        with explained(self.root):
            self._put(place, after)
        return change(place.relative_to(self.root).as_posix(), before, after)

    def edit(self, path: str, old: str, new: str) -> FileChange:
        """Replace the one place in a file that reads `old`.

        Raises:
            UsageError: `old` does not occur, or occurs more than once.
        """
        text = self.read(path)
        count = text.count(old) if old else 0
        if count != 1:
            advice = "quote it exactly as the file has it" if count == 0 else "quote more lines around it"
            raise UsageError(f"the text to replace occurs {count} times in {path!r}, not once; {advice}")
        return self.write(path, text.replace(old, new))

    def delete(self, path: str) -> FileChange:
        """Remove a file from the copy; the folders above it that become empty go with it."""
        place = self.resolve(path)
        if not place.is_file():
            raise UsageError(f"{path!r} is {_absence(place)}; name a file of the workspace")
        before = content(place)
        with explained(self.root):
            place.unlink()
            for folder in place.relative_to(self.root).parents[:-1]:
                if any((self.root / folder).iterdir()):
                    break
                (self.root / folder).rmdir()
        return change(place.relative_to(self.root).as_posix(), before, None)

    def files(self) -> tuple[str, ...]:
        """List the files, without state, caches and version control."""
        with explained(self.root):
            found = [path for path in walk(self.root) if not _is_state(path) and (self.root / path).is_file()]
        return tuple(sorted(found))

    def grep(self, pattern: str, glob: str = _EVERYTHING) -> tuple[str, ...]:
        """Find a regular expression in the text files.

        Returns:
            Lines "path:line: text", in the order of the files.

        Raises:
            UsageError: The expression or the glob cannot be used.
        """
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise UsageError(f"{pattern!r} is not a regular expression: {error}; escape special characters") from None
        if ".." in Path(glob).parts or glob.startswith(("/", "~")) or not glob:
            raise OutsideWorkspaceError(f"{glob!r} is outside the workspace; use a glob such as 'src/**/*.py'")
        return tuple(line for path in self._found(glob) for line in self._matches(path, expression))

    def _found(self, glob: str) -> list[str]:
        if glob == _EVERYTHING:
            return list(self.files())
        try:
            wanted = {place.relative_to(self.root).as_posix() for place in self.root.glob(glob)}
        except (ValueError, NotImplementedError) as error:
            raise UsageError(f"{glob!r} is not a glob: {error}; use one such as 'src/**/*.py'") from None
        return [path for path in self.files() if path in wanted]

    def changes(self) -> tuple[FileChange, ...]:
        """Tell which files differ from where the run started, sorted, without the run's state."""
        return tuple(change(*versions) for versions in self._versions())

    def diff(self) -> str:
        """Show what differs from where the run started, as a unified diff without the run's state."""
        return "".join(unified(*versions) for versions in self._versions())

    def delta(self) -> tuple[Delta, ...]:
        """Compare the copy with where the run started, state included, sorted by path."""
        with explained(self.root):
            now = take(self.root)
        paths = sorted(path for path in self.started.keys() | now.keys() if self.started.get(path) != now.get(path))
        return tuple(Delta(path, self.started.get(path), now.get(path)) for path in paths)

    def _versions(self) -> list[tuple[str, bytes | None, bytes | None]]:
        paths = [delta.path for delta in self.delta() if not _is_state(delta.path)]
        with explained(self.root):
            return [(path, content(self.base / path), content(self.root / path)) for path in paths]

    def _put(self, place: Path, data: bytes) -> None:
        """Write beside the file and rename, so that an interrupt leaves the old text or the new one."""
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming = self.base.with_name("incoming")
        incoming.write_bytes(data)
        if place.exists():
            incoming.chmod(place.stat().st_mode & 0o777)
        incoming.replace(place)

    def _matches(self, path: str, expression: re.Pattern[str]) -> list[str]:
        try:
            text = self.resolve(path).read_bytes().decode("utf-8")  # through a link it may be another folder's
        except (UnicodeDecodeError, OSError, UsageError):
            return []
        lines = enumerate(text.splitlines(), start=1)
        return [f"{path}:{number}: {line[:_MAX_LINE]}" for number, line in lines if expression.search(line)]


def _absence(place: Path) -> str:
    return "a folder" if place.is_dir() else "not there"


def _is_state(path: str) -> bool:
    return path.startswith(f"{STATE}/")
