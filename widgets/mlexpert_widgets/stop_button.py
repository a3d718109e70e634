"""Stop button: a press is heard while the cell runs, and the loop decides when it is a good moment to end."""

import threading
from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

from mlexpert_widgets.messages import hear


class StopButton(anywidget.AnyWidget):
    """A button for a loop of yours; where nobody can press it (a script) it is never pressed.

        stop = StopButton("Stop training")
        display(stop)
        for step in range(num_steps):
            if stop.pressed:
                break

    Attributes:
        label: What stands on the button.
        stopping: What the browser shows; ask `pressed` instead.
    """

    _esm = Path(__file__).with_suffix(".js").read_text("utf-8")
    _css = Path(__file__).with_suffix(".css").read_text("utf-8")
    label = traitlets.Unicode().tag(sync=True)
    stopping = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, label: str = "Stop training", *, on_stop: Callable[[], object] | None = None) -> None:
        """Make a button that is not pressed.

        Args:
            label: What stands on the button.
            on_stop: Called at each first press, on another thread than the cell's; keep it short.
        """
        self._pressed, self._on_stop = threading.Event(), on_stop
        super().__init__(label=label)
        hear(self, self._said)

    @property
    def pressed(self) -> bool:
        """Whether it was pressed; may be asked from any thread, at every step."""
        return self._pressed.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a press, at most `timeout` seconds; tells whether there was one."""
        return self._pressed.wait(timeout)

    def reset(self) -> None:
        """Make it ready to be pressed again."""
        self._pressed.clear()
        self.stopping = False

    def _said(self, kind: str) -> None:
        if kind != "stop" or self.pressed:
            return
        self._pressed.set()
        self.stopping = True  # for a second view of the button, and for a page that is loaded again
        if self._on_stop is not None:
            self._on_stop()

    def __repr__(self) -> str:
        return f"StopButton({self.label!r})"  # what a saved notebook shows: no address that differs each time
