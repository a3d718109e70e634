"""A recorder of durations for any program: cheap to feed, fixed in size, and honest about what it can tell."""

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlexpert_widgets.latency.bins import binned, bins
from mlexpert_widgets.latency.histogram import Nanoseconds
from mlexpert_widgets.latency.statistics import Quantile, quantile
from mlexpert_widgets.latency.tally import Tally
from mlexpert_widgets.latency.words import duration
from mlexpert_widgets.live.chart import Mark, histogram

P = ParamSpec("P")
R = TypeVar("R")
RESOLVED_S = 0.5e-6  # below this the clock's own time, some 0.07 µs, is too much of it
SHARES = (0.5, 0.95, 0.99)
_FOLD = 4096  # durations put aside before they are counted
_LONGEST_S = 1e6


class LatencyRecorder:
    """Durations of one thing that happens many times.

        recorder = LatencyRecorder("forward")
        with recorder:
            model(x)
        print(recorder.text())

    Up to `exact` durations are kept as they are; from then on a histogram alone answers, to `relative_error`.
    `record` may be called from any thread, `with recorder:` in one.
    """

    def __init__(self, name: str = "calls", *, exact: int = 65_536) -> None:
        """Make one that has recorded nothing.

        Args:
            name: What is timed.
            exact: Durations to keep as they are; 0 for a histogram from the start.

        Raises:
            ValueError: The bound is negative.
        """
        if exact < 0:
            raise ValueError(f"a recorder keeps 0 or more exact durations, not {exact}")
        self.name = name
        self._lock, self._tally = threading.Lock(), Tally(exact)
        self._new: list[float] = []
        self._starts: list[int] = []

    def record(self, seconds: float) -> None:
        """Put one duration aside.

        Raises:
            ValueError: It is negative, infinite or no number.
        """
        if not 0 <= seconds < _LONGEST_S:
            raise ValueError(f"a duration is 0 to {_LONGEST_S:.0e} seconds, not {seconds}")
        self._new.append(seconds)
        if len(self._new) >= _FOLD:
            self._fold()

    def extend(self, seconds: NDArray[np.float64]) -> None:
        """Put many durations aside.

        Raises:
            ValueError: One is negative, infinite or no number.
        """
        wrong = seconds[~((seconds >= 0) & (seconds < _LONGEST_S))]
        if len(wrong):
            raise ValueError(f"a duration is 0 to {_LONGEST_S:.0e} seconds, not {wrong[0]}")
        with self._lock:
            self._tally.add(_whole(seconds))

    def time(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call something, put its duration aside, and give what it gives."""
        with self:
            return call(*args, **kwargs)

    def __enter__(self) -> Self:
        self._starts.append(time.perf_counter_ns())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end = time.perf_counter_ns()
        start = self._starts.pop()
        if kind is None:  # what failed took no time that compares
            self.record((end - start) / 1e9)

    def merge(self, other: "LatencyRecorder") -> None:
        """Take in all that another recorder, or one of another process, has recorded."""
        self.tally.merge(other.tally)

    @property
    def tally(self) -> Tally:
        """All that was recorded."""
        self._fold()
        return self._tally

    @property
    def count(self) -> int:
        """Durations recorded."""
        return self._tally.count + len(self._new)

    @property
    def mean(self) -> float:
        """Mean in seconds.

        Raises:
            ValueError: Nothing has been recorded.
        """
        return self._filled().total_ns / self._filled().count / 1e9

    @property
    def p50(self) -> float:
        """Median in seconds; `quantile` gives its interval."""
        return self.quantile(0.5).value

    @property
    def p95(self) -> float:
        """95th percentile in seconds; `quantile` gives its interval."""
        return self.quantile(0.95).value

    @property
    def p99(self) -> float:
        """99th percentile in seconds; `quantile` gives its interval."""
        return self.quantile(0.99).value

    @property
    def relative_error(self) -> float:
        """How far a percentile may be from the exact one, as a share of it; 0 while all durations are kept."""
        return self.tally.relative_error

    @property
    def resolved(self) -> bool:
        """Whether the median is long enough for a clock around each call."""
        return self.p50 >= RESOLVED_S

    def quantile(self, share: float) -> Quantile:
        """Give a percentile in seconds with its 95 % interval; the durations are taken to be independent.

        Args:
            share: Which one, above 0 and below 1.

        Raises:
            ValueError: The share is not between 0 and 1, or nothing has been recorded.
        """
        if not 0 < share < 1:
            raise ValueError(f"a quantile is above 0 and below 1, not {share}; the median is 0.5")
        found = self._filled()
        return quantile(found.order(), found.count, share)

    def text(self) -> str:
        """Give count, mean and percentiles with their intervals, and what cannot be told."""
        if not self.count:
            return f"{self.name}: nothing recorded yet"
        told = [_told(self.quantile(share)) for share in SHARES]
        lines = [f"{self.name}: {self.count:,} calls, mean {duration(self.mean)}", *(f"  {each}" for each in told)]
        if not self.resolved:
            lines.append(f"  cannot resolve: a clock around each call tells nothing below {duration(RESOLVED_S)}")
        if self.relative_error:
            lines.append(
                f"  percentiles to {100 * self.relative_error:.1f} %: more durations than are kept as they are"
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Give count, mean and percentiles as JSON, in seconds."""
        found = [self.quantile(share) for share in SHARES] if self.count else []
        return json.dumps(
            {
                "name": self.name,
                "count": self.count,
                "mean": self.mean if found else None,
                "relative_error": self.relative_error,
                "resolved": self.resolved if found else None,
                **{each.name: {"value": each.value, "low": each.low, "high": each.high} for each in found},
            },
            ensure_ascii=False,
        )

    def to_svg(self) -> str:
        """Draw the histogram with the percentiles."""
        edges = bins([self])
        marks = [Mark(each.value * 1e6, each.name) for each in map(self.quantile, SHARES)] if self.count else []
        counts = {self.name: binned(self, edges).tolist()}
        return histogram((edges * 1e6).tolist(), counts, title=self.name, x_label="µs a call", marks=marks)

    def durations(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the durations in seconds, ascending, and how often each occurs; to `relative_error`."""
        return self.tally.values()

    def _filled(self) -> Tally:
        if not self.count:
            raise ValueError(f"{self.name!r} has recorded nothing yet; use `with recorder:` around a call")
        return self.tally

    def _fold(self) -> None:
        """Count what was put aside, up to now: other threads may go on."""
        with self._lock:
            count = len(self._new)
            self._tally.add(_whole(np.array(self._new[:count], dtype=np.float64)))
            del self._new[:count]

    def __repr__(self) -> str:
        return f"LatencyRecorder({self.name!r}, {self.count:,} calls)"


def _whole(seconds: NDArray[np.float64]) -> Nanoseconds:
    return np.rint(seconds * 1e9).astype(np.int64)


def _told(found: Quantile) -> str:
    text = f"{found.name} {duration(found.value)}"
    if found.low is None or found.high is None:
        return f"{text} (no interval: it takes {found.needed} calls)"
    return f"{text} (95 %: {duration(found.low)} to {duration(found.high)})"
