"""What a training loop logs: a step and some numbers, in a microsecond, with no thread and no file.

`log` only puts its arguments aside; they become points when somebody reads them. A tensor is detached at once, so that
it keeps no graph alive, and copied, so that a sum that goes on in place does not change it; one on a GPU is not waited
for.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlexpert_widgets.live.chart import Line, line_chart
from mlexpert_widgets.live.series import CAPACITY, Floats, Series

MOST_WAITING = 8192  # logged values that wait to become points
EPOCH = "epoch"

Values = Mapping[str, object] | tuple[object, ...]  # the second with the names beside it


class Recorder:
    """Metrics of one run, as series of points.

    Attributes:
        name: What the run is called in a legend.
    """

    def __init__(self, name: str = "run", *, capacity: int = CAPACITY) -> None:
        """Make a recorder with nothing in it.

        Args:
            name: What the run is called in a legend.
            capacity: Points of one metric to hold; beyond it the older half is thinned, and every extreme kept.
        """
        self.name, self._capacity = name, capacity
        self._waiting: deque[tuple[float, float, Values, tuple[str, ...]]] = deque()
        self._series: dict[str, Series] = {}
        self._lock, self._start = threading.Lock(), time.perf_counter()
        self._epochs: list[tuple[float, float]] = []

    def log(self, step: float, **metrics: object) -> None:
        """Put numbers aside.

        Args:
            step: Step or epoch that they belong to.
            metrics: Names and values: numbers, or tensors and arrays of one element. Names such as "val/loss" can be
                given as `**{"val/loss": x}`.

        Raises:
            TypeError: A value is not one number; it names the metric. It comes from here for a tensor, and else from
                whoever reads the points first.
        """
        for name, value in metrics.items():
            if type(value) is not float and type(value) is not int:
                metrics[name] = _taken(name, value)
        self._waiting.append((step, time.perf_counter(), metrics, ()))
        if len(self._waiting) > MOST_WAITING:
            self.drain()

    def bind(self, *names: str) -> Callable[..., None]:
        """Give a faster `log` for metrics that always come together: `put(step, loss, acc)`, plain numbers only.

        Args:
            names: Metrics, in the order of the values.

        Raises:
            ValueError: There are no names, or one twice.
        """
        if not names or len(set(names)) < len(names):
            raise ValueError(f"bind needs different names, not {list(names)}; for example bind('loss', 'acc')")
        append, now, waiting = self._waiting.append, time.perf_counter, self._waiting

        def put(step: float, *values: float) -> None:
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
        self.drain()
        newest = max((float(each.step[-1]) for each in self._series.values() if len(each)), default=0.0)
        self._epochs.append((newest if step is None else step, number))

    @property
    def epochs(self) -> tuple[tuple[float, float], ...]:
        """Step and number of each epoch that has ended."""
        return tuple(self._epochs)

    def drain(self) -> None:
        """Turn what waits into points.

        Raises:
            TypeError: A value that was logged is not one number.
        """
        with self._lock:
            batches: dict[str, tuple[list[float], list[float], list[float]]] = {}
            refused = ""
            while self._waiting:
                step, moment, metrics, names = self._waiting.popleft()
                if names and len(names) != len(metrics):
                    refused = refused or f"{', '.join(names)} at step {step} got {len(metrics)} values"
                    continue
                pairs = zip(names, metrics, strict=True) if names else metrics.items()  # type: ignore[union-attr]  # a mapping comes without names
                for name, value in pairs:
                    try:
                        number = float(value)  # type: ignore[arg-type]  # what cannot be one is refused here
                    except (TypeError, ValueError, RuntimeError):
                        refused = refused or f"{name}={value!r} of step {step} is not one number"
                        continue
                    steps, times, values = batches.setdefault(name, ([], [], []))
                    steps.append(float(step))
                    times.append(moment - self._start)
                    values.append(number)
            for name, batch in batches.items():
                self._of(name).extend(*batch)
        if refused:
            raise TypeError(f"{refused}; log numbers, or tensors of one element (loss.mean())")

    def series(self) -> Sequence[Series]:
        """Give every metric, in the order of its first point."""
        self.drain()
        return list(self._series.values())

    def history(self, metric: str) -> tuple[Floats, Floats]:
        """Give steps and values of a metric.

        Raises:
            KeyError: Nothing was logged under that name; it lists the names.
        """
        self.drain()
        if metric not in self._series:
            raise KeyError(f"no metric {metric!r} in {self.name!r}; there are: {', '.join(self._series) or 'none yet'}")
        return self._series[metric].step, self._series[metric].value

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

    def text(self) -> str:
        """Give newest, least and greatest value of each metric."""
        rows = [
            f"{each.name:<20} {each.value[-1]:>12.5g}   least {np.nanmin(each.value):.5g}, "
            f"greatest {np.nanmax(each.value):.5g}, {len(each)} points"
            for each in self.series()
            if len(each) and not np.isnan(each.value).all()
        ]
        return "\n".join((self.name, *rows))

    def to_svg(self, metric: str) -> str:
        """Draw one metric.

        Raises:
            KeyError: Nothing was logged under that name.
        """
        steps, values = self.history(metric)
        return line_chart([Line(metric, steps.tolist(), values.tolist())], title=metric, x_label="step")

    def to_json(self) -> str:
        """Give everything as JSON; what is no number is null."""
        metrics = {
            each.name: {
                "step": each.step.tolist(),
                "time": each.time.tolist(),
                "value": [value if np.isfinite(value) else _word(value) for value in each.value.tolist()],
            }
            for each in self.series()
        }
        return json.dumps({"name": self.name, "epochs": self._epochs, "metrics": metrics})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` has given.

        Raises:
            ValueError: It is something else.
        """
        try:
            told: dict[str, Any] = json.loads(text)
            made = cls(str(told["name"]))
            made._epochs = [(float(step), float(number)) for step, number in told["epochs"]]
            for name, points in told["metrics"].items():
                made._of(name).extend(points["step"], points["time"], [float(each) for each in points["value"]])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
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


def _taken(name: str, value: object) -> object:
    """Take a value that is not a plain number so that it stays as it is now."""
    detach = getattr(value, "detach", None)
    if detach is None:
        return value
    tensor = detach()
    if tensor.numel() != 1:
        raise TypeError(f"{name} has shape {tuple(tensor.shape)}, not one number; log {name}.mean(), or its elements")
    return tensor.clone() if tensor.is_cuda else tensor.item()


def _word(value: float) -> str:
    return "nan" if np.isnan(value) else "inf" if value > 0 else "-inf"
