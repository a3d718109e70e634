"""Durations and ratios as people read them."""

from math import isfinite

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-7, "µs"), (0.0, "ns"))  # from where on each reads best
SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


def duration(seconds: float) -> str:
    """Give a duration with three figures and its unit."""
    unit = unit_of(seconds)
    return f"{three(seconds / SECONDS[unit])} {unit}"


def unit_of(seconds: float) -> str:
    """Give the unit that a duration is best read in."""
    return next(unit for least, unit in UNITS if seconds >= least)


def three(value: float) -> str:
    """Give a number with three figures, and with all of those before the point."""
    if not isfinite(value):
        return str(value)
    digits = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - the places of decimal numbers
    return f"{value:,.{digits}f}"
