"""What differs between two versions of a file, counted in lines and shown as a unified diff."""

import difflib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_DIFF_KIB = 1024  # difflib is quadratic; a longer text counts as replaced from its first line to its last


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that was written, changed or removed; lines are 0 where the content is not text."""

    path: str
    added: int
    removed: int
    created: bool
    deleted: bool = False


def change(path: str, before: bytes | None, after: bytes | None) -> FileChange:
    """Count the lines that two versions of a file differ in; None is a version that does not exist."""
    added, removed = _count(_lines(before), _lines(after))
    return FileChange(path, added, removed, created=before is None, deleted=after is None)


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """Show two versions of a file as a unified diff; None is a version that does not exist."""
    names = (f"a/{path}" if before is not None else "/dev/null", f"b/{path}" if after is not None else "/dev/null")
    old, new = _lines(before), _lines(after)
    if old is None or new is None or _is_long(old) or _is_long(new):
        return f"Files {names[0]} and {names[1]} differ\n"
    return "".join(_ended(difflib.unified_diff(old, new, *names)))


def content(path: Path) -> bytes | None:
    """Read a version of a file; a symbolic link's content is where it points, and nothing there is None."""
    if path.is_symlink():
        return str(path.readlink()).encode("utf-8", "surrogateescape")
    return path.read_bytes() if path.is_file() else None


def _lines(data: bytes | None) -> list[str] | None:
    """Split text into lines that keep their ends; None if it is not text."""
    try:
        text = (data or b"").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else list(io.StringIO(text, newline="\n"))


def _count(old: list[str] | None, new: list[str] | None) -> tuple[int, int]:
    if old is None or new is None:
        return 0, 0
    if not old or not new or _is_long(old) or _is_long(new):
        return len(new), len(old)
    signs = [line[0] for line in difflib.unified_diff(old, new, n=0)][2:]
    return signs.count("+"), signs.count("-")


def _is_long(lines: list[str]) -> bool:
    return sum(map(len, lines)) > MAX_DIFF_KIB * 1024


def _ended(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
