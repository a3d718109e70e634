"""A limit on what is computed in this process: a search whose expression never ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from mlexpert_nb.errors import UsageError


class _LateError(Exception):
    """The time is over; raised in the middle of anything."""


@contextmanager
def at_most(seconds: float, what: str) -> Iterator[None]:
    """Break off a block that takes too long, where a timer can do that: on POSIX, in the main thread.

    Raises:
        UsageError: It took longer.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _late)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second: something may swallow the first
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _LateError:
        raise UsageError(f"{what} took longer than {seconds:g} s and was broken off; make it simpler") from None
    finally:
        signal.signal(signal.SIGALRM, before)


def _late(_signal: int, _frame: object) -> NoReturn:
    raise _LateError
