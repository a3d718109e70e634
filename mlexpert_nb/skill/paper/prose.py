"""Values that running text states: "a width of 64", "width d = 64", "4 heads", "a vocabulary of 28,996 tokens"."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlexpert_nb.skill.paper import whose
from mlexpert_nb.skill.paper.names import CONCEPTS
from mlexpert_nb.skill.paper.numbers import ATOM, CHUNK, FORMULA, RANGE, WORDS, read_number
from mlexpert_nb.skill.paper.paper import Hyperparameter

_PHRASES = {phrase: concept for concept, phrases in CONCEPTS.items() for phrase in phrases}
_BY_PLAIN = {phrase.replace("-", " "): concept for phrase, concept in _PHRASES.items()}
_LOOSE = frozenset({"hidden", "patch", "features", "window", "alpha", "epsilon", "model size", "depth", "resolution"})
_COUNTED = frozenset(  # what is counted: "4 heads"; "layers of 64 units" says nothing about the number of layers
    phrase
    for phrase, concept in _PHRASES.items()
    if phrase.endswith("s")
    and " of " not in phrase
    and concept not in {"training", "norm epsilon"}
    and phrase not in _LOOSE
)
_OF_PARTS = frozenset({"mlp width", "mlp ratio", "head size", "classes", "training"})
_WORD = "|".join(WORDS)
_KIND = r"(?:(?:self-attention|attention|transformer|encoder|decoder|output|target|object|query|input|identical)\s)?"
_SYMBOL = r"(?:\s\(?[A-Za-z]{1,2}(?:_\w{1,6})?\)?(?!\w))?"
_JOINT = (
    r"(?:\s{0,2}(?:=|:|≈|\b(?:of|is|are|was|were|set|fixed|equals?|to|at|has|have|consists|contains|comprises|holds|"
    r"with(?=\s\w{1,6}\s?=))\b)){1,3}\s{0,2}"
)
_STRICT = r"\s{0,2}(?:=|:|\bis\b|\bare\b|\bis set to\b)\s{0,2}"
_SPAN = r"\s(?P<span>between|from|in|among)\s\W{0,2}"


def _any(phrases: Sequence[str]) -> str:
    escaped = (re.escape(each).replace(r"\ ", r"[\s-]") for each in sorted(phrases, key=len, reverse=True))
    return "|".join(each.replace(r"\-", r"[\s-]?") for each in escaped)


_VALUE = rf"(?:[A-Za-z]\w{{0,5}}\s?=\s?)?(?P<value>{CHUNK}|(?:{_WORD})\b)"
_AFTER = re.compile(
    rf"(?<![\w-])(?:(?P<counted>{_any(sorted(_COUNTED))}){_SYMBOL}(?:{_STRICT})"
    rf"|(?P<named>{_any(sorted({*_PHRASES} - _LOOSE - _COUNTED))}){_SYMBOL}(?:{_JOINT}|{_SPAN}|\s(?=\d))"
    rf"|(?P<loose>{_any(sorted(_LOOSE - {'hidden'}))}){_SYMBOL}(?:{_JOINT})){_VALUE}",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?<![\w.,^×/–-])(?P<value>{ATOM}|(?:{_WORD})\b)\s{_KIND}(?P<counted>{_any(sorted(_COUNTED))})(?![\w-])",  # noqa: RUF001 - an en dash
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"\bimages?\b[^.;\d]{0,40}(?P<after>\d{1,5}\s?[×x]\s?\d{1,5})|"
    r"(?P<before>\d{1,5}\s?[×x]\s?\d{1,5})\s(?:pixel\s|RGB\s|grey\s|gray\s|colou?r\s){0,2}images\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    rf"\s?(?:-{{1,3}}|–|—|/)\s?{ATOM}|\s(?:to|or)\s{ATOM}|,\s{ATOM}(?:,|\s(?:and|or)\s)|"  # noqa: RUF001 - dashes
    rf"\s(?:and|or)\s{ATOM}\s?(?:$|[.,;)]|respectively)"
)
_WORKED_OUT = re.compile(rf"[\w^·×*/+\s-]{{0,12}}=\s?(?P<value>{CHUNK})(?![\w^])")
_GOES_ON = re.compile(r"[A-Za-z_^\\({]|\s?[+*·×^/]|-\d")


@dataclass(frozen=True, slots=True)
class _Found:
    """One mention of a value in a sentence."""

    name: str
    concept: str
    value: str
    start: int
    end: int
    doubt: str = ""


def stated_in_prose(text: str, where: str, title: str = "") -> Iterator[Hyperparameter]:
    """Give the values that running text states; of one that is not the paper's own choice, why it is none.

    Args:
        text: Running text.
        where: Its section.
        title: Title of the paper, which may name its model.
    """
    whole, seen = whose.doubt_of_section(where), set()
    for sentence in dict.fromkeys(whose.sentences(" ".join(text.split()))):
        ends = whose.doubts(sentence, title)
        for each in _mentions(sentence):
            clause = ends[bisect_right(ends, each.start, key=lambda at: at[0])][1]
            before = sentence[: each.start]
            denied = whose.DENIED if whose.is_denied(before) else ""
            part = whose.OF_A_PART if whose.is_of_a_part(before) and each.concept not in _OF_PARTS else ""
            number, unread = ("", each.doubt) if each.doubt else read_number(each.value, each.concept)
            doubt = whole or denied or clause or part or unread
            key = (each.concept, number or each.value, doubt)
            if key not in seen:
                seen.add(key)
                yield Hyperparameter(each.name, each.value, where, each.concept, "" if doubt else number, doubt)


def _mentions(sentence: str) -> list[_Found]:
    """Give the values in a sentence; a number belongs to the name before it sooner than to the one after it."""
    found = [_after(each, sentence) for each in _AFTER.finditer(sentence)]
    found += [
        _Found("image size", "image size", each[each.lastgroup or 0], each.start(), each.end())
        for each in _IMAGE.finditer(sentence)
    ]
    taken = {(each.start, each.end) for each in found}
    for each in _BEFORE.finditer(sentence):
        at = each.start("value")
        if not any(start <= at < end for start, end in taken):
            name = _plain(each["counted"])
            is_more = bool(re.search(rf"{ATOM}\s?(?:-{{1,3}}|–|/|\bto\b|\bor\b)\s?$", sentence[max(0, at - 30) : at]))  # noqa: RUF001 - dashes
            doubt = RANGE if is_more else ""
            found.append(_Found(name, _concept(name), each["value"], at, each.end(), doubt))
    return sorted(found, key=lambda each: each.start)


def _after(each: re.Match[str], sentence: str) -> _Found:
    name = _plain(each["counted"] or each["named"] or each["loose"])
    rest, value, doubt = sentence[each.end() : each.end() + 60], each["value"].strip(" ,"), ""
    if each["span"] or _MORE.match(rest):
        more = _MORE.match(rest)
        value, doubt = f"{value}{more[0] if more else ''}".rstrip(" ,.;"), RANGE
    elif _GOES_ON.match(rest):
        stated = _WORKED_OUT.match(rest)
        value, doubt = (stated["value"], "") if stated else (f"{value}{rest[:12].split(' ')[0]}".rstrip(".,;"), FORMULA)
    return _Found(name, _concept(name), value, each.start(), each.end(), doubt)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("-", " ").split())


def _concept(name: str) -> str:
    return _BY_PLAIN.get(name, "")
