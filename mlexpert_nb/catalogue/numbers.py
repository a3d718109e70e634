"""Numbers that a text states: each goes to one name beside it, and each name takes one number."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlexpert_nb.catalogue.names import AMOUNTS, FOLLOWED, PICTURED, SPELLED, SQUARE, UNITS, WEAK

_CJK = "\u3040-\u30ff\u3400-\u9fff"
_SKIP = r"https?://\S+|[^\s()]+\.(?:pdf|tex|py|ipynb|csv|txt|pt|json)\b|arxiv:?\s*\d{4}\.\d{4,5}|(?<!\d)\d{4}\.\d{4,5}(?!\d)"
_LIST = (
    r"\[\s*\d+(?:\s*[,;]\s*\d+)+\s*,?\s*\]|\(\s*\d+(?:\s*,\s*\d+)+\s*,?\s*\)"
    r"|(?<![^\W_@])(?<![.,])[1-9]\d*(?:\s*(?:->|→|-)\s*[1-9]\d*){2,}(?![^\W_])"
    r"|(?<![^\W_@])(?<![.,])(?!\d{1,3}(?:,\d{3})+(?!\d))\d+(?:,\s?\d+){2,}(?![^\W_])"
).replace("@", _CJK)  # a Chinese sign may stand right before a number
_GRID = r"(?<![^\W_@])\d+\s?[x×*]\s?\d+(?:\s?[x×*]\s?\d+)?(?![^\W_])".replace("@", _CJK)
_NUMBER = (
    r"(?<![^\W_@])(?<!\d\.)(?:\d{1,3}(?:[,_]\d{3})+(?!\d)|0[.,]\d+|\d+(?:\.\d+)?(?:e[+-]?\d+(?!\d|[^\W\d_]))?|\.\d+)"
).replace("@", _CJK)
_TOKEN = re.compile(
    rf"(?P<skip>{_SKIP})|(?P<list>{_LIST})|(?P<grid>{_GRID})|(?P<number>{_NUMBER})"
    rf"|(?P<word>[{_CJK}]|[^\W\d_{_CJK}][^\W_{_CJK}]*)|(?P<mark>[^\w\s\-'\u2019\"`*])|(?P<line>\n\s*\n)"
)
_AFTER = re.compile(r"[\s-]*([^\W\d_]+)(?!\w)(?:[\s-]+([^\W\d_]+))?")
_ITEM = re.compile(r"(?:^|[\n.:;]\s)\s*(?:step|part|phase|schritt|etape|paso)?\s*\Z")
_ITEM_END = re.compile(r"[.):](?=\s)")
_PARAMETERS = frozenset({"parameters", "params", "parameter", "parametern", "parametres", "parametros"})
_LARGE = 1000  # of photos, patients or rows: an amount of data
_TAIL = re.compile(rf"[^\W\d_{_CJK}]*")
_JOINTS = frozenset(
    {
        *("of", "is", "are", "size", "to", "at", "about", "set", "equal", "equals", "around", "von", "de", "di", "da"),
        *(
            "in",
            "with",
            "only",
            "rate",
            "value",
            "gleich",
            "mit",
            "a",
            "auf",
            "из",
            "в",
            "为",
            "是",
            "的",
            "は",
            "approx",
        ),
        *("approximately", "roughly", "exactly", "circa", "ca", "etwa", "ungefahr", "environ", "um"),
    }
)
_BREAKS = frozenset(
    {
        *("and", "with", "for", "of", "or", "plus", "in", "on", "to", "und", "mit", "oder", "et", "avec", "pour"),
        *("y", "con", "para", "e", "com", "и", "\u0441", "per", "then", "from", "by", "at", "but", "和", "的", "と"),
    }
)
_VERSIONED = frozenset(
    {
        *("python", "torch", "pytorch", "cuda", "version", "v", "rtx", "table", "figure", "fig", "section", "eq"),
        *(
            "equation",
            "chapter",
            "page",
            "appendix",
            "issue",
            "gtx",
            "algorithm",
            "part",
            "phase",
            "option",
            "tabelle",
            "week",
            "woche",
            "semaine",
            "lesson",
            "semester",
        ),
    }
)
_LONGEST = 6  # words (or letters of Chinese) of a name, at most
_YEARS = range(1950, 2040)
_FILLERS = 2  # words between a number and its name, at most: "8 causal attention heads"
_SIDE = "image size"  # what a square stands for
_LEAST_SIDE = 8  # pixels; a square like 3x3 is none of an image


@dataclass(frozen=True, slots=True)
class Stated:
    """A number of a text.

    Attributes:
        value: As a number, a whole list of them, or none if it cannot be one value.
        name: Words that name it; empty if none do.
        said: The number with the words around it.
        is_square: Whether it is written like 32x32.
        is_told: Whether it is worth telling where nothing takes it; false for years and the like.
    """

    value: float | tuple[int, ...] | None
    name: str
    said: str
    is_square: bool = False
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    start: int
    end: int
    word: str
    value: float | tuple[int, ...] | None = None
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class _Item:
    """A number, or a name of one: tokens `first` to `last`."""

    first: int
    last: int
    name: str = ""


def plain(text: str) -> str:
    """Give a text in lower case and without accents, letter for letter, so that places in it are places in the text."""
    return "".join(map(_letter, unicodedata.normalize("NFC", text)))


def read_numbers(
    text: str, names: Iterable[str], known: Callable[[str], bool], reserved: re.Pattern[str]
) -> list[Stated]:
    """Give every number of a text with the name that takes it; as many as can be are named.

    Args:
        text: The request.
        names: Every name.
        known: Whether a name is of something that can be set; it goes before one that is not.
        reserved: Finds names of other things that have digits: "gpt-2".
    """
    said = plain(text)
    tokens = list(_tokens(said, _words(names)))
    tokens = _without_reserved(tokens, said, names, reserved)
    items = _items(tokens, names)
    taken = _match(items, tokens, said, known)
    return [
        _stated(item, items[taken[at]] if at in taken else None, tokens, text)
        for at, item in enumerate(items)
        if not item.name
    ]


@lru_cache(maxsize=4096)
def _letter(letter: str) -> str:
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", letter).casefold() if not unicodedata.combining(mark))
    return bare[0] if bare else " "


def _words(names: Iterable[str]) -> frozenset[str]:
    return frozenset(word for name in names for word in plain(name).split())


def _tokens(said: str, known: frozenset[str]) -> Iterator[_Token]:
    at = 0
    while found := _TOKEN.search(said, at):
        kind, at = str(found.lastgroup), found.end()
        if kind == "number":
            token, at = _number(found, said, known)
            yield token
        elif kind in {"list", "grid"}:
            yield _several(kind, found)
        else:
            is_spelled = kind == "word" and found[0] in _SPELLED_PLAIN
            value = float(_SPELLED_PLAIN[found[0]]) if is_spelled else None
            yield _Token("number" if is_spelled else kind, found.start(), at, found[0], value, is_told=not is_spelled)


def _number(found: re.Match[str], said: str, known: frozenset[str]) -> tuple[_Token, int]:
    """Read a number with the letters that stick to it: "50k" is one, "6layers" is one and a word, "7b" is none."""
    digits = found[0]
    is_grouped = re.fullmatch(r"\d{1,3}(?:[,_]\d{3})+", digits)
    value = float(re.sub("[,_]", "", digits) if is_grouped else digits.replace(",", "."))
    start, end = found.span()
    tail = _TAIL.match(said, end)
    letters = tail[0] if tail else ""
    if letters == "k":
        return _measured(value * 1000, start, end + 1, said), end + 1
    if letters and letters not in known and letters.removesuffix("s") not in known:
        kind = "skip" if letters in UNITS else "word"
        return _Token(kind, start, end + len(letters), digits + letters), end + len(letters)
    if said.startswith("%", end) or said.startswith(" %", end):
        at = said.index("%", end) + 1
        kind = "skip" if re.match(r"\s*(?:test |line )?coverage", said[at:]) else "number"
        return _Token(kind, start, at, digits, value / 100), at
    return _measured(value, start, end, said), end


def _measured(value: float, start: int, end: int, said: str) -> _Token:
    """Give a number; a size, a time, an amount of data or the number of a sentence is skipped."""
    after = _AFTER.match(said, end)
    words = {word for word in after.groups() if word} if after else set()
    is_size = bool(after and after[1] in UNITS) or bool(words & _PARAMETERS)
    is_amount = value >= _LARGE and bool(words & AMOUNTS)
    is_item = bool(_ITEM.search(said, 0, start)) and bool(_ITEM_END.match(said, end))
    is_year = value in _YEARS and end - start == len("2020")
    is_price = said[max(0, start - 1) : start] in {"$", "€", "^"}
    is_skipped = is_size or is_amount or is_item or is_price
    return _Token("skip" if is_skipped else "number", start, end, said[start:end], value, is_told=not is_year)


def _several(kind: str, found: re.Match[str]) -> _Token:
    values = tuple(int(each) for each in re.findall(r"\d+", found[0]))
    pair = next((each for each in values if values.count(each) > 1), None)
    if kind == "grid" or (found[0][0] == "(" and pair is not None and len(values) == 2):  # noqa: PLR2004 - a pair
        is_square = pair is not None
        return _Token("square" if is_square else "number", *found.span(), found[0], float(pair) if pair else None)
    return _Token("number", *found.span(), found[0], values)


def _without_reserved(
    tokens: Sequence[_Token], said: str, names: Iterable[str], reserved: re.Pattern[str]
) -> list[_Token]:
    """Make words of the numbers that are parts of a name: "gpt-2", "cifar 100"; not "top-2", nor "gpt 2 layers"."""
    places = [found.span() for found in reserved.finditer(said)]
    versioned = _VERSIONED | _versioned(reserved)
    kept = []
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at and tokens[at - 1].kind == "word" else None
        is_inside = any(start <= token.start and token.end <= end for start, end in places)
        is_joined = before is not None and said[before.end : token.start] in {"-", "/"}
        is_version = before is not None and before.word in versioned
        is_part = token.kind == "number" and (is_inside or is_joined or is_version) and not _is_named(tokens, at, names)
        kept.append(_Token("word", token.start, token.end, token.word) if is_part else token)
    return kept


@lru_cache(maxsize=4)
def _versioned(reserved: re.Pattern[str]) -> frozenset[str]:
    """Give the words that begin a name with digits: another number after one is another version, "llama 2"."""
    return frozenset(re.findall(r"(?:^|\|)\\b([^\W\d_]{2,})\[", reserved.pattern))


def _is_named(tokens: Sequence[_Token], at: int, names: Iterable[str]) -> bool:
    """Say whether a name stands directly before or after a number."""
    starts = range(max(0, at - _LONGEST), at)
    return bool(_names_at(tokens, at + 1, names)) or any(_names_at(tokens, start, names) == at for start in starts)


def _items(tokens: Sequence[_Token], names: Iterable[str]) -> list[_Item]:
    items, at = [], 0
    while at < len(tokens):
        if tokens[at].kind in {"number", "square"}:
            items.append(_Item(at, at + 1))
        elif end := _names_at(tokens, at, names):
            items.append(_Item(at, end, _name_of(tokens, at, end, names)))
            at = end - 1
        at += 1
    return items


def _names_at(tokens: Sequence[_Token], at: int, names: Iterable[str]) -> int:
    """Give where the longest name that begins at a token ends, or 0."""
    found = _longest(tokens, at, _table(tuple(names)))
    return at + len(found.split()) if found else 0


def _name_of(tokens: Sequence[_Token], at: int, end: int, names: Iterable[str]) -> str:
    table = _table(tuple(names))
    return table[_longest(tokens, at, table)] if end else ""


def _longest(tokens: Sequence[_Token], at: int, table: Mapping[str, str]) -> str:
    said: list[str] = []
    best = ""
    for token in tokens[at : at + _LONGEST]:
        if token.kind != "word":
            break
        said.append(token.word)
        best = next((each for each in _forms(said) if each in table), best)
    return best


def _forms(words: Sequence[str]) -> Iterator[str]:
    """Give the words as they are, and as one thing where they are many."""
    start = " ".join(words[:-1])
    last = words[-1]
    ends = [last, last.removesuffix("s"), last.removesuffix("es"), f"{last}s"]
    yield from (f"{start} {end}".strip() for end in ends)


@lru_cache(maxsize=64)
def _table(names: tuple[str, ...]) -> Mapping[str, str]:
    return {" ".join(token.group() for token in _PIECES.finditer(plain(name))): name for name in names}


_PIECES = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_SPELLED_PLAIN: Mapping[str, int] = {plain(word): value for word, value in SPELLED.items()}


def _match(items: Sequence[_Item], tokens: Sequence[_Token], said: str, known: Callable[[str], bool]) -> dict[int, int]:
    """Bind numbers to names beside them: most first, then those that are known, then those that stand closest."""
    best: list[tuple[float, dict[int, int]]] = [(0.0, {}), (0.0, {})]  # of the items before the last, and up to it
    for at in range(1, len(items)):
        skipped = best[-1]
        worth = _worth(items[at - 1], items[at], tokens, said)
        if worth is None:
            best.append(skipped)
            continue
        number, place = (at, at - 1) if items[at - 1].name else (at - 1, at)
        name = items[place].name
        total = best[-2][0] + worth + (10 if known(name) else 0) - (20 if name.removesuffix("s") in WEAK else 0)
        best.append(max(skipped, (total, {**best[-2][1], number: place}), key=lambda each: each[0]))
    return best[-1][1]


def _worth(left: _Item, right: _Item, tokens: Sequence[_Token], said: str) -> float | None:
    """Say how well a number and a name that stand beside each other go together; None if they do not."""
    if bool(left.name) == bool(right.name):
        return None
    gap = tokens[left.last : right.first]
    number, name = (right, left.name) if left.name else (left, right.name)
    is_square = tokens[number.first].kind == "square"
    if (name in PICTURED and not is_square) or (is_square and name not in SQUARE):
        return None
    between = said[tokens[left.last - 1].end : tokens[right.first].start]
    if left.name:
        marks = [token.word for token in gap if token.kind == "mark"]
        is_joined = all(token.word in _JOINTS if token.kind == "word" else token.word in "=:(~≈<>≤→" for token in gap)
        if not is_joined or len(gap) > _FILLERS + 1:
            return None
        is_said = "=" in marks
        return 1000 + (100 if is_said else 0) - (1 if between.strip() else 1.5) - len(gap) / 4
    is_apart = len(gap) > _FILLERS or any(token.kind != "word" or token.word in _BREAKS for token in gap)
    if is_apart or (name in FOLLOWED and not is_square) or _is_assigned(tokens, right.last):
        return None
    return 1000 - 1 - len(gap)


def _is_assigned(tokens: Sequence[_Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].word in {"=", ":"}


def _stated(item: _Item, named: _Item | None, tokens: Sequence[_Token], text: str) -> Stated:
    token = tokens[item.first]
    first, last = _around(item.first, tokens)
    if named:
        first, last = min(item.first, named.first), max(item.last, named.last) - 1
    said = " ".join(unicodedata.normalize("NFC", text)[tokens[first].start : tokens[last].end].split())
    is_square = token.kind == "square"
    name = named.name if named else _SIDE if is_square and _side(token) >= _LEAST_SIDE else ""
    name = _SIDE if name in PICTURED else name
    return Stated(token.value, name, said, is_square=is_square, is_told=token.is_told or bool(name))


def _side(token: _Token) -> float:
    return token.value if isinstance(token.value, float) else 0.0


def _around(at: int, tokens: Sequence[_Token]) -> tuple[int, int]:
    """Give the tokens around a number: up to two words on each side, within marks and other numbers."""
    first, last = at, at
    while first > 0 and at - first < _FILLERS and (tokens[first - 1].kind == "word" or tokens[first - 1].word == "="):
        first -= 1
    while last + 1 < len(tokens) and last - at < _FILLERS and tokens[last + 1].kind == "word":
        last += 1
    return first, last
