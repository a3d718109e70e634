"""What was found out about a call, as plain data and as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlexpert_widgets.latency.comparison import Comparison, compared
from mlexpert_widgets.latency.kineto import NO_OPS, OpTable
from mlexpert_widgets.latency.modules import ModuleTime
from mlexpert_widgets.latency.recorder import RESOLVED_S, SHARES, LatencyRecorder
from mlexpert_widgets.latency.statistics import Quantile, WarmUp, warm_up
from mlexpert_widgets.latency.words import duration

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Report:
    """What is known about one call, or about two.

    Attributes:
        names: Of what was called.
        times: Seconds of every call, a row each, the warm-up among them.
        warm: How many of the first calls count as warm-up.
        recorders: The calls after the warm-up.
        comparison: Of the two; None if there is one.
        ops: Time by op of the first.
        modules: Time by module of the first.
        bound: What bounds the first, in a sentence; empty if that does not show.
    """

    names: tuple[str, ...]
    times: Floats
    warm: WarmUp
    recorders: tuple[LatencyRecorder, ...]
    comparison: Comparison | None = None
    ops: OpTable = NO_OPS
    modules: tuple[ModuleTime, ...] = ()
    bound: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What there is to say, the most important first."""
        told = [f"{self.comparison.sentence}."] if self.comparison else []
        told += [_percentiles(each) for each in self.recorders]
        told += [self.warm_up, self.bound, _heaviest(self.modules)]
        return tuple(each for each in told if each)

    @property
    def warm_up(self) -> str:
        """What became of the first calls."""
        total = self.times.shape[1]
        first = "the first call was" if self.warm.dropped == 1 else f"the first {self.warm.dropped:,} calls were"
        left = f"Warm-up: {first} left out of {total:,}." if self.warm.dropped else f"No warm-up in {total:,} calls."
        return left if self.warm.settled else f"{left} The times have not settled: measure for longer, or more quietly."


def of_times(names: Sequence[str], times: Floats, *, compare: bool = True) -> Report:
    """Make a report of timed calls.

    Args:
        names: Of what was called, one a row.
        times: Seconds, a row each, in the order of the calls; at least one call.
        compare: Whether to compare two, which takes a moment.
    """
    found = [warm_up(row) for row in times]
    warm = WarmUp(max(each.dropped for each in found), all(each.settled for each in found))
    recorders = []
    for name, row in zip(names, times, strict=True):
        recorder = LatencyRecorder(name)
        recorder.extend(row[warm.dropped :])
        recorders.append(recorder)
    comparison = None
    if compare and len(names) == 2:  # noqa: PLR2004 - one against another
        first, second = zip(names, times[:, warm.dropped :], strict=True)
        comparison = compared(first, second)
    return Report(tuple(names), times, warm, tuple(recorders), comparison)


def interval(found: Quantile) -> str:
    """Give the interval of a quantile in words."""
    if found.low is None or found.high is None:
        return f"{found.needed} calls for an interval"
    return f"{duration(found.low)} to {duration(found.high)}"


def _percentiles(recorder: LatencyRecorder) -> str:
    if not recorder.resolved:
        return f"{recorder.name}: cannot resolve; a clock around each call tells nothing below {duration(RESOLVED_S)}."
    found = [f"{each.name} {duration(each.value)} ({interval(each)})" for each in map(recorder.quantile, SHARES)]
    return f"{recorder.name}: {', '.join(found)}; {recorder.count:,} calls."


def _heaviest(modules: Sequence[ModuleTime]) -> str:
    whole = next((each.total_s for each in modules if not each.path), 0.0)
    inner = [each for each in modules if each.path]
    if not inner or not whole:
        return ""
    most = max(inner, key=lambda each: each.self_s)
    return f"Most time of its own: {most.path} ({most.kind}), {100 * most.self_s / whole:.0f} % of a call."
