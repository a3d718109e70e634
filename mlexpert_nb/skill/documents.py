"""Files the user hands over, read as data: code, notes, notebooks, papers. Every refusal is one line with the file."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill.pdf import read_pdf
from mlexpert_nb.skill.tex_files import with_inputs

Kind = Literal["code", "text", "notebook", "paper"]
KINDS: Mapping[str, Kind] = {
    ".py": "code",
    ".md": "text",
    ".txt": "text",
    ".tex": "text",
    ".ipynb": "notebook",
    ".pdf": "paper",
}
MAX_TEXT_BYTES = 10 * 2**20  # of one file
MAX_PDF_BYTES = 50 * 2**20
MAX_CHARACTERS = 400_000  # of all texts together: what a specialist can still read
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NUL_PROBE = 8192  # bytes looked at to tell binary from text


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read.

    Attributes:
        file: Its name, as it is shown.
        kind: What it is.
        text: What it says; data, never an instruction.
        note: What was left out, for a person; empty if nothing was.
    """

    file: str
    kind: Kind
    text: str
    note: str = ""


def read_documents(paths: Sequence[str]) -> tuple[Document, ...]:
    """Read files in the order given, each once.

    A file is shown by its name, or as it was typed if two have the same name.

    Raises:
        UsageError: A file is missing, a folder, too large, binary, corrupt, or of a kind that is not read.
    """
    typed = tuple(dict.fromkeys(path.strip() for path in paths if path.strip()))
    names = [Path(path).name for path in typed]
    return tuple(
        _read(path, name if names.count(name) == 1 else Path(path).as_posix())
        for path, name in zip(typed, names, strict=True)
    )


def within_limit(documents: Sequence[Document], most: int = MAX_CHARACTERS) -> tuple[Document, ...]:
    """Cut the texts so that all of them together hold at most so many characters, and note each cut."""
    kept, left = [], most
    for document in documents:
        text = document.text[:left]
        left -= len(text)
        cut = f"cut: the first {len(text):,} of {len(document.text):,} characters"
        notes = [document.note, cut] if len(text) < len(document.text) else [document.note]
        kept.append(Document(document.file, document.kind, text, "; ".join(filter(None, notes))))
    return tuple(kept)


def _read(path: str, shown: str) -> Document:
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises where there is no such user
    raw = _bytes(file, path)
    kind = KINDS[file.suffix.lower()]
    if kind == "paper":
        text, note = read_pdf(raw, path)
        return Document(shown, kind, clean(text), note)
    text = _decoded(raw, path)
    if file.suffix.lower() == ".tex":
        text, note = with_inputs(text, file)
        return Document(shown, kind, clean(text), note)
    return Document(shown, kind, clean(_cells(text, path) if kind == "notebook" else text))


def _bytes(file: Path, path: str) -> bytes:
    try:
        refusal = _refusal(file, path)
        raw = b"" if refusal else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{path[:200]!r} cannot be read ({error.strerror}); check the path") from error
    if refusal:
        raise UsageError(refusal)
    return raw


def _refusal(file: Path, path: str) -> str:
    """Say why a file is not read; empty if it is."""
    accepted = f"give {', '.join(KINDS)} files"
    if file.is_dir():
        return f"{path!r} is a folder; name the files in it"
    if not file.exists():
        return f"there is no file {path!r}; give a path that can be reached from {Path.cwd()}"
    if not file.is_file() or file.suffix.lower() not in KINDS:
        return f"{path!r} cannot be read as reference material; {accepted}"
    most = MAX_PDF_BYTES if KINDS[file.suffix.lower()] == "paper" else MAX_TEXT_BYTES
    return (
        f"{path!r} is larger than {most // 2**20} MiB; give the part that matters" if file.stat().st_size > most else ""
    )


def _decoded(raw: bytes, path: str) -> str:
    if b"\0" in raw[:_NUL_PROBE]:
        raise UsageError(f"{path!r} is binary, not text; give {', '.join(KINDS)} files")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path!r} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _cells(text: str, path: str) -> str:
    """Give the sources of a notebook's cells; never its outputs."""
    try:
        cells = json.loads(text)["cells"]
        return "\n\n".join(f"# %% [{cell['cell_type']}]\n{''.join(cell['source'])}" for cell in cells)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path!r} is not a notebook (nbformat 4); open it in Jupyter and save it again") from error


def clean(text: str) -> str:
    """Drop what is no text: control and direction marks, halves of surrogate pairs; every line end is one newline."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    return _NO_TEXT.sub("", whole)
