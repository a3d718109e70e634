"""A report as a picture: the distributions, the first calls, and the tables behind them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlexpert_widgets.latency.bins import binned, bins
from mlexpert_widgets.latency.kineto import OpTable
from mlexpert_widgets.latency.modules import ModuleTime
from mlexpert_widgets.latency.recorder import SHARES, LatencyRecorder
from mlexpert_widgets.latency.report import Report, interval
from mlexpert_widgets.latency.words import SECONDS, duration, unit_of
from mlexpert_widgets.live.chart import Line, Mark, histogram, line_chart
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.share_bar import share_colours


def picture(report: Report | None, title: str) -> Picture:
    """Give a report as a picture.

    Args:
        report: None if nothing has been measured yet.
        title: What is shown.
    """
    if report is None:
        return Picture(title, "Not measured yet; show it, or call run().", "")
    edges, unit = scale(report)
    scaled = (edges / SECONDS[unit]).tolist()
    counts = {each.name: binned(each, edges).tolist() for each in report.recorders}
    marks = [Mark(value / SECONDS[unit], name) for name, value in marked(report.recorders)]
    charts = [histogram(scaled, counts, title="Distribution", x_label=f"{unit} a call", marks=marks)]
    charts.append(_first_calls(report))
    tables = (_percentiles(report.recorders), module_table(report.modules), op_table(report.ops))
    return Picture(title, "\n".join(report.sentences), "".join(charts), tables)


def plot(report: Report | None) -> Plot:
    """Give the distributions as a matplotlib figure."""
    made = Plot()
    axis = made.subplots()
    if report is None:
        axis.set(title="Not measured yet")
        return made
    edges, unit = scale(report)
    for each, colour in zip(report.recorders, share_colours(2), strict=False):
        axis.stairs(binned(each, edges), edges / SECONDS[unit], fill=True, color=colour, alpha=0.35, label=each.name)
    for row, (name, value) in enumerate(marked(report.recorders)):
        place = (value / SECONDS[unit], 0.99 - 0.08 * row)
        axis.axvline(place[0], color="0.4", ls="--", lw=1)
        axis.annotate(f" {name}", place, xycoords=("data", "axes fraction"), fontsize=8, va="top")
    axis.set(xscale="log", xlabel=f"{unit} a call", ylabel="calls")
    axis.xaxis.set_major_formatter(_figure)
    axis.xaxis.set_minor_formatter(_figure)
    axis.legend(fontsize=8)
    return made


def scale(report: Report) -> tuple[NDArray[np.float64], str]:
    """Give edges of bins in seconds, and the unit to read them in."""
    edges = bins(report.recorders)
    return edges, unit_of(report.recorders[0].p50)


def marked(recorders: Sequence[LatencyRecorder]) -> list[tuple[str, float]]:
    """Give what to mark on a distribution: the percentiles of one, the medians of two."""
    if len(recorders) == 1:
        return [(each.name, each.value) for each in map(recorders[0].quantile, SHARES)]
    return [(f"p50 {each.name}", each.p50) for each in recorders]


def module_table(modules: Sequence[ModuleTime]) -> Table:
    """Give the time by module."""
    rows = tuple(
        (each.path or "(whole model)", each.kind, str(each.calls), duration(each.total_s), duration(each.self_s))
        for each in modules
    )
    return Table("Time by module, of one call", ("module", "class", "runs", "total", "own"), rows)


def op_table(ops: OpTable) -> Table:
    """Give the time by op, of one call."""
    rows = tuple(
        (
            each.name,
            f"{each.count / ops.num_calls:g}",
            duration(each.total_us / 1e6 / ops.num_calls),
            duration(each.self_us / 1e6 / ops.num_calls),
        )
        for each in ops.rows
    )
    return Table("Time by op, of one call under the profiler", ("op", "runs", "total", "own"), rows)


def _figure(value: float, _at: float) -> str:
    """Give a number as it is, where matplotlib would give a power of ten."""
    return f"{value:g}"


def _percentiles(recorders: Sequence[LatencyRecorder]) -> Table:
    rows = []
    for each in recorders:
        rows += [
            (each.name, found.name, duration(found.value), interval(found)) for found in map(each.quantile, SHARES)
        ]
        rows.append((each.name, "mean", duration(each.mean), ""))
    return Table("Percentiles", ("of", "", "time", "95 % interval"), tuple(rows))


def _first_calls(report: Report) -> str:
    unit = SECONDS[unit_of(report.recorders[0].p50)]
    shown = report.times[:, : 4 * report.warm.dropped + 40] / unit
    numbers = list(range(1, shown.shape[1] + 1))
    lines = [Line(name, numbers, row.tolist()) for name, row in zip(report.names, shown, strict=True)]
    marks = [Mark(report.warm.dropped + 0.5, "warm-up ends")] if report.warm.dropped else []
    return line_chart(lines, title="First calls", x_label="call", log_y=True, marks=marks)
