"""What a widget's browser part says to Python: heard at once, also while a cell runs."""

from collections.abc import Callable

import anywidget


def hear(widget: anywidget.AnyWidget, said: Callable[[str], object]) -> None:
    """Call `said` with the `kind` of every message of the browser part.

    While a cell runs the call comes on a thread of its own, a subshell of the kernel, so `said` must be short.
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        # ipykernel 7.4 sends a message on to the shell that last wrote to the widget, which is the busy one
        comm._reply_subshell_for = lambda _data, sent_over: sent_over  # noqa: SLF001 - no public way round it
    widget.on_msg(lambda _widget, content, _buffers: said(_kind(content)))


def _kind(content: object) -> str:
    return str(content.get("kind", "")) if isinstance(content, dict) else ""
