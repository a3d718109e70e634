"""A notebook file, read and written so that what was not changed keeps its bytes: order of keys, indentation, lists."""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import nbjson, rwbase

from mlexpert_nb.errors import EnvironmentProblem, UsageError


@dataclass(frozen=True, slots=True)
class NotebookText:
    """The bytes of a notebook and how its JSON was written.

    Attributes:
        raw: The bytes.
        data: The JSON values, with the file's own order of keys.
        indent: Spaces or tabs of one level.
        is_sorted: Whether the keys of the top level are in alphabetical order, as nbformat writes them.
        ends: Characters after the last brace.
    """

    raw: bytes
    data: Mapping[str, Any]
    indent: str
    is_sorted: bool
    ends: str

    def node(self) -> nbformat.NotebookNode:
        """Give a notebook to work on; cells without an id get one that is the same each time."""
        node: nbformat.NotebookNode = nbjson.reads(self.raw.decode("utf-8"))
        if (node.nbformat, node.nbformat_minor) >= (4, 5):
            taken = {cell.get("id") for cell in node.cells}
            for at, cell in enumerate(node.cells):
                if "id" not in cell:
                    cell["id"] = free_id(f"cell-{at}", taken)
                    taken.add(cell["id"])
        return node


def read_notebook(path: Path) -> NotebookText:
    """Read a notebook file.

    Raises:
        UsageError: The file is missing, or is not a notebook of format 4.
        EnvironmentProblem: The file cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"no notebook {path}; give the path of an .ipynb file")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}") from None
    return notebook_text(raw, path)


def notebook_text(raw: bytes, path: Path) -> NotebookText:
    """Read the bytes of a notebook; `path` is what messages call it.

    Raises:
        UsageError: They are not a notebook of format 4.
    """
    try:
        text = raw.decode("utf-8")
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("nbformat") != 4:  # noqa: PLR2004 - the format's number
            raise UsageError(
                f"{path} is not a notebook of format 4; jupyter nbconvert --to notebook converts older ones"
            )
        made = NotebookText(raw, data, _indent(text), list(data) == sorted(data), text[len(text.rstrip()) :])
        nbformat.validate(made.node(), relax_add_props=True)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a notebook: {str(error).splitlines()[0]}") from None
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a valid notebook: {str(error).splitlines()[0]}") from None
    return made


def notebook_bytes(node: nbformat.NotebookNode, like: NotebookText) -> bytes:
    """Give the bytes of a notebook, equal to those of `like` wherever the contents are equal.

    Raises:
        UsageError: The notebook does not follow the format.
    """
    try:
        nbformat.validate(node, relax_add_props=True)
    except nbformat.ValidationError as error:
        raise UsageError(f"the notebook would not be valid: {str(error).splitlines()[0]}") from None
    if node == like.node():
        return like.raw
    split = rwbase.split_lines(nbformat.from_dict(json.loads(json.dumps(node))))
    data = _as_before(like.data, split)
    before = {_known_by(cell): cell for cell in like.data.get("cells", [])}
    data["cells"] = [_as_before(before.get(_known_by(cell)), cell) for cell in split["cells"]]
    text = json.dumps(data, indent=like.indent, ensure_ascii=False, separators=(",", ": "), sort_keys=like.is_sorted)
    return (text + like.ends).encode("utf-8", errors="surrogatepass")


def refuse_other_language(document: nbformat.NotebookNode, notebook: Path, what: str) -> None:
    """Refuse a notebook that is not for Python; `what` says who does what with notebooks.

    Raises:
        UsageError: It is for another language.
    """
    language = str(document.metadata.get("kernelspec", {}).get("language", "python")).lower()
    if language != "python":
        raise UsageError(f"{notebook} is for {language}; {what} Python notebooks")


def refuse_read_only(path: Path) -> None:
    """Refuse to change a file that is marked as read-only; replacing it would go through.

    Raises:
        EnvironmentProblem: It, or its folder, cannot be written.
    """
    if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
        raise EnvironmentProblem(f"{path} is read-only; nothing was changed: make it writable and run it again")
    if not os.access(path.parent, os.W_OK):
        raise EnvironmentProblem(f"the folder {path.parent} cannot be written; nothing was changed")


def put_in_place(path: Path, content: bytes) -> None:
    """Put a whole file in place in one step; the old one is there until the new one is complete."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            Path(temporary).unlink()


def free_id(wish: str, taken: set[Any]) -> str:
    """Give `wish`, or `wish` with the first number that makes it a new id."""
    return next(name for name in (wish, *(f"{wish}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _indent(text: str) -> str:
    second = text.split("\n", 2)[1] if text.count("\n") else " "
    return second[: len(second) - len(second.lstrip())]


def _known_by(cell: Mapping[str, Any]) -> object:
    """Give what a cell is found again by: its id, or what is in it in a format without ids."""
    source = cell.get("source", "")
    return cell.get("id") or (cell.get("cell_type"), source if isinstance(source, str) else _joined(source))


def _as_before(old: Any, new: Any) -> Any:
    """Give `new` with the order of keys of `old`, and with the parts of `old` that mean the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*(key for key in old if key in new), *(key for key in new if key not in old)]
        return {key: _as_before(old.get(key), new[key]) for key in keys}
    if old == new or (isinstance(old, str) and isinstance(new, list) and old == _joined(new)):
        return old
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_as_before(*pair) for pair in zip(old, new, strict=True)]
    return new


def _joined(lines: list[Any]) -> str | None:
    """Give the text that a list of lines stands for, None if it is not one."""
    return "".join(lines) if all(isinstance(line, str) for line in lines) else None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
