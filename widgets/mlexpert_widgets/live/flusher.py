"""One background thread for all live views of a process: it lets each say what is new, a few times a second."""

import functools
import threading
import time
import traceback
import weakref
from typing import Protocol

FLUSHES_PER_S = 10  # of all views together
LEAST_PERIOD_S = 0.2  # of one view
MOST_PERIOD_S = 5.0  # of one view, whatever it costs
SHARE = 0.01  # of a core, at most, for all flushes


class Flushed(Protocol):
    """What the thread serves."""

    def flush(self) -> None:
        """Send what is new; called on the thread, never twice at once."""


class Flusher:
    """Calls `flush` of what was added, as long as anybody else holds it; the thread ends when nothing is left."""

    def __init__(self) -> None:
        self._served: weakref.WeakSet[Flushed] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, served: Flushed) -> None:
        """Serve one more."""
        with self._lock:
            self._served.add(served)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mlexpert-widgets", daemon=True)
                self._thread.start()

    def remove(self, served: Flushed) -> None:
        """Serve one less."""
        with self._lock:
            self._served.discard(served)

    def _run(self) -> None:
        worked_s = 0.0
        while True:
            with self._lock:
                count = len(self._served)
                if not count:
                    self._thread = None
                    return
            time.sleep(period_s(count, worked_s))
            began = time.thread_time()
            self._flush()
            worked_s = time.thread_time() - began

    def _flush(self) -> None:
        with self._lock:
            served = list(self._served)
        for each in served:
            try:
                each.flush()
            except Exception:  # noqa: BLE001 - one view that fails must not end the others
                self.remove(each)
                traceback.print_exc()


def period_s(count: int, worked_s: float = 0.0) -> float:
    """Give the seconds between two flushes of one view.

    Args:
        count: Views that there are.
        worked_s: Processor time that the last flushes took.
    """
    return max(LEAST_PERIOD_S, count / FLUSHES_PER_S, min(MOST_PERIOD_S, worked_s / SHARE))


@functools.cache
def flusher() -> Flusher:
    """Give the one of this process."""
    return Flusher()
