"""Durations as they are, up to a bound, and in a histogram from then on."""

from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlexpert_widgets.latency.histogram import RELATIVE_ERROR, LogHistogram, Nanoseconds


class Tally:
    """Durations in whole nanoseconds.

    Attributes:
        histogram: All of them, counted.
        samples: Each of them; None once there were more than `exact`.
        count: How many there are.
        total_ns: Their sum.
    """

    def __init__(self, exact: int) -> None:
        """Make one with nothing in it.

        Args:
            exact: Durations to keep as they are.
        """
        self.histogram, self.count, self.total_ns = LogHistogram(), 0, 0
        self.samples: array[int] | None = array("q")
        self._exact = exact

    @property
    def relative_error(self) -> float:
        """How far a percentile may be from the exact one, as a share of it."""
        return RELATIVE_ERROR if self.samples is None else 0.0

    def add(self, durations: Nanoseconds) -> None:
        """Take durations in."""
        self.histogram.add(durations)
        self.count += len(durations)
        self.total_ns += int(durations.sum())
        if self.samples is not None:
            self.samples.frombytes(durations.tobytes())
        self._bound()

    def merge(self, other: "Tally") -> None:
        """Take in all that another one holds."""
        self.histogram.merge(other.histogram)
        self.count += other.count
        self.total_ns += other.total_ns
        mine, more = self.samples, other.samples
        self.samples = mine + more if mine is not None and more is not None else None
        self._bound()

    def order(self) -> Callable[[int], float]:
        """Give what gives the duration in seconds of a rank, counted from 1 at the shortest."""
        if self.samples is None:
            return lambda rank: self.histogram.order(rank) / 1e9
        ordered = np.sort(np.asarray(self.samples))
        return lambda rank: float(ordered[rank - 1]) / 1e9

    def values(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the durations in seconds, ascending, and how often each occurs."""
        if self.samples is None:
            return self.histogram.values()
        values, counts = np.unique(np.asarray(self.samples, dtype=np.int64), return_counts=True)
        return values / 1e9, counts

    def _bound(self) -> None:
        if self.samples is not None and len(self.samples) > self._exact:
            self.samples = None
