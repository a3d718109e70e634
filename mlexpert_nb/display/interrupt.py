"""Stop of one run from another thread: an interrupt of the main thread that hits this run or nothing at all."""

import signal
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

ARRIVAL_S = 1.0  # a signal that was sent is there within a millisecond; a run does not wait for ever for it


class Interrupt:
    """From `begin` to `end`, `send` raises KeyboardInterrupt in the main thread, once.

    Attributes:
        over: Set first of all by the code that ends the run: a signal under way then raises nothing any more.
        sent: Whether one was sent.
    """

    def __init__(self, last: Callable[..., object]) -> None:
        """Make one that is not yet armed.

        Args:
            last: The function that sets `over`; while it has not come to that yet, the run is finished all the same.
        """
        self._last: CodeType = last.__code__
        self._lock = threading.Lock()
        self._armed, self._arrived = False, False
        self._before: Any = None
        self.over, self.sent = False, False

    def begin(self) -> None:
        """Arm it; off the main thread, where no signal arrives, it stays as it is."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._arrive) or signal.default_int_handler
            self._armed = True

    def send(self) -> None:
        """Interrupt the run, from any thread; before it, after it and a second time, do nothing."""
        with self._lock:
            ident = threading.main_thread().ident
            if self._armed and not self.sent and ident is not None:
                self.sent = True
                signal.pthread_kill(ident, signal.SIGINT)

    def end(self) -> None:
        """Disarm it; one that was sent in the last moment arrives here and is dropped."""
        if not self._armed:
            return
        with self._lock:
            self._armed = False
        until = time.monotonic() + ARRIVAL_S
        while self.sent and not self._arrived and time.monotonic() < until:
            time.sleep(0.001)
        signal.signal(signal.SIGINT, self._before)

    def _arrive(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT; takes no lock, for the main thread may hold it."""
        if not self.sent or self._arrived:
            if callable(self._before):
                self._before(number, frame)  # the kernel's own interrupt
            return
        self._arrived = True
        if not self.over and (frame is None or frame.f_code is not self._last):
            raise KeyboardInterrupt
