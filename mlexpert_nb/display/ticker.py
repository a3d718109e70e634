"""A clock beside the work: calls back a few times a second from its own thread, and is gone when the work is."""

import contextvars
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Ticker:
    """Call `tick` every `period_s` seconds between entering and leaving.

    The thread runs in a copy of the caller's context, so that a kernel credits its output to the cell that made it, and
    is joined on leaving, so that nothing comes after the cell's end.
    """

    def __init__(self, tick: Callable[[], None], period_s: float) -> None:
        self._tick, self._period_s = tick, period_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="mlexpert-progress", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._period_s):
            self._tick()
