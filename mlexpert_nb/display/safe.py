"""Text from outside made fit to show: no terminal codes, no hidden direction marks, no endless length, no HTML."""

import re
from collections.abc import Mapping
from html import escape

LIMIT = 4_000  # characters of one field; nobody reads more of it on a card
_TERMINAL_CODES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?",  # every other escape
)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters except tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks: text that reads other than it runs
    "\u2028\u2029\ufeff\ud800-\udfff]",  # odd line ends, byte-order mark, half characters
)


def plain(text: object, limit: int = LIMIT) -> str:
    """Give text without terminal codes and hidden characters; what is cut off is counted at the end."""
    raw = str(text)
    kept = _HIDDEN.sub("", _TERMINAL_CODES.sub("", raw[: 2 * limit + 1000].replace("\r\n", "\n")))
    if len(kept) <= limit and len(raw) <= 2 * limit + 1000:
        return kept
    cut = len(raw) - limit
    return f"{kept[:limit]}… ({cut:,} more characters not shown)"


def one_line(text: object, limit: int = 200) -> str:
    """Give text on one line, shortened in the middle of nowhere with an ellipsis."""
    joined = " ".join(plain(text, LIMIT).split())
    return joined if len(joined) <= limit else f"{joined[: limit - 1]}…"


def html(text: object, limit: int = LIMIT) -> str:
    """Give text as HTML that shows exactly it and runs nothing."""
    return escape(plain(text, limit))


def counted(number: int, noun: str) -> str:
    """Give a number with its noun: "1 cell", "2 cells"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def items(value: object) -> list[object]:
    """Give the items of a JSON array, and nothing for anything else."""
    return list(value) if isinstance(value, list | tuple) else []


def fields(value: object) -> Mapping[str, object]:
    """Give the fields of a JSON object, and none for anything else."""
    return value if isinstance(value, Mapping) else {}
