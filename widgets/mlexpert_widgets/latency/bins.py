"""Bins for drawing durations: on a logarithmic axis, the same for all that are drawn together."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BINS = 64
LEAST_SPAN = 1.25  # of the longest to the shortest duration drawn, so that a steady call is no wall
FURTHEST = 4.0  # times the upper quartile is what is drawn at most, if the p99 does not lie beyond


class Durations(Protocol):
    """What can be drawn."""

    def durations(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give durations in seconds, ascending, and how often each occurs."""


def bins(drawn: Sequence[Durations]) -> NDArray[np.float64]:
    """Give the edges of the bins in seconds."""
    found = [each.durations() for each in drawn]
    values = [value for value, _ in found if len(value)]
    if not values:
        return np.geomspace(1e-6, 1e-3, BINS + 1)
    low = max(1e-9, min(float(each[0]) for each in values))
    usual = max(max(FURTHEST * _at(0.75, *each), 1.2 * _at(0.99, *each)) for each in found if len(each[0]))
    high = min(max(float(each[-1]) for each in values), usual)
    if high < LEAST_SPAN * low:
        middle = (low * high) ** 0.5
        low, high = middle / LEAST_SPAN**0.5, middle * LEAST_SPAN**0.5
    edges: NDArray[np.float64] = np.geomspace(low, high, BINS + 1)
    return edges


def binned(drawn: Durations, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count durations between edges; those beyond the last are in the last."""
    values, counts = drawn.durations()
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(at, counts, minlength=len(edges) - 1).astype(np.int64)


def _at(share: float, values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    below = np.cumsum(counts)
    return float(values[np.searchsorted(below, share * below[-1])])
