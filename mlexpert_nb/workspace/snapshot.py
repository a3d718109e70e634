"""What a folder holds: a fingerprint of each file, and a copy that shares nothing with the original."""

import hashlib
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlexpert_nb.errors import UsageError
from mlexpert_nb.workspace.paths import real, walk

MAX_FILE_MIB = 50
MAX_TOTAL_MIB = 512
MAX_FILES = 20_000
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is at a path: `digest` is the SHA-256 of a file's bytes, or where a symbolic link points."""

    kind: Literal["file", "link", "other"]
    digest: str
    mode: int = 0

    def same_content(self, other: "Fingerprint | None") -> bool:
        """Tell whether `other` holds the same bytes; permissions, and where a link points, are not compared."""
        if other is None or self.kind != other.kind:
            return False
        return self.kind == "link" or self.digest == other.digest


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy of a folder came to.

    Attributes:
        files: Fingerprint of every copied path, as it was copied.
        left_out: Paths that were not copied, each with the reason.
    """

    files: Mapping[str, Fingerprint]
    left_out: Mapping[str, str]


def fingerprint(path: Path) -> Fingerprint | None:
    """Read what is at `path` now, without following a symbolic link; None if there is nothing."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return Fingerprint("link", str(path.readlink()))
    if not stat.S_ISREG(mode):
        return Fingerprint("other", stat.filemode(mode)[0])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Fingerprint("file", digest, stat.S_IMODE(mode) & 0o777)


def take(root: Path) -> dict[str, Fingerprint]:
    """Fingerprint everything below `root` that belongs to a workspace."""
    found = {relative: fingerprint(root / relative) for relative in walk(root)}
    return {relative: each for relative, each in found.items() if each is not None}


def copy(source: Path, target: Path) -> Copied:
    """Copy a workspace's files, byte by byte: no hard links, so that a writer of the copy cannot reach the original.

    A link that stays inside `source` stays inside the copy; one that leaves it is copied as an absolute link, which
    can be read where the sandbox lets it and is refused for writing.

    Raises:
        UsageError: The folder holds more than a workspace is meant for.
    """
    files: dict[str, Fingerprint] = {}
    left_out: dict[str, str] = {}
    total = 0

    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # a workspace need not exist yet
            left_out[Path(error.filename).relative_to(source).as_posix()] = "it cannot be read"

    for relative in walk(source, unreadable):
        size = (source / relative).lstat().st_size
        if size > MAX_FILE_MIB * _MIB:
            left_out[relative] = f"it is {size // _MIB} MiB; files above {MAX_FILE_MIB} MiB are not staged"
            continue
        total += size
        if total > MAX_TOTAL_MIB * _MIB or len(files) >= MAX_FILES:
            limit = f"{MAX_TOTAL_MIB} MiB or {MAX_FILES} files"
            raise UsageError(f"{source} holds more than {limit}; choose a smaller folder with --workspace")
        try:
            files[relative] = _copy_one(source, target, relative)
        except PermissionError:
            left_out[relative] = "it cannot be read"
    return Copied(files, left_out)


def _copy_one(source: Path, target: Path, relative: str) -> Fingerprint:
    original, copied = source / relative, target / relative
    copied.parent.mkdir(parents=True, exist_ok=True)
    if original.is_symlink():
        copied.symlink_to(_link_in_copy(source, original))
        return Fingerprint("link", str(copied.readlink()))
    shutil.copyfile(original, copied)
    copied.chmod(stat.S_IMODE(original.stat().st_mode) & 0o777)
    found = fingerprint(copied)
    if found is None:  # only if somebody empties the temporary folder at this moment
        raise FileNotFoundError(copied)
    return found


def _link_in_copy(source: Path, link: Path) -> str:
    """Give the target that keeps a link's meaning: relative inside the folder, absolute outside it."""
    target, place = link.readlink(), real(link)
    if not place.is_relative_to(source):
        return str(place)
    if not target.is_absolute():
        return str(target)
    depth = len(link.parent.relative_to(source).parts)
    return str(Path(*[".."] * depth) / place.relative_to(source))
