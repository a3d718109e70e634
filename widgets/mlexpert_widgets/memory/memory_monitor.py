"""The view of memory: what is in use now, the most there was, whose it is, and why a source is missing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import traitlets

from mlexpert_widgets.live.chart import Line, line_chart
from mlexpert_widgets.live.feed import Feed
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.series import Series
from mlexpert_widgets.live.view import View, bundle, style
from mlexpert_widgets.memory.sampler import MemorySampler
from mlexpert_widgets.memory.words import size
from mlexpert_widgets.share_bar import share_colours

if TYPE_CHECKING:
    from torch import nn

MODULES = 30  # in a table
STEPS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class MemoryMonitor(View):
    """Memory over time, live, from every source that this machine has.

        monitor = MemoryMonitor(model=model)
        display(monitor)
        train()
        monitor.stop()

    Attributes:
        limits: Bytes that there are in all, by series.
        sentences: What is missing, and why.
        modules: Path and bytes of the modules that added most in one call.
        running: Whether it reads.
    """

    _esm = bundle("memory_monitor")
    _css = style("bundles/uplot.css", "memory/memory_monitor.css")
    limits = traitlets.Dict().tag(sync=True)
    sentences = traitlets.List(traitlets.Unicode()).tag(sync=True)
    modules: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    running = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self, sampler: MemorySampler | None = None, *, model: "nn.Module | None" = None, hz: float = 10.0
    ) -> None:
        """Begin to read.

        Args:
            sampler: Where the readings come from; a new one if None.
            model: Its modules' peaks are counted, by hooks, until `stop`.
            hz: Readings a second of a new sampler.
        """
        self._sampler = MemorySampler(hz) if sampler is None else sampler
        super().__init__()
        self._feed = Feed(self, self)
        if model is not None:
            self._sampler.watch(model)
        self._sampler.start()
        self.running = True
        self.live()

    @property
    def sampler(self) -> MemorySampler:
        """Where the readings come from."""
        return self._sampler

    def series(self) -> list[Series]:
        """Give what was read."""
        return self._sampler.series()

    def flush(self) -> None:
        """Send what is new."""
        if self._feed.flush():
            self.changed()
            self._tell()
        super().flush()

    def _tell(self) -> None:
        values = {
            "limits": dict(self._sampler.limits),
            "sentences": self._sampler.sentences(),
            "modules": [list(each) for each in self._ranked()],
        }
        with self.hold_sync():
            for name, value in values.items():
                self.set_trait(name, value)

    def said(self, kind: str) -> None:
        """Hear the browser: everything again, pause, or go on."""
        if kind == "resend":
            self._feed.resend()
        elif kind == "pause":
            self._sampler.stop()
            self.running = False
        elif kind == "go":
            self._sampler.start()
            self.running = True

    def stop(self) -> None:
        """End the reading and freeze."""
        self._sampler.stop()
        self.running = False
        self._feed.flush(last=True)
        self._tell()
        super().stop()

    def close(self) -> None:
        """End the reading, freeze, and take the view away."""
        self._sampler.stop()
        super().close()

    def picture(self) -> Picture:
        """Give the chart, the newest and greatest values, and the modules that added most."""
        series = [each for each in self.series() if len(each)]
        unit, name = _unit(max((float(each.value.max()) for each in series), default=0.0))
        lines = [Line(each.name, each.time, each.value / unit) for each in series]
        svg = line_chart(lines, title=f"Memory in {name}", x_label="seconds")
        rows = tuple(self._row(each) for each in series)
        modules = Table(
            "Modules", ("module", "added in one call"), tuple((p or "(model)", size(b)) for p, b in self._ranked())
        )
        table = Table("Memory", ("series", "newest", "peak", "in all"), rows)
        told = [f"{row[0]}: {row[1]}, peak {row[2]}{f' of {row[3]}' if row[3] else ''}." for row in rows]
        return Picture("Memory", "\n".join([*told, *self._sampler.sentences()]), svg, (table, modules))

    def plot(self) -> Plot:
        """Draw the readings with matplotlib."""
        made = Plot()
        axis = made.subplots()
        series = [each for each in self.series() if len(each)]
        unit, name = _unit(max((float(each.value.max()) for each in series), default=0.0))
        for at, each in enumerate(series):
            axis.plot(each.time, each.value / unit, label=each.name, color=share_colours(8)[at % 8], lw=1.4)
        axis.set(xlabel="seconds", ylabel=name, title="Memory")
        if series:
            axis.legend(fontsize=8)
        return made

    @property
    def module_peaks(self) -> Mapping[str, int]:
        """The most bytes that one call of each module added, by its path."""
        return self._sampler.module_peaks

    def _ranked(self) -> list[tuple[str, int]]:
        return sorted(self._sampler.module_peaks.items(), key=lambda each: -each[1])[:MODULES]

    def _row(self, series: Series) -> tuple[str, str, str, str]:
        limit = self._sampler.limits.get(series.name)
        newest, peak = size(float(series.value[-1])), size(float(series.value.max()))
        return (series.name, newest, peak, size(limit) if limit else "")


def _unit(largest: float) -> tuple[int, str]:
    return next((step for step in STEPS if largest >= step[0]), (1, "bytes"))
