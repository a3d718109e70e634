"""What a change of code breaks for those who use it, read from the files before and after; nothing of them is run."""

import ast
import logging
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_NOT_PUBLIC = frozenset({"examples", "tests"})  # folders


@dataclass(frozen=True, order=True, slots=True)
class Break:
    """One public name that code written before the change can no longer use as it did.

    Attributes:
        path: File that had the name, relative to the workspace.
        name: The name within the file (`Net.forward`); the module's if the whole file is meant.
        what: What happened to it, in one sentence for a person.
    """

    path: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What was found: the breaks, and one line for each file that could not be compared."""

    breaks: tuple[Break, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Side:
    """The workspace before or after the change."""

    root: Path
    folder: PurePosixPath  # where Python would find the module `top`
    top: str

    def holds(self, path: str) -> bool:
        return (self.root / path).is_file()

    @property
    def place(self) -> Path:
        return self.root / self.folder


def broken_names(before: Path, after: Path, paths: Iterable[str]) -> tuple[Break, ...]:
    """List the public names and signatures of some Python files that a change breaks.

    Args:
        before: The workspace as it was.
        after: The workspace as it is to be.
        paths: Files that the change touches, relative to the workspace; what is not Python is passed over.
    """
    return compare_names(before, after, paths).breaks


def compare_names(before: Path, after: Path, paths: Iterable[str]) -> Compatibility:
    """Compare the public names of some Python files, and say which files could not be compared.

    Args:
        before: The workspace as it was.
        after: The workspace as it is to be.
        paths: Files that the change touches, relative to the workspace; what is not Python is passed over.
    """
    with _quiet():
        touched = {path for each in paths if _is_compared(path := PurePosixPath(each).as_posix(), before)}
        notes = {path: f"did not parse before: {fault}" for path in touched if (fault := _fault(before / path))}
        touched -= notes.keys()
        faults = {path: fault for path in touched if (after / path).is_file() and (fault := _fault(after / path))}
        breaks = {Break(path, _module_name(before, path), f"no longer parses: {faults[path]}") for path in faults}
        packages = defaultdict(set)
        for path in touched - faults.keys():
            packages[_package(before, path)].add(path)
        for (folder, top), members in packages.items():
            old, new = _Side(before, folder, top), _Side(after, folder, top)
            breaks |= set(_breaks_of(old, new, members, notes))
    return Compatibility(tuple(sorted(breaks)), tuple(f"{path} {why}" for path, why in sorted(notes.items())))


def _breaks_of(old: _Side, new: _Side, paths: set[str], notes: dict[str, str]) -> Iterator[Break]:
    """Compare one package; what cannot be compared goes into `notes`."""
    from mlexpert_nb.verify import surface  # noqa: PLC0415 - loads griffe, which few runs need

    trees = surface.load(old.place, old.root, old.top), surface.load(new.place, new.root, new.top)
    removed = {path for path in paths if not new.holds(path)}
    for path in sorted(paths):
        dotted = _module_name(old.root, path)
        missing = [tree is None or surface.find(tree, dotted) is None for tree in trees]
        if missing[0] or (missing[1] and path not in removed):
            notes[path] = "was not compared: it, or the package around it, cannot be read"
        elif missing[1] and not _is_private(dotted):
            yield Break(path, dotted, "the file was removed or renamed")
    if trees[0] is None or trees[1] is None:
        return
    for found in surface.differences(trees[0], trees[1]):
        path = found.file.relative_to(old.root).as_posix() if found.file.is_relative_to(old.root) else ""
        if path in paths:
            yield Break(path, found.name, found.what)


def _is_compared(path: str, before: Path) -> bool:
    parts = PurePosixPath(path)
    outside = parts.is_absolute() or ".." in parts.parts
    is_public = not _NOT_PUBLIC & set(parts.parts[:-1]) and parts.name != "conftest.py"
    return parts.suffix == ".py" and is_public and not outside and (before / path).is_file()


def _package(root: Path, path: str) -> tuple[PurePosixPath, str]:
    """Give the folder where Python would look, and the name of the outermost package or module in it."""
    inner = PurePosixPath(path).with_suffix("")
    if inner.name == "__init__":
        inner = inner.parent
    while inner.parent.name and (root / inner.parent / "__init__.py").is_file():
        inner = inner.parent
    return inner.parent, inner.name


def _module_name(root: Path, path: str) -> str:
    """Give the dotted name of the module in a file."""
    folder, _ = _package(root, path)
    inner = PurePosixPath(path).with_suffix("")
    return ".".join((inner.parent if inner.name == "__init__" else inner).relative_to(folder).parts)


def _is_private(dotted: str) -> bool:
    return any(part.startswith("_") for part in dotted.split("."))


def _fault(path: Path) -> str:
    """Say where a file stops being Python; empty if it parses."""
    try:
        ast.parse(path.read_bytes())
    except SyntaxError as error:
        return f"line {error.lineno or 1}"
    except (ValueError, RecursionError, MemoryError):  # a null byte; nested too deeply
        return "line 1"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep parsers from warning about the code, and griffe from logging what it cannot find."""
    logger = logging.getLogger("griffe")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled
