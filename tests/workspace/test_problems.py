"""Each refusal of the operating system becomes one line that names the place and says what to do."""

import errno
import os
from pathlib import Path

import pytest

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace.problems import explained


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            errno.ENOSPC,
            r"^no space left to write /w/a.py \(disk, quota or file-size limit\); free some space and run again$",
        ),
        (errno.EDQUOT, r"^no space left to write /w/a.py"),
        (errno.EFBIG, r"^no space left to write /w/a.py"),
        (errno.EROFS, r"^/w/a.py is on a read-only file system; choose another folder with --workspace$"),
        (errno.EACCES, r"^no permission to write /w/a.py; change its permissions or choose another folder"),
        (errno.EPERM, r"^no permission to write /w/a.py"),
        (errno.EXDEV, r"^/w/a.py is on another file system than /w; choose a workspace on one file system$"),
        (errno.EIO, r"^Input/output error \(/w/a.py\); repair it or choose another folder with --workspace$"),
    ],
)
def test_an_error_is_one_line(number, message):
    with pytest.raises(EnvironmentProblem, match=message), explained(Path("/w")):
        raise OSError(number, os.strerror(number), "/w/a.py")


def test_an_error_without_a_name_is_about_the_workspace():
    with pytest.raises(EnvironmentProblem, match=r"^no space left to write /w "), explained(Path("/w")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
