"""The four views on one page: select a module in one and it is marked in all."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from torch import nn

from mlexpert_widgets.curves.learning_curves import LearningCurves
from mlexpert_widgets.curves.recorder import Recorder
from mlexpert_widgets.graph.architecture_view import ArchitectureView
from mlexpert_widgets.latency.latency_profile import LatencyProfile
from mlexpert_widgets.live.picture import HTML_BYTES, Picture, Table
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.view import View, bundle, style
from mlexpert_widgets.memory.memory_monitor import MemoryMonitor

Runs = Recorder | LearningCurves | Mapping[str, Recorder] | Sequence[Recorder]


class Dashboard(View):
    """Architecture, learning curves, memory and latency of one model, linked by module path.

        Dashboard(model, recorder, example_inputs=x)

    What was measured of each module, latency and memory, can be chosen as the colour of the diagram.

    Attributes:
        architecture: The diagram.
        curves: The learning curves.
        memory: The memory monitor.
        latency: The latency profile; None without inputs.
    """

    _esm = bundle("dashboard")
    _css = style("dashboard.css")

    def __init__(
        self, model: nn.Module, recorder: Runs | None = None, *, example_inputs: Any = None, seconds: float = 1.0
    ) -> None:
        """Make the four views.

        Args:
            model: Any module.
            recorder: Where its training is logged; several as a mapping or sequence; a new one if None.
            example_inputs: As for `ModelGraph`; without them there are no shapes, no cost and no latency.
            seconds: Time to spend on the latency, when the dashboard is first shown.

        Raises:
            TypeError: The model or a recorder is something else.
        """
        self.architecture = ArchitectureView(model, example_inputs)
        self.curves = _curves(recorder)
        self.memory = MemoryMonitor(model=model)
        self.latency = None if example_inputs is None else LatencyProfile(model, example_inputs, seconds=seconds)
        super().__init__(group=uuid4().hex, title=f"Dashboard of {type(model).__name__}")
        for view in self.views:
            view.group = self.group
        self._colours: dict[str, Mapping[str, float]] = {}
        self.live()

    @property
    def views(self) -> tuple[View, ...]:
        """The views that there are, in the order of the page."""
        parts = (self.architecture, self.curves, self.memory, self.latency)
        return tuple(each for each in parts if each is not None)

    @property
    def recorder(self) -> Recorder:
        """Where the training is logged."""
        return self.curves.recorder

    def show(self) -> None:
        """Show all, then measure the latency if that was not done yet."""
        super().show()
        if self.latency is not None and not self.latency.measured:
            self.latency.run()
        self._colour()

    def flush(self) -> None:
        """Bring the page up to date if one of its views has moved."""
        self._colour()
        super().flush()

    def freeze(self, *, image: bool = True) -> None:
        """Bring the outputs up to date."""
        self._colour()
        if any(view.moved for view in self.views):
            self.changed()
            for view in self.views:
                view.settled()
        super().freeze(image=image)

    def _colour(self) -> None:
        """Offer what was measured of the modules as colours of the diagram."""
        measured = self.latency is not None and self.latency.measured
        found: dict[str, tuple[Mapping[str, float], str]] = {"memory": (self.memory.module_peaks, "B")}
        if self.latency is not None and measured:
            found["latency"] = (self.latency.module_latency, "ms")
        for name, (values, unit) in found.items():
            if values and values != self._colours.get(name):
                self._colours[name] = dict(values)
                self.architecture.overlay(name, values, unit=unit)

    def picture(self) -> Picture:
        """Give the four pictures under each other."""
        pictures = [view.picture() for view in self.views]
        tables: list[Table] = [table for each in pictures for table in each.tables]
        summary = "\n\n".join(f"{each.title}\n{each.summary}" for each in pictures)
        return Picture(self.title, summary, "".join(each.svg for each in pictures), tuple(tables))

    def html(self, picture: Picture | None = None, *, most_bytes: int = HTML_BYTES) -> str:
        """Give the four frozen views in a grid."""
        del picture  # each view gives its own
        inside = ""
        for at, view in enumerate(self.views):
            inside += view.html(most_bytes=(most_bytes - len(inside.encode())) // (len(self.views) - at))
        return f'<div class="mlx-view {self.key}"><div class="mlx-dashboard">{inside}</div></div>'

    def plot(self) -> Plot:
        """Draw the figures of all views into one."""
        return _stacked([view.plot() for view in self.views])

    def stop(self) -> None:
        """End what is measured, and freeze."""
        self.memory.stop()
        self.curves.stop()
        super().stop()

    def close(self) -> None:
        """Freeze, and take all of it away."""
        if self.closed:
            return
        self.freeze()
        for view in self.views:
            view.close()
        super().close()

    def widget_part(self) -> Mapping[str, Any]:
        """Give the views one under the other, for front ends that draw widgets only."""
        from ipywidgets import VBox  # noqa: PLC0415 - for those front ends

        data, _metadata = VBox(self.views)._repr_mimebundle_()
        return {name: value for name, value in data.items() if name != "text/plain"}

    def announce(self) -> None:
        """Say again to every page that the views are there."""
        super().announce()
        for view in self.views:
            view.announce()


def _curves(recorder: Runs | None) -> LearningCurves:
    if isinstance(recorder, LearningCurves):
        return recorder
    if recorder is None:
        return LearningCurves()
    if isinstance(recorder, Recorder | Mapping):
        return LearningCurves(recorder)
    if isinstance(recorder, Sequence) and not isinstance(recorder, str):
        return LearningCurves(*recorder)
    raise TypeError(f"the recorder is a Recorder, LearningCurves, or several Recorders, not {type(recorder).__name__}")


def _stacked(plots: Sequence[Plot]) -> Plot:
    """Put the images of several figures under each other."""
    from io import BytesIO  # noqa: PLC0415 - for a report

    from matplotlib.image import imread  # noqa: PLC0415 - for a report

    images = [imread(BytesIO(each.png(dpi=100))) for each in plots]
    heights = [image.shape[0] / image.shape[1] for image in images]
    made = Plot(7.2, 7.2 * sum(heights))
    axes = made.subplots(len(images), height_ratios=heights, squeeze=False)[:, 0]
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(image, aspect="auto")
        axis.axis("off")
    return made
