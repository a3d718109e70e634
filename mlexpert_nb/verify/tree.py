"""The files of a delivery: which ones count, their hashes, and a private copy of them."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mlexpert_nb.workspace import STATE

CODE_FOLDERS = ("src", "tests")
RUNNER_FILES = (  # files at the top that change what Python or pytest run
    ".coveragerc",
    ".pytest.ini",
    "conftest.py",
    "pyproject.toml",
    "pytest.ini",
    "pytest.toml",
    "setup.cfg",
    "sitecustomize.py",
    "tox.ini",
    "usercustomize.py",
)
SHADOWS = ("_pytest", "coverage", "pytest", "torch")  # a top-level module of this name would be imported first
_IMPORTABLE = (".py", ".pyc", ".pyd", ".pth", ".so")
_SKIPPED = frozenset(
    {
        STATE,
        ".git",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)


def sealed_files(root: Path, delivered: Iterable[str]) -> tuple[str, ...]:
    """List what the verdict rests on: delivered files, everything under src/ and tests/, and the runner's settings."""
    named = {path for path in (*delivered, *RUNNER_FILES) if (root / path).is_file()}
    under = {path for folder in CODE_FOLDERS for path in walk(root, folder)}
    return tuple(sorted(named | under))


def added_files(root: Path, sealed: Iterable[str]) -> tuple[str, ...]:
    """List code that is not among `sealed` but would be imported or obeyed by the tests."""
    known = set(sealed)
    under = {path for folder in CODE_FOLDERS for path in walk(root, folder) if path.endswith(_IMPORTABLE)}
    settings = {path for path in RUNNER_FILES if (root / path).is_file()}
    shadows = {name for stem in SHADOWS for name in (stem + ".py", stem + "/__init__.py") if (root / name).is_file()}
    return tuple(sorted((under | settings | shadows) - known))


def links(root: Path, sealed: Iterable[str]) -> tuple[str, ...]:
    """List the symbolic links on the way to any of `sealed`, and in the code folders."""
    on_the_way = {
        part.as_posix()
        for path in sealed
        for part in (Path(path), *Path(path).parents)
        if part != Path() and (root / part).is_symlink()
    }
    inside = {
        (Path(folder) / name).relative_to(root).as_posix()
        for code in CODE_FOLDERS
        for folder, folders, files in os.walk(root / code)
        for name in (*folders, *files)
        if (Path(folder) / name).is_symlink()
    }
    return tuple(sorted(on_the_way | inside))


def digest(path: Path) -> str:
    """Give the hash of a file's bytes."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def digests(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Give the hash of each file by its path."""
    return {path: digest(root / path) for path in paths}


def differences(root: Path, expected: Mapping[str, str]) -> tuple[str, ...]:
    """Say, one line each, which files are missing or hold other bytes than expected."""
    return tuple(line for path, sha in sorted(expected.items()) if (line := _difference(root, path, sha)))


def python_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Keep the Python sources."""
    return tuple(path for path in paths if path.endswith(".py"))


def copy(root: Path, to: Path) -> None:
    """Copy the regular files of a workspace, without its state, caches and links."""
    for path in walk(root, "."):
        target = to / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)


def walk(root: Path, folder: str) -> Iterator[str]:
    """Go through the regular files below a folder, by path relative to the root; links and caches are left out."""
    for where, folders, files in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(files):
            path = Path(where) / name
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix()


def _difference(root: Path, path: str, sha: str) -> str:
    full = root / path
    if not full.is_file():
        return f"{path}: missing"
    if full.is_symlink():
        return f"{path}: became a symbolic link"
    found = digest(full)
    return "" if found == sha else f"{path}: changed (was {sha[:19]}, is {found[:19]})"
