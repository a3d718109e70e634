"""Progress of a run in a notebook: one display that lives in the cell's output and becomes the card at the end.

Events only change a RunState; what is shown is shown by a ticker, so however many events come there are at most four
updates a second, and the elapsed time moves while the run is silent. A front end gets a live card with a button that
stops this run; with none, the display itself is updated. The result takes the progress's place, so a saved notebook
holds no times and no widget.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Self
from uuid import uuid4

from IPython.display import display

from mlexpert_nb.display.interrupt import Interrupt
from mlexpert_nb.display.live import LiveCard, live_card
from mlexpert_nb.display.progress_view import progress_html, progress_text
from mlexpert_nb.display.run_state import RunState
from mlexpert_nb.display.safe import one_line
from mlexpert_nb.display.ticker import Ticker
from mlexpert_nb.packages import Event
from mlexpert_widgets.front_end import FrontEnd, front_end

PERIOD_S = 0.25
MAX_EVENTS = 100  # of one update; a flood is thinned, the state still counts every one


class NotebookProgress:
    """An `OnEvent` for a kernel: shows nothing before the first event, then one display until `finish`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self._lock = threading.Lock()
        self._state, self._news = RunState(), list[Event]()
        self._shown: tuple[RunState, int] | None = None
        self._still = False
        self._display_id = f"mlexpert-{uuid4().hex}"
        self._ticker = Ticker(self._tick, PERIOD_S)
        self._front_end: FrontEnd = ""
        self._live: LiveCard | None = None
        self._interrupt = Interrupt(NotebookProgress.__exit__)

    def __call__(self, event: Event) -> None:
        """Take in one event; the first one opens the display."""
        with self._lock:
            self._state = self._state.after(event)
            self._news = [*self._news[-MAX_EVENTS:], event]
        if not self.opened:
            self._tick()

    def __enter__(self) -> Self:
        self._began = self._clock()
        self._front_end = front_end()
        self._ticker.__enter__()
        if self._front_end:
            self._interrupt.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interrupt.over = True  # first of all: a run that came this far is not stopped any more
        self._interrupt.end()
        self._ticker.__exit__(kind, error, trace)
        if error is None:
            self._tick()  # what happened last is told too, before the card takes the place

    @property
    def opened(self) -> bool:
        """Whether anything was shown yet."""
        return self._shown is not None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep still while the user is asked something."""
        self._still = True
        try:
            yield
        finally:
            self._still = False

    def finish(self, shown: Mapping[str, object], *, status: str = "") -> None:
        """Put a MIME bundle where the progress was; `status` goes into the output's metadata for headless runs."""
        note: dict[str, object] = {"mlexpert": {"status": status}} if status else {}
        self._publish(shown, note)
        self._close()

    def _tick(self) -> None:
        with self._lock:
            elapsed_s = self._clock() - self._began
            if not self.opened:
                self._open(elapsed_s)
            elif self._live is None:
                self._show_html(elapsed_s)
            elif not self._live.lost(elapsed_s):
                self._live.show(self._state, elapsed_s, waiting=self._still, stopping=self._interrupt.sent)
            elif not self._still:
                self._show_html(elapsed_s)
                self._close()

    def _open(self, elapsed_s: float) -> None:
        """Show the first event: a live card where there can be one, else HTML."""
        if self._still or not self._news:
            return
        self._live = live_card(self._front_end, self._state, elapsed_s, self._interrupt.send)
        self._show_html(elapsed_s, self._live)

    def _show_html(self, elapsed_s: float, live: LiveCard | None = None) -> None:
        """Show what happened as HTML; with a live card, only those see it who cannot show that."""
        now = (self._state, int(elapsed_s))
        if self._still or now == self._shown:
            return
        news, self._news = self._news, []
        text = {
            "text/html": progress_html(self._state, elapsed_s),
            "text/plain": progress_text(self._state, elapsed_s),
        }
        view, note = live.view if live else ({}, {})
        self._publish({**view, **text}, {**note, "mlexpert": {"events": [_brief(event) for event in news]}})
        self._shown = now

    def _close(self) -> None:
        """Take the live card away, after something else has taken its place."""
        if self._live is not None:
            self._live.close()
            self._live = None

    def _publish(self, data: Mapping[str, object], metadata: Mapping[str, object]) -> None:
        display(dict(data), metadata=dict(metadata), raw=True, display_id=self._display_id, update=self.opened)


def _brief(event: Event) -> dict[str, object]:
    return {**asdict(event), "text": one_line(event.text)}
