"""What the operating system refused, as one line that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlexpert_nb.errors import EnvironmentProblem

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


@contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the folder and what to do.

    Raises:
        EnvironmentProblem: The operating system refused something in the block.
    """
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(_line(error, root)) from error


def _line(error: OSError, root: Path) -> str:
    where = error.filename2 or error.filename or root
    if error.errno in _FULL:
        return f"no space left to write {where} (disk, quota or file-size limit); free some space and run again"
    if error.errno == errno.EROFS:
        return f"{where} is on a read-only file system; choose another folder with --workspace"
    if error.errno in _FORBIDDEN:
        return f"no permission to write {where}; change its permissions or choose another folder with --workspace"
    if error.errno == errno.EXDEV:
        return f"{where} is on another file system than {root}; choose a workspace on one file system"
    return f"{error.strerror or error} ({where}); repair it or choose another folder with --workspace"
