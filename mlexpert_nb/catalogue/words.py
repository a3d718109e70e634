"""Phrases in free text: found in any spelling of case, hyphens and accents, with a typing error, unless negated."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

ANY_NUMBER = "#"  # in a phrase
ERRORS_BY_LENGTH = ((9, 2), (5, 1))  # how many typing errors a word of at least that length may have
_SWAPPED_FROM = 4  # letters; a word this short may only have two neighbours swapped
_NOT = frozenset(
    {
        *("not", "no", "without", "unlike", "except", "instead", "rather", "than", "never", "excluding"),
        *("nicht", "kein", "keine", "keinen", "ohne", "statt", "pas", "sans", "sin", "sem", "nao", "senza", "non"),
        *("bez", "nie", "без", "не", "不", "没", "無", "无"),
    }
)
_LONGEST_RUN = 6  # words that one word may stand for
_NOWHERE = frozenset({"nowhere", "nirgends", "nulle"})
_REACH = 1  # words between a negation and what it negates, at most, beside articles
_ENDS = frozenset({"but", "sondern", "mais", "sino", "use", "with", "just", "only"})  # what follows is meant again
_BETWEEN = frozenset(  # a negation and what it rules out altogether: "not a plain transformer" rules nothing out
    {
        *(
            "a",
            "an",
            "the",
            "any",
            "of",
            "use",
            "using",
            "kind",
            "sort",
            "layers",
            "ein",
            "eine",
            "einen",
            "den",
            "die",
        ),
        *("un", "une", "de", "la", "le", "el", "una", "um", "uma", "o"),
    }
)
_COMMON = frozenset(
    {
        *("long", "large", "mixed", "model", "models", "small", "other", "image", "images", "layer", "layers"),
        *("imagenes", "imagens", "sampled", "sample", "samples", "table", "tables", "graphic", "graphics"),
        *("generation", "generations"),
    }
)
_EAST = "\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"  # no spaces between words: each sign is one
_MARK = ","  # what a mark between clauses is read as; no phrase goes across one
_WORD = re.compile(rf"[{_EAST}]|[^\W_{_EAST}]+|[,;!?](?!\d)|[.](?=\s)")


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

    def covered(self, other: "Span") -> bool:
        """Say whether it is another one or a part of it."""
        return other.start <= self.start and self.end <= other.end

    def inside(self, other: "Span") -> bool:
        """Say whether it is a proper part of another one."""
        return other.start <= self.start and self.end <= other.end and self.end - self.start < other.end - other.start


@lru_cache(maxsize=16384)
def words_of(text: str) -> tuple[str, ...]:
    """Split a text into words, in lower case and without accents; a Chinese, Japanese or Korean sign is a word."""
    marks = unicodedata.normalize("NFKD", text.replace("×", " x ")).casefold()
    found = _WORD.findall("".join(mark for mark in marks if not unicodedata.combining(mark)))
    return tuple(word if word[0].isalnum() else _MARK for word in found)


@lru_cache(maxsize=16384)
def _phrase(text: str) -> tuple[str, ...]:
    """Split a phrase, in which `#` stands for any number."""
    return tuple(word for piece in text.split() for word in ((ANY_NUMBER,) if piece == ANY_NUMBER else words_of(piece)))


def spans(words: Sequence[str], phrase: str) -> Iterator[Span]:
    """Give every place where a phrase stands in a text, in its own words or joined and split otherwise."""
    text, wanted = tuple(words), _phrase(phrase)
    if not wanted:
        return
    size = len(wanted)
    for start in _places(text, wanted[0]):
        said = text[start : start + size]
        if len(said) == size and all(alike(a, b) for a, b in zip(said[1:], wanted[1:], strict=True)):
            yield Span(start, start + size, _negated(text, start, start + size), exact=_same(said, wanted))
    joined = "".join(wanted)  # "UNet" for "U-Net", "gpt2 small" for "GPT-2 small"
    if len(joined) >= _SWAPPED_FROM and joined.isascii() and ANY_NUMBER not in wanted:
        whole = {(start, start + 1) for start in _places(text, joined)} if size > 1 else set[tuple[int, int]]()
        runs = {(start, end) for start, end in _runs(text).get(joined, ()) if end - start != size}
        yield from (Span(start, end, _negated(text, start, end)) for start, end in sorted(whole | runs))


@lru_cache(maxsize=65536)
def _places(words: tuple[str, ...], wanted: str) -> tuple[int, ...]:
    return tuple(at for at, word in enumerate(words) if alike(word, wanted))


@lru_cache(maxsize=64)
def _runs(words: tuple[str, ...]) -> Mapping[str, tuple[tuple[int, int], ...]]:
    """Give every run of a few words, written as one, with where it stands."""
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for start in range(len(words)):
        for end in range(start + 1, min(start + _LONGEST_RUN, len(words)) + 1):
            joined = "".join(words[start:end])
            found[joined] = (*found.get(joined, ()), (start, end))
    return found


def is_ruled_out(words: Sequence[str], span: Span) -> bool:
    """Say whether a negation stands right before a phrase: "no attention", but not "not a plain transformer"."""
    before = span.start - 1
    while before >= 0 and words[before] in _BETWEEN:
        before -= 1
    return before >= 0 and words[before] in _NOT


def _same(said: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(a in {b, f"{b}s", f"{b}es"} or b == ANY_NUMBER for a, b in zip(said, wanted, strict=True))


def mentioned(words: Sequence[str], phrases: Iterable[str]) -> str:
    """Give the longest of the phrases that stands in a text and is not negated, or an empty string."""
    found = (phrase for phrase in phrases if any(not span.negated for span in spans(words, phrase)))
    return max(found, key=lambda phrase: (len(words_of(phrase)), len(phrase)), default="")


def alike(word: str, wanted: str) -> bool:
    """Say whether a word is meant; short ones must be exact, longer ones may have one error, long ones two."""
    if word == wanted or word in {f"{wanted}s", f"{wanted}es"}:
        return True
    if wanted == ANY_NUMBER:
        return word.isdecimal()
    if abs(len(word) - len(wanted)) > ERRORS_BY_LENGTH[0][1] or (word[0] != wanted[0] and word[:2] != wanted[1::-1]):
        return False  # most pairs end here
    if any(letter.isdigit() for letter in wanted) or len(wanted) < _SWAPPED_FROM or word in _COMMON:
        return False
    if sorted(word) == sorted(wanted) and _distance(word, wanted) == 1:
        return True
    allowed = next((errors for length, errors in ERRORS_BY_LENGTH if len(wanted) >= length), 0)
    return allowed > 0 and word[0] == wanted[0] and _distance(word, wanted) <= allowed


def _negated(words: Sequence[str], start: int, end: int) -> bool:
    """Say whether a negation stands before a phrase, at most a few words away, or "nowhere" behind it."""
    if words[end : end + 1] and words[end] in _NOWHERE:
        return True
    reach = _REACH
    for word in reversed(words[:start]):
        if word in _NOT:
            return True
        reach -= word not in _BETWEEN
        if word in _ENDS or word == _MARK or reach < 0:
            return False
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
