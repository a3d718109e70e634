"""The lines of a PDF as text: running headers left out, words that a line broke joined, mixed columns noticed."""

import re
from collections import Counter
from collections.abc import Sequence

_RUNNING = re.compile(
    r"(?:preprint|under review|published as|accepted (?:at|to|by|as)|to appear|submitted to|arxiv:|proceedings of|"
    r"workshop on|journal of|ieee transactions|copyright|©|manuscript|draft\b|\d{1,4}$|page \d)",
    re.IGNORECASE,
)
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "−": "-"})  # noqa: RUF001 - a minus
_BROKEN = re.compile(r"(?P<start>[A-Za-z]{2,30})-$")
_KEPT_HYPHEN = frozenset(  # that are joined to the next word by a hyphen wherever they stand
    {
        *("feed", "self", "multi", "pre", "post", "cross", "group", "grouped", "sliding", "fine", "non", "key", "low"),
        *("mid", "well", "two", "three", "one", "large", "small", "hyper", "state", "long", "short", "high", "query"),
        *("head", "layer", "top", "encoder", "decoder", "semi", "sub"),
    }
)
_MIXED = re.compile(r"\S\s(?:Table|Figure|Algorithm)\s\d{1,2}(?::|\s[A-Z])")
_MIXED_HEADING = re.compile(
    r"[a-z-]\s(?:\d(?:\.\d){0,2}\s(?:Introduction|Method|Results|Experiments|Conclusion)|References)$"
)
_FEWEST_MIXED = 2
_REPEATED = 3  # pages on which a line stands that is a header
_AUTHORS = re.compile(
    r",|@|\d|\b(?:university|institute|department|anonymous|authors?|laboratory|inc\.?)\b", re.IGNORECASE
)
_GOES_ON = re.compile(r"\b(?:for|of|with|in|on|and|via|from|by|to|using|without)\b", re.IGNORECASE)
_OPEN_END = (":", "-", " for", " of", " and", " with", " in", " the", " a", " to", ",")
_LONGEST_TITLE = 3  # lines


def lines_of(text: str) -> list[str]:
    """Give the lines of the text that are the paper's, with broken words joined."""
    lines = [line.strip() for line in text.translate(_LIGATURES).splitlines() if line.strip()]
    often = Counter(lines)
    kept = [line for line in lines if not _is_running(line, often)]
    joined: list[str] = []
    for line in kept:
        broken = _BROKEN.search(joined[-1]) if joined and line[:1].islower() else None
        if broken:
            word, _, rest = line.partition(" ")
            hyphen = "-" if broken["start"].casefold() in _KEPT_HYPHEN else ""
            joined[-1] = f"{joined[-1][:-1]}{hyphen}{word}"
            joined += [rest] if rest else []
        else:
            joined.append(line)
    return joined


def is_mixed(lines: Sequence[str]) -> bool:
    """Say whether the lines of two columns stand side by side, so that no sentence can be trusted."""
    mixed = sum(bool(_MIXED.search(line) or _MIXED_HEADING.search(line)) for line in lines)
    return mixed >= _FEWEST_MIXED


def title_of(lines: Sequence[str]) -> tuple[str, int]:
    """Give the title and the line after it: the first line, and those that carry it on."""
    if not lines:
        return "", 0
    end = 1
    while end < min(_LONGEST_TITLE, len(lines)) and (
        lines[end - 1].casefold().endswith(_OPEN_END) or _carries_on(lines[end])
    ):
        end += 1
    return " ".join(lines[:end]), end


def _carries_on(line: str) -> bool:
    return (
        bool(_GOES_ON.search(line))
        and not _AUTHORS.search(line)
        and not re.match(r"abstract\b|\d", line, re.IGNORECASE)
    )


def _is_running(line: str, often: Counter[str]) -> bool:
    return bool(_RUNNING.match(line)) or (often[line] >= _REPEATED and len(line) > len("Abstract"))
