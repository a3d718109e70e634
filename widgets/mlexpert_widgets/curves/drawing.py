"""Pictures of runs: what is drawn of each metric, and the tables of its figures and verdicts beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mlexpert_widgets.curves.levels import kept
from mlexpert_widgets.curves.names import base, is_validation
from mlexpert_widgets.curves.recorder import Points
from mlexpert_widgets.curves.smoothing import smoothed
from mlexpert_widgets.curves.verdicts import Verdict
from mlexpert_widgets.live.chart import Line, Mark, figure, line_chart
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.live.series import Floats, extremes

MOST_LINES = 100  # of a picture that is to stay small
MOST_POINTS = 3600  # of all its lines
MOST_ROWS = 30  # of a table
MOST_SENTENCES = 8
MOST_MARKS = 4  # of a chart: more would hide each other
Epochs = Sequence[tuple[float, float]]


class Curve(NamedTuple):
    """One metric of one run; `sign` is 1 where more of it is better, -1 where less is, 0 where nobody said."""

    run: int
    metric: str
    points: Points
    sign: int = 0
    thinned: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """How curves are drawn.

    Attributes:
        runs: Names of the runs.
        epochs: Step and number of each epoch that has ended, for each run.
        axis: Horizontal axis: "step", "epoch" or "time".
        smoothing: Weight of the past in the smoothed line, 0 for none.
        log_scale: Whether the vertical axis is logarithmic.
    """

    runs: Sequence[str]
    epochs: Sequence[Epochs]
    axis: str = "step"
    smoothing: float = 0.0
    log_scale: bool = False

    @property
    def drawn(self) -> str:
        """The axis that can be drawn: steps, where a run knows of no epochs."""
        return "step" if self.axis == "epoch" and not all(self.epochs) else self.axis

    @property
    def x_label(self) -> str:
        """What stands at the horizontal axis."""
        return "seconds" if self.axis == "time" else self.drawn


class Chart(NamedTuple):
    """What is drawn of one metric."""

    title: str
    lines: list[Line]
    marks: list[Mark]


def charts(curves: Sequence[Curve], verdicts: Sequence[tuple[str, Verdict]], look: Look) -> tuple[list[Chart], int]:
    """Lay out a chart for each metric, training and validation together, and count those that are left out.

    Args:
        curves: What was logged.
        verdicts: What it says, with the name of the run.
        look: How it is drawn.
    """
    groups: dict[str, list[Curve]] = {}
    for each in sorted(curves, key=lambda curve: (curve.run, is_validation(curve.metric))):
        groups.setdefault(base(each.metric), []).append(each)
    names = [base(each.metric) for each in curves]
    shown: dict[str, list[Curve]] = {}
    lines = 0
    for name in sorted(groups, key=names.index):
        lines += len(groups[name])
        if not shown or lines <= MOST_LINES:
            shown[name] = groups[name]
    points = MOST_POINTS // max(1, min(lines, MOST_LINES))
    raw = look.smoothing > 0 and 2 * lines <= MOST_LINES
    made = [
        Chart(name, _lines(members, look, points, raw=raw), _marks(members, verdicts, look))
        for name, members in shown.items()
    ]
    return made, len(groups) - len(shown)


def picture(curves: Sequence[Curve], verdicts: Sequence[tuple[str, Verdict]], look: Look) -> Picture:
    """Draw every metric, and put the newest and best values and the verdicts into tables.

    Args:
        curves: What was logged.
        verdicts: What it says, with the name of the run.
        look: How it is drawn.
    """
    made, left_out = charts(curves, verdicts, look)
    svg = "".join(
        line_chart(each.lines, title=each.title, x_label=look.x_label, log_y=look.log_scale, marks=each.marks)
        for each in made
    )
    title = "Learning curves" if len(look.runs) == 1 else f"Learning curves of {len(look.runs)} runs"
    rows = [_row(look.runs[each.run], each) for each in curves]
    values = Table("Values", ("run", "metric", "newest", "best", "at step", "points"), _cut(rows))
    told = [(run, each.sentence, each.rule) for run, each in verdicts]
    return Picture(title, _sentences(curves, verdicts, look, left_out), svg, (values, Table(*_VERDICTS, _cut(told))))


def places(points: Points, axis: str, epochs: Epochs) -> Floats:
    """Give the horizontal places of a curve; an epoch that still runs goes on at the pace of the last.

    Args:
        points: The curve.
        axis: "step", "epoch" or "time".
        epochs: Step and number of each epoch that has ended.
    """
    if axis == "time":
        return points.time
    if axis != "epoch" or not epochs:
        return points.step
    ends = np.array(sorted({0.0: 0.0, **dict(epochs)}.items()))
    if len(ends) == 1:
        return points.step
    (step, number), (last_step, last) = ends[-2], ends[-1]
    pace = (last - number) / (last_step - step)
    running = np.maximum(0.0, points.step - last_step) * pace
    found: Floats = np.interp(points.step, ends[:, 0], ends[:, 1]) + running
    return found


_VERDICTS = ("Verdicts", ("run", "verdict", "rule"))


def _lines(members: Sequence[Curve], look: Look, points: int, *, raw: bool) -> list[Line]:
    many = len(look.runs) > 1
    lines = []
    for at, (run, metric, logged, *_) in enumerate(members):
        name, colour = (f"{look.runs[run]} {metric}", run) if many else (metric, at)
        xs, ys, now = places(logged, look.drawn, look.epochs[run]), logged.value, kept(logged.step)
        if look.drawn == "time":
            now[:] = True
        smooth = Line(name, xs[now], smoothed(ys[now], look.smoothing), is_validation(metric), colour=colour)
        behind = [replace(smooth, name="", xs=xs[~now], ys=ys[~now], faint=True)]  # what a restart has done again
        behind += [replace(smooth, name="", ys=ys[now], faint=True)] if raw else []
        lines += [_small(each, points) for each in (*behind, smooth) if len(each.xs)]
    return lines


def _small(line: Line, points: int) -> Line:
    chosen = extremes(np.asarray(line.ys), max(16, points))
    return replace(line, xs=np.asarray(line.xs)[chosen], ys=np.asarray(line.ys)[chosen])


def _marks(members: Sequence[Curve], verdicts: Sequence[tuple[str, Verdict]], look: Look) -> list[Mark]:
    """Mark where verdicts begin, in terms of the axis."""
    marks = []
    for run, verdict in verdicts:
        for each in members:
            if verdict.step is None or (look.runs[each.run], each.metric) != (run, verdict.metric):
                continue
            xs = places(each.points, look.drawn, look.epochs[each.run])
            at = int(np.argmax(kept(each.points.step) & (each.points.step >= verdict.step)))
            marks.append(Mark(float(xs[at]), f"{run}: {verdict.kind}" if len(look.runs) > 1 else verdict.kind))
    return marks[:MOST_MARKS]


def _row(run: str, curve: Curve) -> tuple[str, ...]:
    steps, _times, values = curve.points
    points = f"{len(values):,}{', thinned' if curve.thinned else ''}"
    newest = figure(float(values[-1])) if np.isfinite(values[-1]) else str(values[-1])
    finite = np.flatnonzero(np.isfinite(values))
    best, step = "", ""
    if len(finite) and curve.sign:
        at = finite[int(np.argmax(curve.sign * values[finite]))]
        best, step = figure(float(values[at])), f"{steps[at]:g}"
    return run, curve.metric, newest, best, step, points


def _cut(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    more = len(rows) - MOST_ROWS
    return (*rows[:MOST_ROWS], (f"… {more} more", *[""] * (len(rows[0]) - 1))) if more > 0 else tuple(rows)


def _sentences(curves: Sequence[Curve], verdicts: Sequence[tuple[str, Verdict]], look: Look, left_out: int) -> str:
    if not curves:
        return "Waiting for the first point."
    many = len(look.runs) > 1
    told = [f"{f'{run}: ' if many else ''}{each.sentence}." for run, each in verdicts]
    more = len(told) - MOST_SENTENCES
    if more > 0:
        told = [*told[:MOST_SENTENCES], f"{more} more verdicts are in the table."]
    if not told:
        points = sum(len(each.points.value) for each in curves)
        told = [f"{points:,} points of {len(curves)} curves; nothing to say of them yet."]
    return "\n".join([*told, f"{left_out} more metrics are not drawn here."] if left_out else told)
