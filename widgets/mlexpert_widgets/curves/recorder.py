"""What a training loop logs: a step and some numbers, put aside with no thread and no file.

`log` only puts its arguments aside; they become points when somebody reads them. A tensor is detached at once, so that
it keeps no graph alive, and read or copied, so that a sum that goes on in place does not change it; one on a GPU is
not waited for, and all that wait are fetched together.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Self

import numpy as np

from mlexpert_widgets.curves.names import base, is_validation
from mlexpert_widgets.curves.values import fetched, taken
from mlexpert_widgets.curves.verdicts import BETTER, Verdict, judge
from mlexpert_widgets.live.chart import Line, figure, line_chart
from mlexpert_widgets.live.series import CAPACITY, Floats, Series

MOST_WAITING = 8192  # logged values that wait to become points

Values = Mapping[str, object] | tuple[object, ...]  # the second with the names beside it
Entry = tuple[float, float, Values, tuple[str, ...]]  # step, moment, values, their names
Columns = tuple[tuple[float, ...], ...]  # steps, times, values


class Points(NamedTuple):
    """Points of one metric, in the order in which they were logged."""

    step: Floats
    time: Floats
    value: Floats


class Recorder:
    """Metrics of one run, as series of points.

    Attributes:
        name: What the run is called in a legend.
        better: "up", "down" or "" (not to be judged) for metrics whose name does not say which way is better.
    """

    def __init__(self, name: str = "run", *, capacity: int = CAPACITY, better: Mapping[str, str] | None = None) -> None:
        """Make a recorder with nothing in it.

        Args:
            name: What the run is called in a legend.
            capacity: Points of one metric to hold; beyond it the older half is thinned, and every extreme kept.
            better: "up", "down" or "" (not to be judged) for metrics whose name does not say which way is better.

        Raises:
            ValueError: The capacity is too small to thin, or what is better is not one of those.
        """
        Series("", capacity=capacity)  # says what is wrong with it
        for metric, way in (better or {}).items():
            if way not in BETTER:
                raise ValueError(f"{metric} is better {way!r}; say 'up', 'down', or '' not to judge it")
        self.name, self.better, self._capacity = name, dict(better or {}), capacity
        self._waiting: list[Entry] = []
        self._series: dict[str, Series] = {}
        self._lock, self._start = threading.Lock(), perf_counter()
        self._epochs: list[tuple[float, float]] = []

    def log(self, step: float, **metrics: object) -> None:
        """Put numbers aside.

        Args:
            step: Step or epoch that they belong to.
            metrics: Names and values: numbers, or tensors and arrays of one element. Names such as "val/loss" can be
                given as `**{"val/loss": x}`.

        Raises:
            TypeError: A value is not one number; it names the metric, and nothing of the call is kept.
        """
        for name, value in metrics.items():
            if type(value) is not float and type(value) is not int:
                metrics[name] = taken(name, value)
        if type(step) is not int and type(step) is not float:
            step = float(taken("step", step))
        waiting = self._waiting
        waiting.append((step, perf_counter(), metrics, ()))
        if len(waiting) > MOST_WAITING:
            self.drain()

    def bind(self, *names: str) -> Callable[..., None]:
        """Give a faster `log` for metrics that always come together: `put(step, loss, acc)`.

        Args:
            names: Metrics, in the order of the values.

        Raises:
            ValueError: There are no names, or one twice.
        """
        if not names or len(set(names)) < len(names):
            raise ValueError(f"bind needs different names, not {list(names)}; for example bind('loss', 'acc')")
        append, now, waiting, count = self._waiting.append, perf_counter, self._waiting, len(names)

        def put(step: float, *values: object) -> None:
            if len(values) != count or (type(step) is not int and type(step) is not float):
                step, values = _checked(step, names, values)
            for value in values:
                if type(value) is not float and type(value) is not int:
                    step, values = _checked(step, names, values)
                    break
            append((step, now(), values, names))
            if len(waiting) > MOST_WAITING:
                self.drain()

        return put

    def epoch(self, number: float, *, step: float | None = None) -> None:
        """Say which epoch has ended, for the epoch axis.

        Args:
            number: Epochs that are through, counted from 1.
            step: Step that it ended with; the newest one if None.
        """
        if step is None:
            newest = max(self.points().values(), key=lambda each: each.time[-1], default=None)
            step = 0.0 if newest is None else float(newest.step[-1])
        self._epochs.append((float(step), float(number)))

    @property
    def epochs(self) -> tuple[tuple[float, float], ...]:
        """Step and number of each epoch that has ended."""
        return tuple(self._epochs)

    def drain(self) -> None:
        """Turn what waits into points; every reader does it."""
        with self._lock:
            waiting = self._waiting[:]
            del self._waiting[: len(waiting)]  # what others append meanwhile stays
            for name, parts in _columns(waiting, self._start).items():
                points = parts[0]
                if len(parts) > 1:  # logged beside different others
                    merged = sorted((point for part in parts for point in zip(*part, strict=True)), key=itemgetter(1))
                    points = tuple(zip(*merged, strict=True))
                self._of(name).put(*points)

    def series(self) -> Sequence[Series]:
        """Give every metric, in the order of its first point."""
        self.drain()
        return list(self._series.values())

    def points(self) -> dict[str, Points]:
        """Give a copy of every metric as it is at one moment, also while others log."""
        self.drain()
        with self._lock:
            return {each.name: _copied(each) for each in self._series.values()}

    def thinned(self, metric: str) -> bool:
        """Tell whether some points of a metric, between its extremes, were dropped to stay within the capacity."""
        return self._series[metric].thinned

    def history(self, metric: str) -> tuple[Floats, Floats]:
        """Give steps and values of a metric.

        Raises:
            KeyError: Nothing was logged under that name; it lists the names.
        """
        self.drain()
        if metric not in self._series:
            raise KeyError(f"no metric {metric!r} in {self.name!r}; there are: {', '.join(self._series) or 'none yet'}")
        with self._lock:
            copied = _copied(self._series[metric])
        return copied.step, copied.value

    def lightning(self) -> Any:
        """Give a callback for Lightning's `Trainer(callbacks=[...])`."""
        from mlexpert_widgets.curves.callbacks import lightning  # noqa: PLC0415 - for those who train with it

        return lightning.callback(self)

    def fabric(self) -> Any:
        """Give a logger for Lightning's `Fabric(loggers=...)`."""
        from mlexpert_widgets.curves.callbacks import lightning  # noqa: PLC0415 - for those who train with it

        return lightning.logger(self)

    def transformers(self) -> Any:
        """Give a callback for transformers' `Trainer(callbacks=[...])`."""
        from mlexpert_widgets.curves.callbacks import transformers  # noqa: PLC0415 - for those who train with it

        return transformers.callback(self)

    def keras(self, *, batches: bool = False) -> Any:
        """Give an object with `on_epoch_end(epoch, logs)` and the other moments of Keras."""
        from mlexpert_widgets.curves.callbacks.keras import KerasCurves  # noqa: PLC0415 - for those who train with it

        return KerasCurves(self, batches=batches)

    def verdicts(self) -> tuple[Verdict, ...]:
        """Judge the curves, the worst first; nothing while there is too little to judge."""
        return judge({name: (each.step, each.value) for name, each in self.points().items()}, self.better)

    def text(self) -> str:
        """Give newest, least and greatest value of each metric, and what the curves say."""
        rows = [_row(name, each.value) for name, each in self.points().items()]
        return "\n".join((self.name, *rows, *(each.sentence for each in self.verdicts())))

    def to_svg(self, metric: str = "") -> str:
        """Draw one metric, training and validation together.

        Args:
            metric: Any of the two; the first that was logged if empty.

        Raises:
            KeyError: Nothing was logged under that name.
        """
        points = self.points()
        shown = metric or next(iter(points), "")
        self.history(shown)  # says what there is
        lines = [
            Line(name, each.step, each.value, dashed=is_validation(name))
            for name, each in points.items()
            if base(name) == base(shown)
        ]
        return line_chart(lines, title=base(shown), x_label="step")

    def to_json(self) -> str:
        """Give everything as JSON; what is no number is a word: "nan", "inf" or "-inf"."""
        metrics = {
            name: {
                "step": each.step.tolist(),
                "time": each.time.tolist(),
                "value": [value if np.isfinite(value) else str(value) for value in each.value.tolist()],
                "thinned": self._series[name].generation,
            }
            for name, each in self.points().items()
        }
        return json.dumps({"name": self.name, "better": self.better, "epochs": self._epochs, "metrics": metrics})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` has given; what is logged later comes behind it.

        Raises:
            ValueError: It is something else.
        """
        try:
            told: dict[str, Any] = json.loads(text)
            made = cls(str(told["name"]), better=told["better"])
            made._epochs = [(float(step), float(number)) for step, number in told["epochs"]]
            for name, points in told["metrics"].items():
                made._of(name).extend(points["step"], points["time"], [float(each) for each in points["value"]])
                made._of(name).generation += points["thinned"]
                made._start = min(made._start, perf_counter() - points["time"][-1])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ValueError(f"this is not a saved recorder ({error}); give what Recorder.to_json() gave") from None
        return made

    def save(self, path: str | Path) -> None:
        """Write everything into a file, to compare with later runs."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` has written.

        Raises:
            ValueError: The file holds something else.
        """
        return cls.from_json(Path(path).read_text("utf-8"))

    def _of(self, name: str) -> Series:
        if name not in self._series:
            self._series[name] = Series(name, capacity=self._capacity)
        return self._series[name]

    def __repr__(self) -> str:
        return f"Recorder({self.name!r}: {', '.join(self._series) or 'nothing yet'})"


def _checked(step: Any, names: tuple[str, ...], values: tuple[object, ...]) -> tuple[float, tuple[object, ...]]:
    """Take what a bound `log` got that is not all plain numbers."""
    if len(values) != len(names):
        raise TypeError(
            f"{', '.join(names)} at step {step} got {len(values)} values; give one for each of {len(names)}"
        )
    return float(taken("step", step)), tuple(map(taken, names, values))


def _columns(waiting: Sequence[Entry], start: float) -> dict[str, list[Columns]]:
    """Give the points of each metric, apart for each set of metrics that were logged together.

    It is called a few times a second between two steps of somebody else: what is not in the processor's cache then,
    such as each function of numpy, costs more than a loop.
    """
    together: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for entry in waiting:
        together[entry[3] or tuple(entry[2])].append(entry)  # type: ignore[arg-type]  # a mapping comes without names
    columns: dict[str, list[Columns]] = defaultdict(list)
    for names, entries in together.items():
        steps, moments, values, _names = zip(*entries, strict=True)
        times = tuple([each - start for each in moments])
        rows = (each if type(each) is tuple else each.values() for each in values)
        for name, column in zip(names, zip(*rows, strict=True), strict=False):  # a call may log no metric at all
            columns[name].append((steps, times, fetched(column)))
    return columns


def _copied(series: Series) -> Points:
    return Points(series.step.copy(), series.time.copy(), series.value.copy())


def _row(name: str, values: Floats) -> str:
    finite = values[np.isfinite(values)]
    spread = f"least {figure(finite.min())}, greatest {figure(finite.max())}, " if len(finite) else ""
    return f"{name:<20} {values[-1]:>12.5g}   {spread}{len(values):,} points"
