"""The progress as a live widget: what it is told, how often, and when it is given up for plain HTML."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mlexpert_nb.display.progress_view import progress_values
from mlexpert_nb.display.run_state import RunState
from mlexpert_widgets.front_end import FrontEnd

if TYPE_CHECKING:
    from mlexpert_widgets import ProgressCard

WAITING = "waiting for your answer below"
RESYNC_S = 5.0  # the browser's clock goes by itself; a page that is loaded again starts from the last time it was told
PATIENCE_S = 5.0  # for JupyterLab to say that it shows the card; longer, and its server has no anywidget


class LiveCard:
    """A ProgressCard in the cell's output.

    Attributes:
        view: The MIME data and metadata that show it.
    """

    def __init__(self, card: "ProgressCard", front_end: FrontEnd, elapsed_s: float) -> None:
        self._card, self._front_end = card, front_end
        self._opened_s = self._told_s = elapsed_s
        data, metadata = card.view()
        self.view: tuple[Mapping[str, object], Mapping[str, object]] = data, metadata

    def show(self, state: RunState, elapsed_s: float, *, waiting: bool, stopping: bool) -> None:
        """Tell the browser what is new, if anything is."""
        values = progress_values(state)
        if waiting:
            values["doing"] = WAITING
        news = {**values, "stoppable": self._card.seen, "stopping": stopping}
        if self._card.differs(news) or elapsed_s >= self._told_s + RESYNC_S:
            self._told_s = elapsed_s
            self._card.show({**news, "elapsed_s": elapsed_s})

    def lost(self, elapsed_s: float) -> bool:
        """Tell whether the front end should have answered by now; other ones than Jupyter answer after the cell."""
        return self._front_end == "jupyter" and not self._card.seen and elapsed_s > self._opened_s + PATIENCE_S

    def close(self) -> None:
        """Take the widget out of the kernel and the browser."""
        self._card.close()


def live_card(front_end: FrontEnd, state: RunState, elapsed_s: float, stop: Callable[[], None]) -> LiveCard | None:
    """Make a live card for a front end; None where none can be shown."""
    if not front_end:
        return None
    try:
        from mlexpert_widgets import ProgressCard  # noqa: PLC0415 - a run without a front end needs no widgets

        card = ProgressCard(on_stop=stop, elapsed_s=elapsed_s, **progress_values(state))
        return LiveCard(card, front_end, elapsed_s)
    except Exception:  # noqa: BLE001 - whatever is wrong with the widgets here, the run goes on and is shown as HTML
        return None
