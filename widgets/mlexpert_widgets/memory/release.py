"""Letting go of an error: Python, IPython and the error itself keep frames, and frames keep tensors."""

import gc
import sys
import traceback
from collections.abc import Iterator

from IPython.core.getipython import get_ipython

KEPT = ("last_exc", "last_value", "last_type", "last_traceback")


def release() -> None:
    """Empty the frames of the last error, forget it, and collect what they held.

    Frames that still run (the notebook's own, a function that handles the error) keep their variables.
    """
    for error in _errors():
        traceback.clear_frames(error.__traceback__)
        for frame, _line in traceback.walk_tb(error.__traceback__):
            frame.f_locals  # noqa: B018 - brings a copy up to date that a debugger or IPython has made: now it is empty
    for name in KEPT:
        if hasattr(sys, name):
            delattr(sys, name)
    gc.collect()


def _errors() -> Iterator[BaseException]:
    """Give the errors that are kept somewhere, and those that they came from."""
    shell = get_ipython()
    result = getattr(shell, "last_execution_result", None)
    waiting = [
        sys.exception(),
        *(getattr(sys, name, None) for name in KEPT[:2]),
        getattr(result, "error_in_exec", None),
    ]
    seen = set()
    while waiting:
        error = waiting.pop()
        if not isinstance(error, BaseException) or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        waiting += [error.__cause__, error.__context__]
