"""Durations counted in buckets whose width grows with the value: a fixed size, a stated error, and two add up.

The layout is that of an HDR histogram (Tene 2012): 64 buckets to every doubling, single nanoseconds below 128.
"""

import numpy as np
from numpy.typing import NDArray

Nanoseconds = NDArray[np.int64]
STEPS = 64  # buckets to a doubling
LONGEST_NS = (1 << 42) - 1  # 73 minutes; what takes longer is counted as that
RELATIVE_ERROR = 1 / (2 * STEPS)  # of a value that a bucket stands for
_SHIFTS = 42 - 7 + 1
_SIZE = STEPS * (_SHIFTS + 1)


class LogHistogram:
    """Counts of durations.

    Attributes:
        counts: How many durations fell into each bucket.
    """

    def __init__(self) -> None:
        """Make one with nothing in it."""
        self.counts: NDArray[np.int64] = np.zeros(_SIZE, dtype=np.int64)

    def add(self, durations: Nanoseconds) -> None:
        """Count durations in nanoseconds, none below zero."""
        self.counts += np.bincount(_buckets(durations), minlength=_SIZE)

    def merge(self, other: "LogHistogram") -> None:
        """Count all that another one has counted."""
        self.counts += other.counts

    def order(self, rank: int) -> float:
        """Give the duration in nanoseconds that is the `rank`-th shortest, counted from 1, to `RELATIVE_ERROR`."""
        return _middle(int(np.searchsorted(np.cumsum(self.counts), rank)))

    def values(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the durations in seconds that buckets with something in them stand for, and their counts."""
        filled = np.flatnonzero(self.counts)
        return np.array([_middle(int(each)) for each in filled]) / 1e9, self.counts[filled]


def _buckets(durations: Nanoseconds) -> Nanoseconds:
    bounded = np.minimum(durations, LONGEST_NS)
    length = np.frexp(bounded.astype(np.float64))[1].astype(np.int64)  # bits of the number
    shift: Nanoseconds = np.maximum(0, length - 7)
    return STEPS * shift + (bounded >> shift)


def _middle(bucket: int) -> float:
    shift = max(0, bucket // STEPS - 1)
    return float((bucket - STEPS * shift) << shift) + ((1 << shift) - 1) / 2
