"""Progress card: how far a piece of work has come, from plain data, with a button that stops it."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import anywidget
import traitlets

from mlexpert_widgets.messages import hear


class ProgressCard(anywidget.AnyWidget):
    """A card that lives while the work does; Python writes its traits, the browser reads them.

    Attributes:
        phases: `{"name": ..., "state": "done" | "now" | "next"}`, in order.
        doing: What is being done right now.
        tests: How many are through and how many there are; empty while unknown.
        counts: What has been counted so far, as one line.
        failed: What has failed, one line each.
        elapsed_s: Seconds since the start; the browser counts on from there.
        stoppable: Whether there is a button.
        stopping: Whether the button was pressed.
    """

    _esm = Path(__file__).with_suffix(".js").read_text("utf-8")
    _css = Path(__file__).with_suffix(".css").read_text("utf-8")
    phases = traitlets.List(traitlets.Dict()).tag(sync=True)
    doing = traitlets.Unicode().tag(sync=True)
    tests = traitlets.List(traitlets.Int()).tag(sync=True)
    counts = traitlets.Unicode().tag(sync=True)
    failed = traitlets.List(traitlets.Unicode()).tag(sync=True)
    elapsed_s = traitlets.Float().tag(sync=True)
    stoppable = traitlets.Bool(default_value=False).tag(sync=True)
    stopping = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, *, on_stop: Callable[[], object] | None = None, **values: object) -> None:
        """Make a card.

        Args:
            on_stop: Called at each press, on another thread than the cell's; keep it short.
            values: First values of the traits.
        """
        self._seen, self._on_stop = threading.Event(), on_stop
        super().__init__(**values)
        hear(self, self._said)

    @property
    def seen(self) -> bool:
        """Whether a browser has the card and its messages arrive, so that a press would too."""
        return self._seen.is_set()

    def view(self) -> tuple[dict[str, object], dict[str, object]]:
        """Give the MIME data and metadata that show the card in an output."""
        data, metadata = self._repr_mimebundle_() or ({}, {})
        return dict(data), dict(metadata)

    def differs(self, values: Mapping[str, object]) -> bool:
        """Tell whether any of these values is another than the one shown."""
        return any(getattr(self, name) != value for name, value in values.items())

    def show(self, values: Mapping[str, object]) -> None:
        """Set traits; what differs from before goes to the browser in one message."""
        with self.hold_sync():
            for name, value in values.items():
                self.set_trait(name, value)

    def close(self) -> None:
        """Take the card, and the layout that every widget has, out of the kernel and the browser."""
        layout = self.layout
        super().close()
        layout.close()

    def _said(self, kind: str) -> None:
        if kind == "seen":
            self._seen.set()
        elif kind == "stop" and self._on_stop is not None:
            self._on_stop()

    def __repr__(self) -> str:
        return "ProgressCard()"
