"""The view of learning curves: every run and metric as it comes, with what the curves say beside them."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from mlexpert_widgets.curves.recorder import Recorder
from mlexpert_widgets.curves.smoothing import smoothed
from mlexpert_widgets.curves.verdicts import Verdict, base, is_validation, judge, rises
from mlexpert_widgets.live.chart import Line, Mark, figure, line_chart
from mlexpert_widgets.live.feed import Feed
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.series import Floats, Series
from mlexpert_widgets.live.view import View, bundle, style
from mlexpert_widgets.share_bar import share_colours

AXES = ("step", "epoch", "time")
JUDGE_PERIOD_S = 2.0
CHARTS = 6  # in a picture that is to stay small


class LearningCurves(View):
    """Curves of one run or several, live while they are logged.

        curves = LearningCurves()
        display(curves)
        for step in range(num_steps):
            curves.log(step, loss=loss)
            if curves.stopped:
                break

    Attributes:
        smoothing: Weight of the past in the smoothed line, 0 for none; the browser's slider starts there.
        log_scale: Whether the vertical axis starts logarithmic.
        axis: What the horizontal axis starts with: "step", "epoch" or "time".
        names: Names of the runs.
        lines: Run and metric of each series that the browser gets, in its order.
        epochs: Step and number of each epoch that has ended, for each run.
        verdicts: What the curves say.
        stopping: Whether Stop was pressed; ask `stopped` instead.
    """

    _esm = bundle("learning_curves")
    _css = style("bundles/uplot.css", "curves/learning_curves.css")
    smoothing = traitlets.Float().tag(sync=True)
    log_scale = traitlets.Bool(default_value=False).tag(sync=True)
    axis = traitlets.Enum(AXES, "step").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    lines: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    epochs: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    verdicts = traitlets.List(traitlets.Dict()).tag(sync=True)
    stopping = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self,
        *runs: Recorder | Mapping[str, Recorder],
        metrics: Sequence[str] = (),
        smoothing: float = 0.0,
        log_scale: bool = False,
        x: str = "step",
    ) -> None:
        """Show runs; with none given there is a new one, and `log` writes into it.

        Args:
            runs: Recorders, or mappings from names to recorders.
            metrics: Metrics to show; all if empty. A name also brings its validation twin.
            smoothing: Weight of the past in the smoothed line, 0 to below 1.
            log_scale: Whether the vertical axis is logarithmic.
            x: Horizontal axis: "step", "epoch" or "time".

        Raises:
            TypeError: A run is not a recorder.
            ValueError: The smoothing or the axis is not one of those.
        """
        self._runs = _named(runs) or {"run": Recorder()}
        self._metrics = frozenset(map(base, metrics))
        self._series: list[tuple[int, Series]] = []
        self._stop, self._judged_at = threading.Event(), 0.0
        self._found: tuple[tuple[str, Verdict], ...] = ()
        smoothed(np.zeros(1), smoothing)  # says what is wrong with it
        if x not in AXES:
            raise ValueError(f"no axis {x!r}; there are: {', '.join(AXES)}")
        super().__init__(smoothing=smoothing, log_scale=log_scale, axis=x, names=list(self._runs))
        self._feed = Feed(self, self)
        self.live()

    @property
    def recorder(self) -> Recorder:
        """The newest run, which `log` writes into."""
        return list(self._runs.values())[-1]

    @property
    def stopped(self) -> bool:
        """Whether Stop was pressed; may be asked at every step."""
        return self._stop.is_set()

    def log(self, step: float, **metrics: object) -> None:
        """Put numbers aside; see `Recorder.log`."""
        self.recorder.log(step, **metrics)

    def bind(self, *names: str) -> Callable[..., None]:
        """Give a faster `log`; see `Recorder.bind`."""
        return self.recorder.bind(*names)

    def epoch(self, number: float) -> None:
        """Say which epoch has ended."""
        self.recorder.epoch(number)

    def series(self) -> list[Series]:
        """Give every series that is shown; new ones at the end."""
        known = {id(each) for _, each in self._series}
        for run, recorder in enumerate(self._runs.values()):
            for each in recorder.series():
                if id(each) not in known and (not self._metrics or base(each.name) in self._metrics):
                    self._series.append((run, each))
        if len(self.lines) != len(self._series):
            self.lines = [[run, each.name, is_validation(each.name), base(each.name)] for run, each in self._series]
        return [each for _, each in self._series]

    def flush(self) -> None:
        """Send what is new, and judge it now and then."""
        self._bring()
        super().flush()

    def _bring(self, *, last: bool = False) -> None:
        if not self._feed.flush(last=last) and not last:
            return
        self.changed()
        self.epochs = [[list(each) for each in recorder.epochs] for recorder in self._runs.values()]
        if last or time.monotonic() - self._judged_at > JUDGE_PERIOD_S:
            self._judge()

    def _judge(self) -> None:
        self._judged_at = time.monotonic()
        found = []
        for run, name in enumerate(self._runs):
            curves = {each.name: (each.step, each.value) for at, each in self._series if at == run}
            found += [(name, verdict) for verdict in judge(curves)]
        self._found = tuple(found)
        self.verdicts = [
            {
                "run": name,
                "kind": each.kind,
                "metric": each.metric,
                "base": base(each.metric),
                "sentence": each.sentence,
                "rule": each.rule,
                "step": each.step,
            }
            for name, each in found
        ]

    def said(self, kind: str) -> None:
        """Hear the browser: everything again, or Stop."""
        if kind == "resend":
            self._feed.resend()
        elif kind == "stop":
            self._stop.set()
            self.stopping = True

    def picture(self) -> Picture:
        """Give a chart of each metric, the newest and the best values, and what the curves say."""
        self.series()
        self._judge()
        groups = self._groups()
        charts = [self._chart(name, members) for name, members in list(groups.items())[:CHARTS]]
        title = "Learning curves" if len(self._runs) == 1 else f"Learning curves of {len(self._runs)} runs"
        rows = tuple(self._row(run, each) for run, each in self._series if len(each))
        table = Table("Values", ("run", "metric", "newest", "best", "at step", "points"), rows)
        rules = Table("Verdicts", ("run", "verdict", "rule"), tuple((n, v.sentence, v.rule) for n, v in self._found))
        return Picture(title, self._sentences(groups), "".join(charts), (table, rules))

    def plot(self) -> Plot:
        """Draw each metric with matplotlib."""
        groups = self._groups()
        made = Plot(7.2, 2.8 * max(1, len(groups)))
        axes = made.subplots(max(1, len(groups)), squeeze=False)[:, 0]
        for axis, (name, members) in zip(axes, groups.items(), strict=False):
            for line in self._lines_of(members):
                colour = share_colours(8)[(line.colour or 0) % 8]
                style = {"ls": "--" if line.dashed else "-", "alpha": 0.3 if line.faint else 1, "color": colour}
                axis.plot(line.xs, line.ys, label=line.name or None, lw=1.4, **style)
            axis.set(title=name, xlabel=self._x_label(), yscale="log" if self.log_scale else "linear")
            axis.legend(fontsize=8)
        return made

    def stop(self) -> None:
        """Send what is left and freeze."""
        self._bring(last=True)
        super().stop()

    def _sentences(self, groups: Mapping[str, object]) -> str:
        if not groups:
            return "Waiting for the first point."
        told = [f"{f'{name}: ' if len(self._runs) > 1 else ''}{each.sentence}." for name, each in self._found]
        points = sum(len(each) for _, each in self._series)
        return "\n".join(told) or f"{points:,} points of {len(groups)} metrics; too little to judge the curves."

    def _groups(self) -> dict[str, list[tuple[int, Series]]]:
        self.series()
        groups: dict[str, list[tuple[int, Series]]] = {}
        for run, each in self._series:
            if len(each):
                groups.setdefault(base(each.name), []).append((run, each))
        return groups

    def _chart(self, name: str, members: Sequence[tuple[int, Series]]) -> str:
        marks = [
            Mark(each.step, each.kind)
            for _, each in self._found
            if each.step is not None and base(each.metric) == name and self.axis == "step" and each.kind != "healthy"
        ]
        return line_chart(
            self._lines_of(members), title=name, x_label=self._x_label(), log_y=self.log_scale, marks=marks
        )

    def _lines_of(self, members: Sequence[tuple[int, Series]]) -> list[Line]:
        many = len(self._runs) > 1
        names = list(self._runs)
        lines = []
        for at, (run, each) in enumerate(members):
            name = f"{names[run]} {each.name}" if many else each.name
            colour = run if many else at
            xs, ys, dashed = self._xs(run, each), each.value, is_validation(each.name)
            if self.smoothing:
                lines.append(Line("", xs, ys, dashed=dashed, faint=True, colour=colour))
                ys = smoothed(ys, self.smoothing)
            lines.append(Line(name, xs, ys, dashed=dashed, colour=colour))
        return lines

    def _xs(self, run: int, series: Series) -> Floats:
        if self.axis == "time":
            found: Floats = series.time
        elif self.axis == "epoch" and self.recorder.epochs:
            ends = np.array([(0.0, 0.0), *list(self._runs.values())[run].epochs])
            found = np.interp(series.step, ends[:, 0], ends[:, 1])
        else:
            found = series.step
        return found

    def _x_label(self) -> str:
        return "seconds" if self.axis == "time" else self.axis

    def _row(self, run: int, series: Series) -> tuple[str, ...]:
        finite = np.flatnonzero(np.isfinite(series.value))
        newest = figure(float(series.value[-1])) if np.isfinite(series.value[-1]) else str(series.value[-1])
        if not len(finite):
            return (list(self._runs)[run], series.name, newest, "", "", f"{len(series):,}")
        values = series.value[finite]
        best = finite[int(np.argmax(values) if rises(series.name) else np.argmin(values))]
        told = figure(float(series.value[best])), f"{series.step[best]:g}"
        return (list(self._runs)[run], series.name, newest, *told, f"{len(series):,}")

    def __repr__(self) -> str:
        return f"LearningCurves({', '.join(self._runs)})"


def _named(runs: Sequence[Recorder | Mapping[str, Recorder]]) -> dict[str, Recorder]:
    """Give every run a name of its own."""
    pairs: list[tuple[str, Recorder]] = []
    for each in runs:
        pairs += list(each.items()) if isinstance(each, Mapping) else [(getattr(each, "name", ""), each)]
    named: dict[str, Recorder] = {}
    for name, run in pairs:
        if not isinstance(run, Recorder):
            raise TypeError(f"a run is a Recorder, not {type(run).__name__}; log into one: Recorder('{name or 'run'}')")
        number = 2
        free = name
        while free in named:
            free, number = f"{name} {number}", number + 1
        named[free] = run
    return named
