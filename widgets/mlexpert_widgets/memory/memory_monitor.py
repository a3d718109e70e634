"""The view of memory: what is in use now, the most there was, whose it is, and why a source is missing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import traitlets

from mlexpert_widgets.live.amounts import amount, size
from mlexpert_widgets.live.feed import Feed
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.series import Series
from mlexpert_widgets.live.view import View, bundle, style
from mlexpert_widgets.memory.lanes import Lane, drawn, lane_of, lanes
from mlexpert_widgets.memory.sampler import MemorySampler, Row
from mlexpert_widgets.share_bar import share_colours

if TYPE_CHECKING:
    from torch import nn

    from mlexpert_widgets.memory.watch import Watch

MODULES = 30  # in a table
NO_MODULE = "(model)"


class MemoryMonitor(View):
    """Memory over time, live, from every source that this machine has.

        monitor = MemoryMonitor(model=model)
        display(monitor)
        train()
        monitor.stop()

    Attributes:
        facts: What there is to say of each series: name, unit, device, what it is of it, newest, peak, limit.
        sentences: What is missing, and why.
        modules: Path, most bytes and bytes left behind of the modules that took most in one call.
        running: Whether it reads.
    """

    _esm = bundle("memory_monitor")
    _css = style("bundles/uplot.css", "memory/memory_monitor.css")
    facts: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    sentences = traitlets.List(traitlets.Unicode()).tag(sync=True)
    modules: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    running = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self, sampler: MemorySampler | None = None, *, model: "nn.Module | None" = None, hz: float = 10.0
    ) -> None:
        """Begin to read.

        Args:
            sampler: Where the readings come from; a new one if None. One that runs already is left running at the end.
            model: What its modules take is counted, by hooks, until `stop`.
            hz: Readings a second of a new sampler.

        Raises:
            TypeError: The model is no torch module.
            ValueError: The rate is not above 0 and at most 100.
        """
        self._watch: Watch | None = None
        self._began = False
        super().__init__(title="Memory")
        self._feed = Feed(self, self)
        try:
            self._sampler = MemorySampler(hz) if sampler is None else sampler
            self._watch = None if model is None else self._sampler.watch(model)
        except (TypeError, ValueError):
            self.close()  # the widget is there already
            raise
        self._began = not self._sampler.running
        self._sampler.start()
        self.running = True
        self._tell()
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
        modules = [[path, most, self._sampler.module_added.get(path, 0)] for path, most in self._ranked()]
        values = {
            "facts": [_fact(row) for row in self._sampler.rows()],
            "sentences": self._sampler.sentences(),
            "modules": modules,
        }
        with self.hold_sync():
            for name, value in values.items():
                self.set_trait(name, value)

    def said(self, kind: str) -> None:
        """Hear the browser: everything again, pause, or go on."""
        if kind == "resend":
            self._feed.resend()
        elif kind == "pause":
            self._sampler.pause()  # the hooks stay: a model may be running on another thread
        elif kind == "go" and not self.closed:
            self._sampler.start()
        self.running = self._sampler.running

    def stop(self) -> None:
        """End the reading and freeze."""
        self._end()
        self._feed.flush(last=True)
        self._tell()
        super().stop()

    def close(self) -> None:
        """End the reading, freeze, and take the view away."""
        self._end()
        super().close()

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        if self._began:
            self._sampler.stop()
        self.running = False

    def picture(self) -> Picture:
        """Give a chart for each device, the newest and greatest values, and the modules that took most."""
        rows = self._sampler.rows()
        table = Table("Memory", ("series", "newest", "peak", "in all"), tuple(_texts(row) for row in rows))
        modules = tuple(
            (path or NO_MODULE, size(most), size(self._sampler.module_added.get(path, 0)))
            for path, most in self._ranked()
        )
        told = [
            f"{name}: {newest}, peak {peak}{f' of {limit}' if limit else ''}."
            for name, newest, peak, limit in table.rows
        ]
        if modules:
            told.append(f"Of the modules, {modules[0][0]} took most in one call: {modules[0][1]}.")
        summary = "\n".join([*told, *self._sampler.sentences()])
        by_module = Table("Modules, in one call", ("module", "most at once", "left behind"), modules)
        return Picture("Memory", summary, drawn(self._lanes()), (table, by_module))

    def plot(self) -> Plot:
        """Draw the readings with matplotlib, one chart a device."""
        found = self._lanes()
        made = Plot(7.2, 2.4 * max(1, len(found)))
        for at, lane in enumerate(found):
            step, name = lane.unit
            axis = made.add_subplot(len(found), 1, at + 1)
            for line, each in enumerate(lane.series):
                colour = share_colours(8)[line % 8]
                axis.plot(each.time, each.value / step, label=lane_of(each.name)[1], color=colour, lw=1.4)
            if lane.shown_limit:
                axis.axhline(lane.shown_limit / step, color="gray", ls="--", lw=1, label="all there is")
            axis.set(xlabel="seconds", ylabel=name, title=lane.name)
            axis.legend(fontsize=8)
        return made

    @property
    def module_peaks(self) -> Mapping[str, int]:
        """The most bytes that one call of each module took at any moment, by its path."""
        return self._sampler.module_peaks

    def _lanes(self) -> list[Lane]:
        return lanes(self.series(), self._sampler.rows())

    def _ranked(self) -> list[tuple[str, int]]:
        return sorted(self._sampler.module_peaks.items(), key=lambda each: -each[1])[:MODULES]


def _fact(row: Row) -> dict[str, Any]:
    device, of_it = lane_of(row.name)
    return {**row._asdict(), "device": device, "label": of_it}


def _texts(row: Row) -> tuple[str, str, str, str]:
    newest = "gone" if row.newest is None else amount(row.newest, row.unit)
    return (row.name, newest, amount(row.peak, row.unit), amount(row.limit, row.unit) if row.limit else "")
