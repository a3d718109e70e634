"""What the operating system refused, as one line that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlexpert_nb.errors import EnvironmentProblem

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_OTHERWISE = "choose another folder with --workspace"


@contextmanager
def explained(root: Path, otherwise: str = _OTHERWISE) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the folder and what to do.

    Args:
        root: The folder that the block is about.
        otherwise: What to do where nothing can be repaired.

    Raises:
        EnvironmentProblem: The operating system refused something in the block.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(_line(error, root, otherwise)) from error


def _line(error: OSError, root: Path, otherwise: str) -> str:
    where = error.filename2 or error.filename or root
    if error.errno in _FULL:
        return f"no space left to write {where} (disk, quota or file-size limit); free some space and run again"
    if error.errno == errno.EROFS:
        return f"{where} is on a read-only file system; {otherwise}"
    if error.errno in _FORBIDDEN:
        return f"no permission to write {where}; change its permissions or {otherwise}"
    if error.errno == errno.EXDEV:
        return f"{where} is on another file system than {root}; choose a workspace on one file system"
    return f"{error.strerror or error} ({where}); repair it or {otherwise}"
