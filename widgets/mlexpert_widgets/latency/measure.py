"""Calls timed one by one; two or more take turns in a random order, so that nothing favours one of them."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlexpert_widgets.latency.clock import Clock
from mlexpert_widgets.latency.subject import Subject

TICK_S = 0.25  # between two looks at what is there


@dataclass(frozen=True, slots=True)
class Limits:
    """When to end.

    Attributes:
        seconds: Time to spend, after the first call, which may have much to prepare.
        num_calls: Calls of each; None for as many as there is time for.
    """

    seconds: float
    num_calls: int | None

    def __post_init__(self) -> None:
        """Refuse what measures nothing."""
        if not 0 < self.seconds < float("inf"):
            raise ValueError(f"measure for a number of seconds above 0, not {self.seconds}")
        if self.num_calls is not None and self.num_calls < 1:
            raise ValueError(f"measure at least 1 call, not {self.num_calls}")


class Times:
    """Durations of calls in seconds, a row for each subject, rounds in their order.

    Attributes:
        interrupted: Whether the user ended it.
    """

    def __init__(self, count: int) -> None:
        """Make one for so many subjects."""
        self.interrupted = False
        self._rows: list[list[float]] = [[] for _ in range(count)]

    def __len__(self) -> int:
        return len(self._rows[-1])  # the row that is written last, so that each round counted is whole

    def add(self, durations: Sequence[float]) -> None:
        """Add one round."""
        for row, each in zip(self._rows, durations, strict=True):
            row.append(each)

    def rows(self) -> NDArray[np.float64]:
        """Give all that is there."""
        count = len(self)
        return np.array([row[:count] for row in self._rows])


def measure(
    subjects: Sequence[Subject], clock: Clock, limits: Limits, *, tick: Callable[[Times, float], bool]
) -> Times:
    """Time calls until a limit is reached, `tick` says so or the user interrupts; whole rounds count.

    Args:
        subjects: What to call, in turns.
        clock: Of their device.
        limits: When to end.
        tick: Told a few times a second, between calls, what is there and which share of the limit is reached; gives
            whether to go on.

    Raises:
        KeyboardInterrupt: The user interrupts before the first round has ended.
    """
    times = Times(len(subjects))
    try:
        with ExitStack() as stack:
            for each in subjects:
                stack.enter_context(each.ready())
            _rounds(subjects, clock, limits, times=times, tick=tick)
    except KeyboardInterrupt:
        if not len(times):
            raise
        times.interrupted = True
    return times


def _rounds(
    subjects: Sequence[Subject], clock: Clock, limits: Limits, *, times: Times, tick: Callable[[Times, float], bool]
) -> None:
    order, durations = list(range(len(subjects))), [0.0] * len(subjects)
    shuffle = random.Random(0).shuffle  # noqa: S311 - turns, not secrets
    start = ticked = 0.0
    most = limits.num_calls or float("inf")
    while True:
        if len(order) > 1:
            shuffle(order)
        for at in order:
            durations[at] = clock.time(subjects[at].call)
        times.add(durations)
        now = time.perf_counter()
        if len(times) == 1:
            start = now
        reached = max((now - start) / limits.seconds, len(times) / most)
        if reached >= 1:
            return
        if now - ticked >= TICK_S:
            if not tick(times, reached):
                return
            ticked = time.perf_counter()
