r"""A paper in several LaTeX files: what `\input` names is read from the paper's own folder, never beyond."""

import re
from dataclasses import dataclass, field
from pathlib import Path

MOST_FILES = 50
MOST_BYTES = 2**20  # of one file
DEEPEST = 5
MOST_TOLD = 10
_INPUT = re.compile(r"\\(?:input|include|subfile)\s{0,3}\{(?P<name>[^{}\n]{1,200})\}")
_COMMENTED = re.compile(r"(?<!\\)(?:\\\\)*%[^\n]*\Z")


@dataclass(slots=True)
class _Reading:
    """What was read so far for one paper, and what was not."""

    folder: Path
    num_files: int = 0
    notes: list[str] = field(default_factory=list)


def with_inputs(text: str, file: Path) -> tuple[str, str]:
    """Put the files that a paper consists of in their places.

    Args:
        text: The paper's main file.
        file: Where it lies.

    Returns:
        The whole text, and what was not read (empty if nothing was left out); that stays as the command it is.
    """
    reading = _Reading(file.parent.resolve())
    whole = _joined(text, (file.name,), reading)
    return whole, "; ".join(list(dict.fromkeys(reading.notes))[:MOST_TOLD])


def _joined(text: str, above: tuple[str, ...], reading: _Reading) -> str:
    parts, at = [], 0
    for each in _INPUT.finditer(text):
        if _COMMENTED.search(text[text.rfind("\n", 0, each.start()) + 1 : each.start()]):
            continue
        name = each["name"].strip()
        read, why = _read(name, reading.folder, above) if reading.num_files < MOST_FILES else ("", "too many files")
        if why:
            reading.notes.append(f"{name[:80]!r} not read: {why}")
            continue
        reading.num_files += 1
        parts += [text[at : each.start()], _joined(read, (*above, _file_of(name)), reading)]
        at = each.end()
    return "".join([*parts, text[at:]])


def _file_of(name: str) -> str:
    return name if name.endswith(".tex") else f"{name}.tex"


def _read(name: str, folder: Path, above: tuple[str, ...]) -> tuple[str, str]:
    """Give the text of a file that a paper names, or why it is not read."""
    path = Path(_file_of(name))
    if path.is_absolute() or ".." in path.parts or "|" in name or not re.fullmatch(r"[\w./ +-]+", name):
        return "", "only files of the paper's own folder are"
    if _file_of(name) in above or len(above) > DEEPEST:
        return "", "it contains itself" if _file_of(name) in above else f"more than {DEEPEST} files deep"
    whole = folder / path
    try:
        if whole.resolve() != whole or not whole.is_file():
            return "", "it is a link" if whole.exists() else "there is no such file"
        if whole.stat().st_size > MOST_BYTES:
            return "", f"larger than {MOST_BYTES // 2**20} MiB"
        return whole.read_bytes().decode("utf-8-sig"), ""
    except (OSError, UnicodeDecodeError) as error:
        return "", f"{type(error).__name__}"
