"""What can be said about durations without an idea of their distribution: quantiles, and when a level is reached."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log, log1p

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CONFIDENCE = 0.95
WINDOW = 5  # calls whose median stands for the level at a place
SLOWER = 1.1  # a call this much above the level may belong to the warm-up
NARROW = 0.05  # of the level: differences below are none
_SIGMAS = 12  # of a binomial distribution, beyond which there is nothing


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile with its interval.

    Attributes:
        share: Which quantile, 0 to 1.
        value: Its value.
        low: Lower end of the interval; None if there are too few samples for one.
        high: Upper end of the interval; None if there are too few samples for one.
        needed: Samples from which on there is an interval.
    """

    share: float
    value: float
    low: float | None
    high: float | None
    needed: int

    @property
    def name(self) -> str:
        """What it is called: p50, p99."""
        return f"p{100 * self.share:g}"


def quantile(order: Callable[[int], float], count: int, share: float) -> Quantile:
    """Give a quantile of samples with a 95 % interval from order statistics, which holds for any distribution.

    Args:
        order: Gives the sample of a rank, counted from 1.
        count: Samples there are; at least 1.
        share: Which quantile, above 0 and below 1.
    """
    low, high = ranks(count, share)
    value = order(min(count, max(1, ceil(share * count))))
    return Quantile(share, value, order(low) if low else None, order(high) if high else None, needed(share))


def ranks(count: int, share: float) -> tuple[int | None, int | None]:
    """Give the ranks that enclose a quantile with 95 %; None for an end that the samples do not reach.

    Of `count` independent samples the number below the quantile is binomial, whatever their distribution.
    """
    first, below = _below(count, share)
    tail = (1 - CONFIDENCE) / 2
    low = first + int(np.searchsorted(below, tail, side="right"))  # P(number below < low) <= tail
    high = first + int(np.searchsorted(below, 1 - tail)) + 1
    return (low if low >= 1 else None), (high if high <= count else None)


def needed(share: float) -> int:
    """Give how many samples an interval of a quantile takes: enough that both ends lie within them."""
    return ceil(log((1 - CONFIDENCE) / 2) / log(max(share, 1 - share)))


def _below(count: int, share: float) -> tuple[int, Floats]:
    """Give the cumulated binomial distribution, from the number on where it begins to be more than nothing."""
    mean, spread = count * share, _SIGMAS * (count * share * (1 - share)) ** 0.5 + _SIGMAS
    first, last = max(0, int(mean - spread)), min(count, int(mean + spread))
    numbers = np.arange(first, last)
    steps = np.log(count - numbers) - np.log(numbers + 1.0) + log(share) - log1p(-share)
    weights = np.concatenate(([0.0], np.cumsum(steps)))
    chances = np.exp(weights - weights.max())
    found: Floats = np.cumsum(chances) / chances.sum()
    return first, found


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How many of the first calls are left out.

    Attributes:
        dropped: Calls before the level was reached.
        settled: Whether a level was reached within the first half, and kept in the second. If none was reached, the
            first half is left out.
    """

    dropped: int
    settled: bool


def warm_up(times: Floats) -> WarmUp:
    """Find the first call from which on the times keep the level of the second half.

    The level is reached where five medians of five calls in a row lie within what such medians differ by in the second
    half; a first call that alone is far above it is left out too.

    Args:
        times: Durations of the calls, in their order.
    """
    count = len(times)
    if count < 2:  # noqa: PLR2004 - there is nothing to compare with
        return WarmUp(0, settled=True)
    logs = np.log(np.maximum(times, 1e-12))
    half = count // 2
    level = float(np.median(logs[half:]))
    start = _reached(logs, level, half) if count >= 4 * WINDOW else 0
    if start is None:
        return WarmUp(half, settled=False)
    limit = level + max(log(SLOWER), 4 * 1.4826 * float(np.median(np.abs(logs[half:] - level))))
    while start < half and logs[start] > limit:
        start += 1
    return WarmUp(start, settled=not _drifts(logs[half:]))


def _drifts(logs: Floats) -> bool:
    """Tell whether one half has another level than the other: by a tenth, and by more than chance."""
    middle = len(logs) // 2
    if middle < WINDOW:
        return False
    first, last = logs[:middle], logs[middle:]
    spread = 1.4826 * float(np.median(np.abs(first - np.median(first))))
    away = abs(float(np.median(first) - np.median(last)))
    return bool(away > max(log(SLOWER), 6 * spread / middle**0.5))


def _reached(logs: Floats, level: float, half: int) -> int | None:
    medians = np.median(np.lib.stride_tricks.sliding_window_view(logs, WINDOW), axis=1)
    away = np.abs(medians - level)
    inside = away <= max(NARROW, 1.5 * float(np.quantile(away[half:], 0.95)) if len(away) > half else NARROW)
    starts = np.flatnonzero(np.lib.stride_tricks.sliding_window_view(inside, WINDOW).all(axis=1))
    return int(starts[0]) if len(starts) and starts[0] < half else None
