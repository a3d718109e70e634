"""The folders that the tests of this room work on."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from workspace.witness import MEMORY

from mlexpert_nb.workspace import Workspace


@pytest.fixture(autouse=True)
def _temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what killed runs leave out of the real temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder in memory where there is one: these tests make the disk wait for thousands of small files."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def user(place: Path) -> Path:
    """Give a user's folder with a script that can be executed, a binary file, a folder and a link in it."""
    root = place / "user"
    (root / "old").mkdir(parents=True)
    (root / "old").chmod(0o750)
    (root / "run.py").write_text("print('one')\n")
    (root / "run.py").chmod(0o755)
    (root / "data.bin").write_bytes(bytes(range(256)))
    (root / "old" / "gone.py").write_text("x = 1\n")
    (root / "link.py").symlink_to("run.py")
    return root


@pytest.fixture
def workspace(user: Path) -> Workspace:
    """Open the user's folder."""
    return Workspace.open(user)
