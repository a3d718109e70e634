"""The view of a latency: how long calls take while they are timed, then where the time goes."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import traitlets
from IPython.core.getipython import get_ipython

from mlexpert_widgets.latency import drawing
from mlexpert_widgets.latency.clock import Clock, clock_of
from mlexpert_widgets.latency.comparison import Comparison
from mlexpert_widgets.latency.detail import detailed
from mlexpert_widgets.latency.measure import Limits, Times, measure
from mlexpert_widgets.latency.recorder import LatencyRecorder
from mlexpert_widgets.latency.report import Report, of_times
from mlexpert_widgets.latency.roofline import Peak
from mlexpert_widgets.latency.subject import named_apart, subject
from mlexpert_widgets.latency.told import told
from mlexpert_widgets.live.picture import Picture
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.view import View, bundle, style

MOST_CALLS = 50_000  # enough for a p99, and quick to sum up


class LatencyProfile(View):
    """How long a function or module takes: percentiles, warm-up, time by module and by op, and what bounds it.

        LatencyProfile(model, x)                     # as the last line of a cell: measures while it is shown
        LatencyProfile(model, x).run().recorder.p50  # in a script
        LatencyProfile(model, x, against=compiled)   # which one is faster

    Nothing of the model is changed: buffers, gradients and the random state are put back, no hook stays.

    Attributes:
        phase: What is going on: "ready", "measuring", "looking" (where the time goes) or "done".
        progress: Share of the time to measure that is over.
        edges: Edges of the bins in µs.
        distributions: Counts and percentiles of each function, times in µs.
        strip: Times of single calls in µs, and how many of them are warm-up.
        comparison_told: The ratio of the medians with its interval and what that says; empty without a second function.
        module_rows: Path, class, runs, total and own ms of each module.
        op_rows: Name, runs, total and own µs of each op.
        sentences: What there is to say.
    """

    _esm = bundle("latency_profile")
    _css = style("latency/latency_profile.css")
    phase = traitlets.Unicode("ready").tag(sync=True)
    progress = traitlets.Float().tag(sync=True)
    edges = traitlets.List(traitlets.Float()).tag(sync=True)
    distributions = traitlets.List(traitlets.Dict()).tag(sync=True)
    strip = traitlets.Dict().tag(sync=True)
    comparison_told = traitlets.Dict().tag(sync=True)
    module_rows = traitlets.List(traitlets.List()).tag(sync=True)
    op_rows = traitlets.List(traitlets.List()).tag(sync=True)
    sentences = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        fn: Callable[..., object],
        inputs: object = None,
        *,
        against: Callable[..., object] | None = None,
        seconds: float = 2.0,
        grad: bool | None = None,
    ) -> None:
        """Say what to measure; it is measured when it is first shown, or by `run`.

        Args:
            fn: A function or a module.
            inputs: A tuple of arguments, a mapping of named ones, or one argument; None for none.
            against: Another function or module, which is called in turns with the first.
            seconds: Time to spend on timing.
            grad: Whether to record gradients; if None, a function does as it likes and a module records none.

        Raises:
            TypeError: One cannot be called.
            ValueError: They run on different devices, or there is no time.
        """
        called = [fn] if against is None else [fn, against]
        self._subjects = named_apart([subject(each, inputs, grad=grad) for each in called])
        self._limits = Limits(seconds, MOST_CALLS)
        self._stop = threading.Event()
        self._report: Report | None = None
        self._peak: Peak | None = None
        super().__init__(title=f"Latency of {' and '.join(each.name for each in self._subjects)}")

    @property
    def report(self) -> Report:
        """All that was found out.

        Raises:
            ValueError: Nothing has been measured yet.
        """
        if self._report is None:
            raise ValueError("nothing has been measured yet; show the profile, or call run()")
        return self._report

    @property
    def measured(self) -> bool:
        """Whether there is a report."""
        return self._report is not None

    @property
    def recorder(self) -> LatencyRecorder:
        """Times of the first function, after its warm-up."""
        return self.report.recorders[0]

    @property
    def comparison(self) -> Comparison | None:
        """Which is faster; None without a second function."""
        return self.report.comparison

    @property
    def module_latency(self) -> dict[str, float]:
        """Milliseconds of each module in one call, by its path as in `named_modules()`."""
        return {each.path: 1e3 * each.total_s for each in self.report.modules}

    def run(self, seconds: float | None = None, *, num_calls: int | None = None, detail: bool = True) -> Self:
        """Measure, anew if that was done before; an interrupt ends it and keeps what is there.

        Args:
            seconds: Time to spend on timing; as it was made with if None.
            num_calls: Calls to time at most.
            detail: Whether to find out where the time goes: by module, by op, and what bounds it.

        Raises:
            ValueError: There is no time or no call to measure.
            KeyboardInterrupt: The user interrupts before the first call has ended.
        """
        limits = Limits(
            self._limits.seconds if seconds is None else seconds,
            self._limits.num_calls if num_calls is None else num_calls,
        )
        clock = clock_of(self._subjects[0].device)
        self._stop.clear()
        self._tell("measuring")
        try:
            times = measure(self._subjects, clock, limits, tick=self._ticked)
            self._report = of_times([each.name for each in self._subjects], times.rows())
            if detail and not times.interrupted and not self._stop.is_set():
                self._tell("looking")
                self._look(clock)
        finally:
            self._tell("done" if self.measured else "ready")
        return self

    def _look(self, clock: Clock) -> None:
        with suppress(KeyboardInterrupt):  # the times are there
            self._report, self._peak = detailed(self.report, self._subjects[0], clock, self._peak)

    def _ticked(self, times: Times, reached: float) -> bool:
        """Show what is there while it is measured; on the thread that measures, so that nothing runs beside it."""
        self._report = of_times([each.name for each in self._subjects], times.rows(), compare=False)
        self._tell("measuring", reached)
        self.flush()
        return not self._stop.is_set()

    def _tell(self, phase: str, progress: float = 0.0) -> None:
        """Bring the browser up to date, in one message."""
        with self.hold_sync():
            self.phase, self.progress = phase, progress
            for name, value in told(self._report).items() if self._report else ():
                self.set_trait(name, value)
        self.changed()

    def show(self) -> None:
        """Show it, and measure if that was not done yet."""
        if not self.measured and getattr(get_ipython(), "kernel", None) is None:
            self.run()  # a terminal shows it once
        super().show()
        if not self.measured:
            self.run()

    def said(self, kind: str) -> None:
        """Hear the browser: Stop."""
        if kind == "stop":
            self._stop.set()

    def picture(self) -> Picture:
        """Give the distributions, the percentiles and where the time goes."""
        return drawing.picture(self._report, self.title)

    def plot(self) -> Plot:
        """Draw the distributions with matplotlib."""
        return drawing.plot(self._report)
