"""A report as the browser gets it: plain numbers in the units that it shows."""

from typing import Any

import numpy as np

from mlexpert_widgets.latency.bins import binned, bins
from mlexpert_widgets.latency.comparison import FEWEST, Comparison
from mlexpert_widgets.latency.recorder import SHARES, LatencyRecorder
from mlexpert_widgets.latency.report import Report
from mlexpert_widgets.live.series import extremes

STRIP_POINTS = 300


def told(report: Report) -> dict[str, Any]:
    """Give the values of the traits that show a report."""
    edges = bins(report.recorders)
    ops = report.ops
    calls = max(1, ops.num_calls)
    return {
        "edges": _micro(edges),
        "distributions": [_distribution(each, edges) for each in report.recorders],
        "strip": _strip(report),
        "comparison_told": _comparison(report.comparison),
        "module_rows": [
            [each.path, each.kind, each.calls, _rounded(1e3 * each.total_s), _rounded(1e3 * each.self_s)]
            for each in report.modules
        ],
        "op_rows": [
            [each.name, each.count / calls, _rounded(each.total_us / calls), _rounded(each.self_us / calls)]
            for each in ops.rows
        ],
        "sentences": list(report.sentences),
    }


def _distribution(recorder: LatencyRecorder, edges: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {
        "name": recorder.name,
        "count": recorder.count,
        "mean": _rounded(1e6 * recorder.mean),
        "longest": _rounded(1e6 * float(recorder.durations()[0][-1])),
        "resolved": recorder.resolved,
        "counts": binned(recorder, edges).tolist(),
        "quantiles": [
            {
                "name": each.name,
                "value": _rounded(1e6 * each.value),
                "low": None if each.low is None else _rounded(1e6 * each.low),
                "high": None if each.high is None else _rounded(1e6 * each.high),
                "needed": each.needed,
            }
            for each in map(recorder.quantile, SHARES)
        ],
    }


def _strip(report: Report) -> dict[str, Any]:
    """Give the first calls, those of the warm-up and some more; no extreme is lost."""
    first = report.times[:, : 4 * report.warm.dropped + 40]
    chosen = extremes(first[0], STRIP_POINTS)
    return {
        "numbers": (chosen + 1).tolist(),
        "times": [_micro(row[chosen]) for row in first],
        "dropped": report.warm.dropped,
        "shown": first.shape[1],
        "sentence": report.warm_up,
    }


def _comparison(found: Comparison | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "ratio": _rounded(found.ratio),
        "low": _rounded(found.low),
        "high": _rounded(found.high),
        "differ": found.differ,
        "enough": found.rounds >= FEWEST,
        "sentence": found.sentence,
    }


def _micro(seconds: np.ndarray[Any, Any]) -> list[float]:
    return [_rounded(each) for each in (1e6 * seconds).tolist()]


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
