"""One growing series of points: step, time and value, bounded by thinning that keeps every extreme."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CAPACITY = 1 << 20  # points; 24 MB
_FIRST = 256  # points that a new series has room for


class Cut(NamedTuple):
    """Points as the browser reads them, in float32: all steps, then all times, then all values."""

    generation: int
    start: int
    length: int
    data: bytes


class Series:
    """Points of one quantity, oldest first.

    When `capacity` is reached, the older half is thinned: of four points the least and the greatest stay, so that a
    spike is never lost. `generation` counts those moments, since they move the points that came before.

    Attributes:
        name: What the points measure ("val/loss").
        unit: Unit of the values; empty if they have none.
        generation: How often points have been thinned.
    """

    def __init__(self, name: str, unit: str = "", *, capacity: int = CAPACITY) -> None:
        """Make an empty series.

        Args:
            name: What the points measure.
            unit: Unit of the values.
            capacity: Points to hold before the older half is thinned; at least 16.

        Raises:
            ValueError: The capacity is below 16.
        """
        if capacity < 16:  # noqa: PLR2004 - below that a half has no groups of four
            raise ValueError(f"a series holds at least 16 points, not {capacity}")
        self.name, self.unit, self.generation = name, unit, 0
        self._capacity, self._count, self._lock = capacity, 0, threading.RLock()
        self._points: NDArray[np.float64] = np.empty((3, min(_FIRST, capacity)))

    def __len__(self) -> int:
        return self._count

    @property
    def thinned(self) -> bool:
        """Whether some points between the extremes were dropped."""
        return self.generation > 0

    @property
    def step(self) -> Floats:
        """Steps, a view."""
        return self._points[0, : self._count]

    @property
    def time(self) -> Floats:
        """Seconds since the recording began, a view."""
        return self._points[1, : self._count]

    @property
    def value(self) -> Floats:
        """Values, a view."""
        return self._points[2, : self._count]

    def append(self, step: float, time: float, value: float) -> None:
        """Add one point."""
        self.extend((step,), (time,), (value,))

    def extend(self, steps: Sequence[float], times: Sequence[float], values: Sequence[float]) -> None:
        """Add points; the three sequences have one length."""
        block = np.array((steps, times, values), dtype=np.float64)
        with self._lock:
            while block.shape[1]:
                if self._count == self._points.shape[1]:
                    self._make_room(block.shape[1])
                taken = min(block.shape[1], self._points.shape[1] - self._count)
                self._points[:, self._count : self._count + taken] = block[:, :taken]
                self._count += taken
                block = block[:, taken:]

    def cut(self, start: int, generation: int, limit: int) -> Cut:
        """Give the points that a reader lacks.

        Args:
            start: Points that the reader has.
            generation: The generation that they are of; of another one the reader has nothing.
            limit: Points to give at most.
        """
        with self._lock:
            start = start if generation == self.generation else 0
            stop = min(self._count, start + limit)
            return Cut(self.generation, start, stop - start, _packed(self._points[:, start:stop]))

    def decimated(self, limit: int) -> Cut:
        """Give at most `limit` points that have the first, the last and the extremes of all."""
        with self._lock:
            chosen = extremes(self.value, limit)
            return Cut(self.generation, 0, len(chosen), _packed(self._points[:, chosen]))

    def _make_room(self, wanted: int) -> None:
        size = self._points.shape[1]
        if size == self._capacity:
            self._thin()
            return
        grown = np.empty((3, min(self._capacity, max(2 * size, size + wanted))))
        grown[:, :size] = self._points
        self._points = grown

    def _thin(self) -> None:
        half = self._count // 2
        kept = extremes(self.value[:half], half // 2)
        rest = self._points[:, half : self._count].copy()
        self._points[:, : len(kept)] = self._points[:, kept]
        self._points[:, len(kept) : len(kept) + rest.shape[1]] = rest
        self._count = len(kept) + rest.shape[1]
        self.generation += 1


def _packed(points: Floats) -> bytes:
    return points.astype("<f4").tobytes()


def extremes(values: Floats, limit: int) -> NDArray[np.intp]:
    """Choose at most `limit` indices, in order: of each bucket the least and the greatest, and one that is no number.

    The first and the last point are among them. A bucket with nothing but NaN keeps one of them, so that a gap stays
    a gap.

    Args:
        values: What to choose from.
        limit: Indices to give at most; at least 4.
    """
    count = len(values)
    if count <= max(4, limit):
        return np.arange(count)
    missing = np.isnan(values)
    per_bucket = 3 if missing.any() else 2
    width = -(-count // max(1, (limit - 2) // per_bucket))
    full = count // width * width
    starts = np.arange(0, full, width)
    low = np.where(missing, np.inf, values)[:full].reshape(-1, width).argmin(1) + starts
    high = np.where(missing, -np.inf, values)[:full].reshape(-1, width).argmax(1) + starts
    gaps = missing[:full].reshape(-1, width)
    gap = (gaps.argmax(1) + starts)[gaps.any(1)]
    rest = full + extremes(values[full:], 4) if full < count - 1 else np.arange(0)
    return np.unique(np.concatenate(([0], low, high, gap, rest, [count - 1])))
