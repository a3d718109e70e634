"""The view of learning curves: every run and metric as it comes, with what the curves say beside them."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from mlexpert_widgets.curves.drawing import Chart, Curve, Look, charts, picture
from mlexpert_widgets.curves.names import base, is_validation
from mlexpert_widgets.curves.recorder import Recorder
from mlexpert_widgets.curves.smoothing import smoothed
from mlexpert_widgets.curves.verdicts import KINDS, Verdict, judge, sign_of
from mlexpert_widgets.live.chart import axis as axis_of
from mlexpert_widgets.live.feed import Feed
from mlexpert_widgets.live.picture import Picture
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.series import Series
from mlexpert_widgets.live.view import View, bundle, style
from mlexpert_widgets.share_bar import share_colours

AXES = ("step", "epoch", "time")
JUDGE_PERIOD_S = 2.0  # at least
JUDGE_SHARE = 0.002  # of a core, at most, for judging


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
        lines: Of each series that the browser gets, in its order: run, metric, is it validation, name of both.
        epochs: Step and number of each epoch that has ended, for each run.
        verdicts: What the curves say, the worst first.
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
        self._lock = threading.RLock()  # the thread that sends and the end of a cell look at the same time
        self._series: list[tuple[int, Series]] = []
        self._stop, self._judge_at = threading.Event(), 0.0
        self._judged: dict[str, tuple[object, tuple[Verdict, ...]]] = {}
        smoothed(np.zeros(1), smoothing)  # says what is wrong with it
        if x not in AXES:
            raise ValueError(f"no axis {x!r}; there are: {', '.join(AXES)}")
        names = list(self._runs)
        super().__init__(smoothing=smoothing, log_scale=log_scale, axis=x, names=names, epochs=[[] for _ in names])
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

    def reset(self) -> None:
        """Make Stop ready to be pressed again."""
        self._stop.clear()
        self.stopping = False

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
        with self._lock:
            known = {id(each) for _, each in self._series}
            for run, recorder in enumerate(self._runs.values()):
                for each in recorder.series():
                    if id(each) not in known and self._shows(each.name):
                        self._series.append((run, each))
            if len(self.lines) != len(self._series):
                self.lines = [[run, each.name, is_validation(each.name), base(each.name)] for run, each in self._series]
            return [each for _, each in self._series]

    def flush(self) -> None:
        """Send what is new, and judge it now and then."""
        if self._feed.flush():
            self.changed()
            self._tell_epochs()
            if time.monotonic() >= self._judge_at:
                self._judge()
        super().flush()

    def stop(self) -> None:
        """Send what is left and freeze."""
        self._feed.flush(last=True)
        super().stop()

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
        self._tell_epochs()
        return picture(self._curves(), self._judge(), self._look())

    def plot(self) -> Plot:
        """Draw each metric with matplotlib."""
        look, (made, _left_out) = self._look(), self._drawn()
        figure = Plot(7.2, 2.8 * max(1, len(made)))
        axes = figure.subplots(max(1, len(made)), squeeze=False)[:, 0]
        for axis, chart in zip(axes, made, strict=False):
            for line in chart.lines:
                looks = {"ls": "--" if line.dashed else "-", "alpha": 0.35 if line.faint else 1, "lw": 1.4}
                axis.plot(line.xs, line.ys, label=line.name or None, color=_colour(line.colour), **looks)
            for mark in chart.marks:
                axis.axvline(mark.x, color="0.4", lw=1, ls=":")
                axis.annotate(mark.text, (mark.x, 1), xycoords=("data", "axes fraction"), fontsize=8, va="top")
            if look.log_scale:
                span = axis_of(np.concatenate([np.asarray(line.ys) for line in chart.lines]), 0, 1, log=True)
                axis.set_ylim(span.low / 1.1, span.high * 1.1)  # before the scale, which cannot find one for one value
                axis.set_yscale("log")
            axis.set(title=chart.title, xlabel=look.x_label)
            axis.legend(fontsize=7, ncols=-(-len(chart.lines) // 10)).set_in_layout(
                False
            )  # it may be taller than the axes
        return figure

    def _drawn(self) -> tuple[list[Chart], int]:
        return charts(self._curves(), self._judge(), self._look())

    def _shows(self, metric: str) -> bool:
        return not self._metrics or base(metric) in self._metrics

    def _curves(self) -> list[Curve]:
        return [
            Curve(run, name, points, sign_of(name, recorder.better), thinned=recorder.thinned(name))
            for run, recorder in enumerate(self._runs.values())
            for name, points in recorder.points().items()
            if self._shows(name)
        ]

    def _judge(self) -> list[tuple[str, Verdict]]:
        """Judge the runs that have changed, and tell the browser."""
        began = time.thread_time()
        with self._lock:
            for run, recorder in self._runs.items():
                state = [(each.generation, len(each)) for each in recorder.series()]
                if self._judged.get(run, (None,))[0] != state:
                    points = {name: each for name, each in recorder.points().items() if self._shows(name)}
                    pairs = {name: (each.step, each.value) for name, each in points.items()}
                    self._judged[run] = state, judge(pairs, recorder.better)
            found = [(run, verdict) for run in self._runs for verdict in self._judged[run][1]]
            found.sort(key=lambda each: KINDS.index(each[1].kind))
            self.verdicts = [_told(run, verdict) for run, verdict in found]
        wait_s = max(JUDGE_PERIOD_S, (time.thread_time() - began) / JUDGE_SHARE)
        self._judge_at = time.monotonic() + wait_s
        return found

    def _tell_epochs(self) -> None:
        self.epochs = [[list(each) for each in recorder.epochs] for recorder in self._runs.values()]

    def _look(self) -> Look:
        epochs = [recorder.epochs for recorder in self._runs.values()]
        return Look(list(self._runs), epochs, self.axis, smoothing=self.smoothing, log_scale=self.log_scale)

    def __repr__(self) -> str:
        return f"LearningCurves({', '.join(self._runs)})"


def _told(run: str, verdict: Verdict) -> dict[str, object]:
    return {
        "run": run,
        "kind": verdict.kind,
        "metric": verdict.metric,
        "base": base(verdict.metric),
        "sentence": verdict.sentence,
        "rule": verdict.rule,
        "step": verdict.step,
    }


def _colour(number: int | None) -> str:
    return share_colours(8)[(number or 0) % 8]


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
