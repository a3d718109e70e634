"""Detection: which kind of request a text is, and which are better served elsewhere. Adds up the rows of the table."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mlexpert_nb.catalogue import find
from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.skill.documents import clean
from mlexpert_nb.skill.patterns import NOT_OURS, OURS, POLITE, THRESHOLD, WORDS, rows
from mlexpert_nb.skill.redirects import REDIRECTS

VERBS: Mapping[str, str] = {
    "architecture": "implement",
    "feature": "implement",
    "fix": "fix",
    "optimize": "optimize",
    "speed": "optimize",
    "paper": "paper",
    "pipeline": "pipeline",
}
MAX_CHARACTERS = 100_000  # of a request
_HEAD, _TAIL = 2000, 1000  # characters of a long text that are read: the ask stands at one of its ends
_TWO_SLIPS_FROM = 8  # letters; a longer word may be misspelled twice
_SAYS_HOW_FAST = {"milliseconds"}  # alone it is no wish to make something faster that is there
_NO_WISH = {"names a family", "a count", "parts counted", "the word", "anew"}  # signs that a question shows too
_ELSEWHERE = re.compile(  # questions, and work on what is there
    r"^(?:how|what|whats|what's|why|when|which|who|where|explain|describe|tell|warum|wie|was|welche|wieso|pourquoi"
    r"|comment|qu'est|quel\w*|por que|que es|como|cual|почему|как|что|сколько|perche|cosa|porque|为什么|怎么|什么)\b"
    r"|^(?:plot|show|draw the|compute|calculate|convert|export|save|load|resume|continue|evaluate|run|print|rename"
    r"|install|download|compare|visuali[sz]e|inspect|profile|deploy|serve|count|list|log|merge|freeze|benchmark|zeige"
    r"|speichere|lade|konvertiere|berechne|exportiere|affiche|calcule|exporte|muestra|calcula|exporta|guarda)\b"
)
_QUOTES = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x201E: '"', 0xAB: '"', 0xBB: '"'}
_NOISE = re.compile(r"^(?:[ ,.!:;¿¡-]|\[[^\]]*\](?=\W*\w))+")  # a tag like "[Feature request]" is noise too


@dataclass(frozen=True, slots=True)
class Detection:
    """What a request is.

    Attributes:
        kind: One of the seven kinds of `patterns.OURS`, or `out_of_scope`.
        verb: The command that answers it: the one the user typed, or the one that fits the kind.
        reason: One line for a person: what decided.
        redirect: What to use instead; empty unless the kind is `out_of_scope`.
    """

    kind: str
    verb: str
    reason: str
    redirect: str = ""


def detect(text: str, verb: str | None = None) -> Detection:
    """Say what a request is. The same text gives the same answer on every machine.

    A text that says nothing of what to do, but speaks of a network, asks for that network: "wgan", "gat, 2 layers".

    Args:
        text: The request, in the user's words.
        verb: The command the user typed, which then decides among the kinds it stands for; None for free text.

    Raises:
        UsageError: The text is empty, or far too long for a request.
        UnknownNameError: There is no such verb.
    """
    if verb is not None and verb not in VERBS.values():
        raise UnknownNameError.among("command", verb, set(VERBS.values()))
    signs = recognised(request_text(text))
    scores = {topic: sum(found.values()) for topic, found in signs.items()}
    ours = max(OURS, key=lambda topic: scores[topic])
    other = max(NOT_OURS, key=lambda topic: scores[topic])
    if scores[other] >= THRESHOLD and scores[other] > scores[ours]:
        return Detection("out_of_scope", verb or VERBS[ours], _because(other, signs), REDIRECTS[other])
    if verb is not None:
        kind = max((each for each in OURS if VERBS[each] == verb), key=lambda topic: scores[topic])
        return Detection(kind, verb, f"the command is {verb!r}")
    is_vague = ours == "architecture" and signs[ours].keys() <= _NO_WISH
    if (scores[ours] < THRESHOLD or is_vague) and _ELSEWHERE.search(plain_form(text)):
        return Detection("out_of_scope", VERBS[ours], "it asks for no network to be built", REDIRECTS["unclear"])
    if scores[ours] < THRESHOLD or signs[ours].keys() == _SAYS_HOW_FAST:
        match = find(text)
        if match.speaks_of_networks:
            return Detection("architecture", VERBS["architecture"], f"read as 'architecture': {match.reason}")
    if scores[ours] < THRESHOLD:
        return Detection("out_of_scope", VERBS[ours], "nothing in the text says what to do", REDIRECTS["unclear"])
    return Detection(ours, VERBS[ours], _because(ours, signs))


def request_text(text: str) -> str:
    """Give the request as it is passed on: without blank ends and without characters that are no text.

    Raises:
        UsageError: The text is empty, or far too long for a request.
    """
    words = clean(text).strip()
    if not words:
        raise UsageError('the request is empty; say what to build, e.g. "Implement a transformer with 25M parameters"')
    if len(words) > MAX_CHARACTERS:
        raise UsageError(
            f"the request has {len(words):,} characters; put the long part in a file and name it by --context"
        )
    return words


def recognised(text: str) -> dict[str, dict[str, int]]:
    """List the signs that a text shows, with their weights, for every topic of the table."""
    plain = plain_form(text)
    found: dict[str, dict[str, int]] = {topic: {} for topic in (*OURS, *NOT_OURS)}
    for topic, sign, weight, pattern in rows():
        if sign not in found[topic] and pattern.search(plain):
            found[topic][sign] = weight
    return found


def plain_form(text: str) -> str:
    """Lower case, no accents, single spaces, near misses of known words spelled right, no polite opening."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} {text[-_TAIL:]}"
    marks = unicodedata.normalize("NFKD", text.translate(_QUOTES).casefold())
    plain = " ".join("".join(mark for mark in marks if not unicodedata.combining(mark)).split())
    return _without_opening(re.sub(r"[a-z]{4,}", lambda word: _spelled(word.group()), plain))


def _because(topic: str, signs: Mapping[str, Mapping[str, int]]) -> str:
    shown = ", ".join(sign for sign, weight in signs[topic].items() if weight > 0)
    return f"read as {topic!r} ({sum(signs[topic].values())} points: {shown})"


def _without_opening(plain: str) -> str:
    while True:
        plain = _NOISE.sub("", plain)
        opening = next((each for each in POLITE if plain.startswith((f"{each} ", f"{each}, "))), None)
        if opening is None:
            return plain
        plain = plain[len(opening) :]


@lru_cache(maxsize=4096)
def _spelled(word: str) -> str:
    slips = 2 if len(word) >= _TWO_SLIPS_FROM else 1
    if any(word.startswith(known) for known in WORDS):
        return word
    near = (known for known in WORDS if known[0] == word[0] and abs(len(known) - len(word)) <= slips)
    return next((known for known in near if _distance(known, word) <= slips), word)


def _distance(one: str, two: str) -> int:
    """Count letters added, dropped, changed or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        above_before, before, row = before, row, [i]
        for j, b in enumerate(two, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and b == one[i - 2]:
                cost = min(cost, above_before[j - 2] + 1)
            row.append(cost)
    return row[-1]
