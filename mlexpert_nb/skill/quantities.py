"""Quantities as people type them: parameter counts, memory sizes, durations, read and written.

GB is 10^9 bytes and GiB 2^30, as the SI and the IEC have it; a card sold as "6GB" holds a little more than that.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlexpert_nb.errors import UsageError

REAL_TIME = "real-time"
REAL_TIME_MS = 100.0
THOUSANDS = r"\d{1,3}(?:[, _'\u202f\u00a0]\d{3})+(?:\.\d+)?"
NUMBER = rf"(?:{THOUSANDS}|\d+(?:[.,]\d+)?(?:e\+?\d{{1,2}})?)"
LIMIT = r"(?:<=?|\u2264|~|about|around|at most|under|below|less than|within|up to|max(?:imum|imal)?(?: of)?)"

_LONGEST = 100  # characters that a quantity may take
_COUNT_UNITS: Mapping[str, float] = {
    "": 1,
    **dict.fromkeys(("k", "thousand", "tausend", "mille"), 1e3),
    **dict.fromkeys(("m", "mio", "mln", "million", "millions", "millionen", "millones", "millón"), 1e6),
    **dict.fromkeys(("b", "bn", "g", "billion", "billions", "mrd", "milliarde", "milliarden", "milliards"), 1e9),
    **dict.fromkeys(("t", "trillion", "trillions"), 1e12),
}
_SIZE_UNITS: Mapping[str, float] = {
    f"{prefix}{ending}": base**power
    for power, prefix in enumerate("mgt", 2)
    for ending, base in (("", 1000), ("b", 1000), ("o", 1000), ("ib", 1024), ("io", 1024))
}
_TIME_UNITS: Mapping[str, float] = {
    **dict.fromkeys(("us", "\u00b5s", "\u03bcs", "microseconds"), 1e-3),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "millisekunden", "millisecondes", "milisegundos"), 1),
    **dict.fromkeys(("s", "sec", "second", "seconds", "sekunde", "sekunden", "seconde", "secondes", "segundos"), 1e3),
    **dict.fromkeys(("min", "minute", "minutes"), 6e4),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of quantity: its units, the range that makes sense, the words that may follow, what to type instead."""

    what: str
    units: Mapping[str, float]
    least: float
    most: float
    tail: str
    example: str


_COUNT = _Kind(
    what="number of parameters",
    units=_COUNT_UNITS,
    least=1,
    most=1e13,
    tail=r"(?:params?|param[e\u00e8\u00e9]t(?:er|re)s?|parametern?|par\u00e1metros|weights|target)",
    example="25M or 1.3B",
)
_SIZE = _Kind(
    what="memory size",
    units=_SIZE_UNITS,
    least=1e6,
    most=1e14,
    tail=r"(?:of |v?ram|gpu|memory|\s)+",
    example="6GB or 500MB",
)
_TIME = _Kind(
    what="duration",
    units=_TIME_UNITS,
    least=1e-3,
    most=3.6e6,
    tail=r"(?:latency|per token)",
    example="100ms, 0.5s or real-time",
)


def parse_count(text: str) -> int:
    """Read a number of parameters: "25M", "1.3B", "25 million params", "24929609".

    Raises:
        UsageError: The text is no such number, is zero or negative, or is no whole number; it says what to type.
    """
    value = _parsed(text, _COUNT)
    if abs(value - round(value)) > 1e-9 * value:
        raise UsageError(f"{_shown(text)} is not a whole number of parameters; type e.g. {_COUNT.example}")
    return round(value)


def parse_size(text: str) -> int:
    """Read a memory size in bytes: "6GB", "6 GiB VRAM", "500MB".

    Raises:
        UsageError: The text is no size, is zero or negative, or has no unit; it says what to type.
    """
    return round(_parsed(text, _SIZE))


def parse_duration(text: str) -> float:
    """Read a duration in milliseconds: "100ms", "0.5 s", "< 100 ms", "28ms latency", "real-time".

    Raises:
        UsageError: The text is no duration, is zero or negative, or has no unit; it says what to type.
    """
    if re.fullmatch(r"\s*real[\s-]?time\s*", text, re.IGNORECASE):
        return REAL_TIME_MS
    return _parsed(text, _TIME)


def spell_count(count: int) -> str:
    """Write a count the short way if nothing is lost by it: 25000000 as "25M", 24929609 in full."""
    return _spelled(count, {"B": 10**9, "M": 10**6, "K": 10**3}) or str(count)


def spell_size(size: int) -> str:
    """Write a size the short way if nothing is lost by it: 6000000000 as "6GB", 6442450944 as "6GiB"."""
    units = {"GB": 10**9, "GiB": 2**30, "MB": 10**6, "MiB": 2**20}
    return _spelled(size, units) or f"{size / 10**6:.6f}".rstrip("0").rstrip(".") + "MB"


def spell_duration(duration_ms: float) -> str:
    """Write a duration in milliseconds, "100ms"."""
    return f"{duration_ms!r}".removesuffix(".0") + "ms"


def _parsed(text: str, kind: _Kind) -> float:
    shown = _shown(text)
    if re.match(rf"\s*{LIMIT}?\s*[-\u2212]\s*[\d.]", text, re.IGNORECASE):
        raise UsageError(f"{shown} is negative; a {kind.what} is more than zero, e.g. {kind.example}")
    pattern = rf"\s*{LIMIT}?\s*({NUMBER})[\s-]*?(|{'|'.join(filter(None, kind.units))})\.?[\s-]*(?:{kind.tail})?\s*"
    match = re.fullmatch(pattern, text, re.IGNORECASE) if len(text) <= _LONGEST else None
    unit = match[2].lower() if match else ""
    if match is None or unit not in kind.units:
        hint = " (the unit is missing)" if match else ""
        raise UsageError(f"{shown} is not a {kind.what}{hint}; type e.g. {kind.example}")
    return _in_range(_number(match[1]) * kind.units[unit], shown, kind)


def _in_range(value: float, shown: str, kind: _Kind) -> float:
    if value == 0:
        raise UsageError(f"{shown} is zero; a {kind.what} is more than zero, e.g. {kind.example}")
    if not math.isfinite(value) or not kind.least <= value <= kind.most:
        raise UsageError(f"{shown} makes no sense as a {kind.what} of a network; type e.g. {kind.example}")
    return value


def _number(digits: str) -> float:
    """Read 25,000,000 and 25 000 000 as thousands, 1,3 as a decimal comma."""
    if re.fullmatch(THOUSANDS, digits):
        return float(re.sub(r"[^\d.]", "", digits))
    return float(digits.replace(",", "."))


def _spelled(value: int, units: Mapping[str, int]) -> str:
    for unit, factor in units.items():
        if value >= factor and value * 100 % factor == 0:  # at most two decimals, exactly
            return f"{value / factor:.2f}".rstrip("0").rstrip(".") + unit
    return ""


def _shown(text: str, most: int = 40) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= most else f"{line[: most - 3]}...")
