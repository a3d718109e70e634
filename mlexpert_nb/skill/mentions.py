"""Quantities mentioned in free text: how large the network should be, what it must fit into, how fast it must answer.

Of the patterns for one quantity, the first that finds anything decides: "it takes 400 ms, make it under 100 ms" is 100.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from mlexpert_nb.errors import UsageError
from mlexpert_nb.skill.quantities import LIMIT, NUMBER, REAL_TIME_MS, parse_count, parse_duration, parse_size

_Value = TypeVar("_Value", int, float)

_S, _GAP = r"\s{0,5}", r"(?:[\s-]{1,3})"  # bounded: a text of nothing but blanks must not take minutes
_START = r"(?<![\w.,])(?<!\s-)(?<!\A-)"  # not inside a word or a number, and not a negative number
_LIMITS = rf"(?:{LIMIT}|unter|h\u00f6chstens|sous|moins de|menos de|bajo)"
_COUNT_UNIT = r"(?:[kmbgt]|bn|mio\.?|mln|mrd\.?|thousand|millions?|millionen|millones|billions?|milliarden?|milliards)"
_PARAMETERS = (
    r"(?:trainable |learnable |de )?(?:params?|param[e\u00e8\u00e9]t(?:er|re)s?|parametern?|par[a\u00e1]metros|weights)"
)
_NETWORK = (
    r"(?:models?|transformers?|networks?|nets?|llms?|decoders?|encoders?|variants?|versions?|architectures?|titans)"
)
_COUNTS = (
    rf"{_START}({NUMBER}{_GAP}?{_COUNT_UNIT}?){_GAP}?{_PARAMETERS}\b",
    rf"\bparam(?:eter)?s?(?: count| budget| target)?(?: of|:|=)?{_S}(?:about |around |~)?({NUMBER}\s?{_COUNT_UNIT})\b",
    rf"{_START}({NUMBER}[kmb])(?:{_GAP}[\w\u00d7]+){{0,3}}?{_GAP}{_NETWORK}\b",
)
_SIZE = rf"{_START}({NUMBER}(?:[\s-]?[mgt]i?b|[mgt]o))\b"
_NOT_MEMORY = rf"(?!{_S}(?:of )?(?:data|files?|corpus|disk|csv|text|ram|logs?|images?|parquet|a day|per day))"
_MEMORY = rf"(?:v-?ram|gpu|memory|card|speicher|fits?(?: in(?:to)?| on)?|{_LIMITS})"
_SIZES = (
    rf"{_SIZE}(?={_S}(?:of |de )?(?:v-?ram|gpu|graphics|video|card|memory|speicher|m[e\u00e9]moire|memoria))",
    rf"\b{_MEMORY}[\s:=]{{0,5}}(?:of |limit |an? ){{0,3}}{_SIZE}{_NOT_MEMORY}",
    rf"(?<!dataset of )(?<!data set of )(?<!file of )(?<!corpus of ){_SIZE}{_NOT_MEMORY}",
)
_MS = rf"{_START}({NUMBER}[\s-]?(?:ms|msec|milliseconds?|millisekunden|millisecondes|milisegundos|[\u00b5\u03bcu]s))\b"
_SECONDS = rf"{_START}({NUMBER}[\s-]?(?:s|sec|seconds?|sekunden?|secondes?|segundos?))\b"
_ANSWER = r"(?:latency|latenz|latence|latencia|inference|response(?: time)?|per (?:token|request|image|step|query))"
_DURATIONS = (
    rf"(?:{_LIMITS}|\bto|\bbudget is|\btarget(?: is| of)?){_S}{_MS}",
    rf"{_MS}{_S}{_ANSWER}",
    rf"\b{_ANSWER}(?:\s|[:=<\u2264]|of|is){{0,6}}{_MS}",
    rf"{_LIMITS}{_S}{_SECONDS}{_S}{_ANSWER}",
    rf"\b{_ANSWER}(?:\s|[:=<\u2264]|of|is|{_LIMITS}){{1,6}}{_SECONDS}",
    _MS,
)
_REAL_TIME = re.compile(r"\breal[\s-]?time\b|\bechtzeit\b|\btemps r[e\u00e9]el\b|\btiempo real\b", re.IGNORECASE)


class Mentions(NamedTuple):
    """What a text asks for. Of several values the first counts; `conflicts` says so, one line each."""

    num_parameters: int | None
    vram_bytes: int | None
    latency_ms: float | None
    real_time: bool
    conflicts: tuple[str, ...]


def find_quantities(text: str) -> Mentions:
    """Find the quantities a text asks for, in whatever words it does."""
    conflicts: list[str] = []
    count = _first("parameters", _found(_COUNTS, text), parse_count, conflicts)
    size = _first("vram", _found(_SIZES, text), parse_size, conflicts)
    latency_ms = _first("latency", _found(_DURATIONS, text), parse_duration, conflicts)
    real_time = _REAL_TIME.search(text) is not None
    if real_time and latency_ms is not None and latency_ms > REAL_TIME_MS:
        conflicts.append(
            f"latency: the text says real-time ({REAL_TIME_MS:.0f}ms) and {latency_ms:g}ms; the number was used"
        )
    return Mentions(count, size, latency_ms, real_time, tuple(conflicts))


def _found(patterns: Sequence[str], text: str) -> list[str]:
    for pattern in patterns:
        found = [match[1].strip() for match in re.finditer(pattern, text, re.IGNORECASE)]
        if found:
            return found
    return []


def _first(what: str, found: list[str], parse: Callable[[str], _Value], conflicts: list[str]) -> _Value | None:
    values: dict[_Value, str] = {}
    for words in found:
        try:
            values.setdefault(parse(words), words)
        except UsageError as error:  # prose may say "0 parameters" of a function: noted, not fatal
            conflicts.append(f"{what}: {error}; it was passed over")
    if len(values) > 1:
        used, *others = values.values()
        conflicts.append(f"{what}: the text says {used} and {', '.join(others)}; {used} was used")
    return next(iter(values), None)
