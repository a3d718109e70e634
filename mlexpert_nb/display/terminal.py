"""Progress of a run in a terminal: one line a phase, tool call and check on standard error; counts on a live last line.

Lines are gathered and written by a ticker, at most ten times a second. Where standard error is not a terminal (a log
file, a pipe) there is no live line; a silent stretch leaves a sign of life every half minute instead.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TextIO

from mlexpert_nb.display.progress_view import progress_text
from mlexpert_nb.display.run_state import RunState, duration
from mlexpert_nb.display.safe import one_line
from mlexpert_nb.display.ticker import Ticker
from mlexpert_nb.packages import Event

PERIOD_S = 0.1
HEARTBEAT_S = 30.0
SETTLED_S = 1.0  # a phase that ends sooner in an error was none worth a line
CLEAR_LINE = "\r\x1b[K"


class TerminalProgress:
    """An `OnEvent` that writes lines to `stream`."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock, self._began = stream, clock, clock()
        self._live = stream.isatty()
        self._lock = threading.Lock()
        self._state, self._lines, self._opened = RunState(), list[str](), ""
        self._last_word, self._last_line = self._began, ""
        self._still = False
        self._ticker = Ticker(self._tick, PERIOD_S)

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        with self._lock:
            self._state = self._state.after(event)
            line = event_line(event, self._state.current)
            if event.kind != "phase" and line:
                self._opened = "" if line.startswith(self._opened) else self._opened
                self._settle()
                self._lines.append(line)
            elif line and line != self._opened:
                self._settle()
                self._opened = line

    def __enter__(self) -> Self:
        self._began = self._last_word = self._clock()
        self._ticker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ticker.__exit__(kind, error, trace)
        with self._lock:
            if error is None:
                self._settle()
            self._write(live="")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Write what is pending and keep still while the user is asked something."""
        with self._lock:
            self._still = True
            self._settle()
            self._write(live="")
        try:
            yield
        finally:
            self._still = False

    def _tick(self) -> None:
        with self._lock:
            if self._still:
                return
            now = self._clock()
            if now - self._last_word >= SETTLED_S:
                self._settle()
            if not self._live and not self._lines and now - self._last_word >= HEARTBEAT_S:
                self._lines.append(f"{self._state.current or 'run':<8} … {duration(now - self._began)}")
            self._write(live=progress_text(self._state, now - self._began) if self._live else "")

    def _settle(self) -> None:
        """Give the phase that was opened last its line."""
        self._lines += [self._opened] if self._opened else []
        self._opened = ""

    def _write(self, live: str) -> None:
        if live:
            live = one_line(live, max(20, shutil.get_terminal_size().columns - 1))
        if not self._lines and live == self._last_line:
            return
        lines, self._lines = "".join(f"{line}\n" for line in self._lines), []
        wipe = CLEAR_LINE if self._last_line else ""
        self._last_line = live
        if lines:
            self._last_word = self._clock()
        with suppress(OSError, ValueError):  # nobody reads standard error any more; the run goes on
            self._stream.write(f"{wipe}{lines}{live}")
            self._stream.flush()


def event_line(event: Event, phase: str) -> str:
    """Give the line of one event, under the name of its phase; a test count has one only when it is complete."""
    text, head = one_line(event.text), f"{phase or 'run':<8}"
    match event.kind:
        case "phase":
            return f"{head} {text.removeprefix(phase).lstrip(': ')}".rstrip()
        case "test":
            return f"{head} tests {event.done}/{event.total}" if event.total and event.done == event.total else ""
        case "check":
            return f"{head} {'✗' if event.passed is False else '✓'} {text}"
        case _:
            return f"{head} {'✗ ' if event.passed is False else ''}{text}"
