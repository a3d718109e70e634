"""One growing series of points: step, time and value, bounded by thinning that keeps every extreme."""

import threading
from array import array
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CAPACITY = 1 << 20  # points; 24 MB
_FIRST = 256  # points that a new series has room for
_LATE = 2048  # points that are held as they came, at most


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
        self._late: list[tuple[tuple[float, ...], ...]] = []  # the last ones, which have room in the array
        self._late_count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def thinned(self) -> bool:
        """Whether some points between the extremes were dropped."""
        return self.generation > 0

    @property
    def step(self) -> Floats:
        """Steps, a view."""
        return self._written()[0, :]

    @property
    def time(self) -> Floats:
        """Seconds since the recording began, a view."""
        return self._written()[1, :]

    @property
    def value(self) -> Floats:
        """Values, a view."""
        return self._written()[2, :]

    def append(self, step: float, time: float, value: float) -> None:
        """Add one point."""
        self.extend((step,), (time,), (value,))

    def extend(self, steps: Sequence[float], times: Sequence[float], values: Sequence[float]) -> None:
        """Add points; the three sequences have one length."""
        block = np.array((steps, times, values), dtype=np.float64)
        with self._lock:
            self._written()
            while block.shape[1]:
                if self._count == self._points.shape[1]:
                    self._make_room(block.shape[1])
                taken = min(block.shape[1], self._points.shape[1] - self._count)
                self._points[:, self._count : self._count + taken] = block[:, :taken]
                self._count += taken
                block = block[:, taken:]

    def put(self, steps: tuple[float, ...], times: tuple[float, ...], values: tuple[float, ...]) -> None:
        """Add points as `extend` does, a few at a time and often.

        They are held as they came until somebody reads the array: what reads only the newest needs none of numpy,
        whose code has left the processor's cache when it is called a few times a second.
        """
        with self._lock:
            count = len(values)
            if self._late_count + count > _LATE or self._count + count > self._points.shape[1]:
                self.extend(steps, times, values)
            else:
                self._late.append((steps, times, values))
                self._late_count += count
                self._count += count

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
            written = self._count - self._late_count
            if start >= written:
                rows = (list(chain.from_iterable(each)) for each in zip(*self._late, strict=True))
                data = b"".join(array("f", row[start - written : stop - written]).tobytes() for row in rows)
            else:
                data = _packed(self._written()[:, start:stop])
            return Cut(self.generation, start, stop - start, data)

    def decimated(self, limit: int) -> Cut:
        """Give at most `limit` points that have the first, the last and the extremes of all."""
        with self._lock:
            chosen = extremes(self.value, limit)
            return Cut(self.generation, 0, len(chosen), _packed(self._points[:, chosen]))

    def _written(self) -> Floats:
        """Give all points, with the late ones written to their places."""
        with self._lock:
            end = self._count - self._late_count
            for each in self._late:
                self._points[:, end : end + len(each[0])] = each
                end += len(each[0])
            self._late, self._late_count = [], 0
            return self._points[:, : self._count]

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
    any_missing = bool(missing.any())
    width = -(-count // max(1, (limit - 2) // (3 if any_missing else 2)))
    full = count // width * width
    starts = np.arange(0, full, width)
    low_of, high_of = (np.where(missing, each, values) if any_missing else values for each in (np.inf, -np.inf))
    low = low_of[:full].reshape(-1, width).argmin(1) + starts
    high = high_of[:full].reshape(-1, width).argmax(1) + starts
    gaps = missing[:full].reshape(-1, width)
    gap = (gaps.argmax(1) + starts)[gaps.any(1)] if any_missing else starts[:0]
    rest = full + extremes(values[full:], 4) if full < count - 1 else starts[:0]
    found = np.sort(np.concatenate(([0], low, high, gap, rest, [count - 1])))
    return found[np.diff(found, prepend=-1) > 0]
