"""The base of all live views: an output that holds a picture, and a live view in its place while the kernel lives.

Displaying a view shows its frozen picture as HTML; the browser part finds it by its key and draws the live view there.
At the end of each cell, and at times while one runs, the picture is brought up to date, so that the saved notebook
needs no kernel, no script and no widget state.
"""

import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anywidget
import traitlets
from ipywidgets import __protocol_version__
from ipywidgets.widgets.widget import _remove_buffers

from mlexpert_widgets.live.flusher import flusher
from mlexpert_widgets.live.output import Output, at_cell_end, cell_runs, needs_widget_output
from mlexpert_widgets.live.picture import HTML_BYTES, Picture
from mlexpert_widgets.messages import hear

if TYPE_CHECKING:
    from mlexpert_widgets.live.plot import Plot

ROOT = Path(__file__).parents[1]
FREEZE_PERIOD_S = 30.0  # at least, while a cell runs: what a kernel that dies may lose
FREEZE_SHARE = 0.005  # of a core, at most, for that
FROZEN_BYTES = 150_000  # of the HTML and the image of an output, in base64


class View(anywidget.AnyWidget):
    """A live view; what it shows comes from `picture` and `plot`, which every view has.

    Attributes:
        key: Class of the elements that the view is put into.
        title: What is shown.
        summary: What one sees in it, in sentences; the browser reads it aloud.
        selected: Path of the module that is selected; empty if none is.
        group: Views with the same group select together; empty for a view on its own.
        snapshot: Decimated series, for a page that is loaded anew; see `Feed`.
        frozen: The MIME bundle that the outputs hold; a page that was loaded anew does not hear of their updates.
    """

    _closed = True  # until it is made: a view that is refused is taken away before it has anything to freeze
    key = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    summary = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    group = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Bytes().tag(sync=True)
    frozen = traitlets.Dict().tag(sync=True)

    def __init__(self, **values: object) -> None:
        """Make a view that is shown nowhere yet.

        Args:
            values: First values of traits.
        """
        self._outputs: list[Output] = []
        self._moved, self._freeze_at, self._closed = False, 0.0, False
        super().__init__(key=f"mlx-{uuid4().hex}", **values)
        hear(self, self.said)

    def picture(self) -> Picture:
        """Give what the view shows now, as a picture that needs nothing."""
        raise NotImplementedError

    def plot(self) -> "Plot":
        """Give what the view shows now, as a matplotlib figure for a report."""
        raise NotImplementedError

    def said(self, kind: str) -> None:
        """Hear a message of the browser part; on another thread while a cell runs, so keep it short."""

    def flush(self) -> None:
        """Bring the browser up to date; called a few times a second on a thread of its own."""
        if self._moved and self._outputs and time.monotonic() > self._freeze_at and cell_runs():
            self.freeze(image=False)

    @property
    def moved(self) -> bool:
        """Whether it shows something else than its outputs hold."""
        return self._moved

    @property
    def closed(self) -> bool:
        """Whether it was taken away."""
        return self._closed

    def settled(self) -> None:
        """Say that what has moved is held by an output of another view."""
        self._moved = bool(self._outputs)

    def live(self) -> None:
        """Have `flush` called from now on, until the view is closed or nobody holds it."""
        flusher().add(self)

    def changed(self) -> None:
        """Say that what the view shows has moved, so that its output is brought up to date."""
        self._moved = True

    def show(self) -> None:
        """Show it in the running cell; a view may be shown in several."""
        picture = self._pictured()
        data, metadata = self._bundle(picture, image=False)
        self._outputs.append(Output(data, metadata))
        self._moved, self._freeze_at = True, time.monotonic() + FREEZE_PERIOD_S  # the image is still to come
        at_cell_end(self)

    def freeze(self, *, image: bool = True) -> None:
        """Bring the outputs up to date, if anything has moved.

        Args:
            image: Whether to draw a PNG too, which takes a moment.
        """
        if not self._moved or not self._outputs:
            return
        began, self._moved = time.thread_time(), not image
        data, metadata = self._bundle(self._pictured(), image=image)
        for output in self._outputs:
            output.update(data, metadata)
        self.frozen = {"data": data, "metadata": metadata}
        wait_s = max(FREEZE_PERIOD_S, (time.thread_time() - began) / FREEZE_SHARE)
        self._freeze_at = time.monotonic() + wait_s

    def stop(self) -> None:
        """Send what is left and freeze; the view can still be looked at, and goes on if there is more."""
        self.flush()
        self.changed()
        self.freeze()

    def announce(self) -> None:
        """Say again to every page that the view is there; one that was loaded while a cell runs does not know it."""
        for widget in (self.layout, self):
            state, paths, buffers = _remove_buffers(widget.get_state())
            if widget.comm is not None:
                widget.comm.publish_msg(
                    "comm_open",
                    data={"state": state, "buffer_paths": paths},
                    buffers=buffers,
                    metadata={"version": __protocol_version__},
                    target_name="jupyter.widget",
                    target_module=None,
                )

    def close(self) -> None:
        """Freeze, and take the view out of the kernel and the browser; the picture stays."""
        if self._closed:
            return
        self._closed = True
        flusher().remove(self)
        if not sys.is_finalizing():  # nothing is shown any more, and half of matplotlib is gone
            self.freeze()
        layout = self.layout
        super().close()
        layout.close()

    def _pictured(self) -> Picture:
        picture = self.picture()
        with self.hold_sync():
            self.title, self.summary = picture.title, picture.summary
        return picture

    def _bundle(self, picture: Picture, *, image: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        data: dict[str, Any] = {"text/plain": picture.text(), "text/html": self.html(picture)}
        metadata: dict[str, Any] = {}
        room = (FROZEN_BYTES - len(data["text/html"].encode())) // 4 * 3
        if image and (drawn := self.plot().png(most_bytes=room)):
            data["image/png"] = b64encode(drawn).decode()
            metadata["image/png"] = {"alt": f"{picture.title}. {picture.summary}"}
        if needs_widget_output() and not self._closed:
            data |= self.widget_part()
        return data, metadata

    def widget_part(self) -> Mapping[str, Any]:
        """Give the part of the output that is a widget, for front ends that draw one only there."""
        data, _metadata = self._repr_mimebundle_() or ({}, {})
        return {name: value for name, value in data.items() if name != "text/plain"}

    def html(self, picture: Picture | None = None, *, most_bytes: int = HTML_BYTES) -> str:
        """Give the frozen view, into which the live one is put where there is one.

        Args:
            picture: What it shows; asked for if None.
            most_bytes: What it may take.
        """
        return (picture or self._pictured()).html(self.key, most_bytes=most_bytes)

    def _ipython_display_(self) -> None:
        self.show()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"  # what a saved notebook shows: no address that differs each time


def bundle(name: str) -> str:
    """Give the built browser part of a view.

    Args:
        name: Of the file in `bundles/`, without its ending.
    """
    return (ROOT / "bundles" / f"{name}.js").read_text("utf-8")


def style(*names: str) -> str:
    """Give the style that all views share, and those of the named files under `mlexpert_widgets`."""
    return "\n".join((ROOT / name).read_text("utf-8") for name in ("live/view.css", *names))
