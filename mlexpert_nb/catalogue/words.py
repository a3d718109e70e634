"""Phrases in free text: found in any spelling of case, hyphens and accents, with a typing error, unless negated."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

ERRORS_BY_LENGTH = ((9, 2), (5, 1))  # how many typing errors a word of at least that length may have
_SWAPPED_FROM = 4  # letters; a word this short may only have two neighbours swapped
_NOT = frozenset(
    {
        *("not", "no", "without", "unlike", "except", "instead", "rather", "than", "never"),
        *("nicht", "kein", "keine", "keinen", "ohne", "statt", "pas", "sans", "sin", "no"),
    }
)
_REACH = 2  # words between a negation and what it negates, at most
_ENDS = frozenset({"but", "sondern", "mais", "sino", "use", "with"})  # what follows is meant again
_COMMON = frozenset(
    {"long", "large", "mixed", "model", "models", "small", "other", "image", "images", "layer", "layers"}
)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a phrase stands: words `start` to `end`, whether it is negated there, and spelled right."""

    start: int
    end: int
    negated: bool
    exact: bool = True

    def overlaps(self, other: "Span") -> bool:
        """Say whether the two share a word."""
        return self.start < other.end and other.start < self.end

    def inside(self, other: "Span") -> bool:
        """Say whether it is a proper part of another one."""
        return other.start <= self.start and self.end <= other.end and self.end - self.start < other.end - other.start


def words_of(text: str) -> tuple[str, ...]:
    """Split a text into words, in lower case and without accents."""
    marks = unicodedata.normalize("NFKD", text.replace("×", " x ")).casefold()
    return tuple(_WORD.findall("".join(mark for mark in marks if not unicodedata.combining(mark))))


def spans(words: Sequence[str], phrase: str) -> Iterator[Span]:
    """Give every place where a phrase stands in a text."""
    wanted = words_of(phrase)
    size = len(wanted)
    for start in range(len(words) - size + 1):
        said = words[start : start + size]
        if all(alike(a, b) for a, b in zip(said, wanted, strict=True)):
            yield Span(start, start + size, _negated(words, start), exact=_same(said, wanted))
    joined = "".join(wanted)  # "UNet" for "U-Net"
    if size > 1:
        yield from (
            Span(at, at + 1, _negated(words, at))
            for at, word in enumerate(words)
            if len(joined) >= _SWAPPED_FROM and alike(word, joined)
        )


def _same(said: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(a in {b, f"{b}s", f"{b}es"} for a, b in zip(said, wanted, strict=True))


def mentioned(words: Sequence[str], phrases: Iterable[str]) -> str:
    """Give the longest of the phrases that stands in a text and is not negated, or an empty string."""
    found = (phrase for phrase in phrases if any(not span.negated for span in spans(words, phrase)))
    return max(found, key=lambda phrase: (len(words_of(phrase)), len(phrase)), default="")


@lru_cache(maxsize=65536)
def alike(word: str, wanted: str) -> bool:
    """Say whether a word is meant; short ones must be exact, longer ones may have one error, long ones two."""
    if word == wanted or word in {f"{wanted}s", f"{wanted}es"}:
        return True
    if any(letter.isdigit() for letter in wanted) or len(wanted) < _SWAPPED_FROM or word in _COMMON:
        return False
    if sorted(word) == sorted(wanted) and _distance(word, wanted) == 1:
        return True
    allowed = next((errors for length, errors in ERRORS_BY_LENGTH if len(wanted) >= length), 0)
    return allowed > 0 and word[0] == wanted[0] and _distance(word, wanted) <= allowed


def _negated(words: Sequence[str], start: int) -> bool:
    for word in reversed(words[max(0, start - _REACH) : start]):
        if word in _ENDS:
            return False
        if word in _NOT:
            return True
    return False


def _distance(a: str, b: str) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours between two words."""
    if abs(len(a) - len(b)) > ERRORS_BY_LENGTH[0][1]:
        return ERRORS_BY_LENGTH[0][1] + 1
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            options = [table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1])]
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                options.append(table[i - 2][j - 2] + 1)
            table[i][j] = min(options)
    return table[-1][-1]
