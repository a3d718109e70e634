"""The diagram with matplotlib: the same boxes in the same places as the SVG."""

from typing import TYPE_CHECKING, Any

from mlexpert_widgets.graph.fold import BOXES, opened, signatures
from mlexpert_widgets.graph.layout import HEAD, RAIL, Box, lay_out
from mlexpert_widgets.graph.words import count, cut, shapes
from mlexpert_widgets.live.plot import Plot

if TYPE_CHECKING:
    from mlexpert_widgets.graph.model_graph import ModelGraph
    from mlexpert_widgets.graph.walk import Entry

POINTS_PER_INCH = 100
MOST_INCHES = 14.0


def figure_of(graph: "ModelGraph", limit: int = BOXES) -> Plot:
    """Draw a graph.

    Args:
        graph: What to draw.
        limit: Boxes to draw at most.
    """
    entries = graph.entries
    shown = opened(entries, signatures(entries), limit)
    laid = lay_out(shown, graph.edges, [e.parent for e in entries], [e.order for e in entries])
    boxes = laid.boxes
    width, height = boxes[0].width / POINTS_PER_INCH, boxes[0].height / POINTS_PER_INCH
    scale = min(1.0, MOST_INCHES / max(width, height))
    made = Plot(width * scale + 0.1, height * scale + 0.1)
    axis = made.subplots()
    axis.set(xlim=(-4, boxes[0].width + 4), ylim=(boxes[0].height + 4, -4))
    axis.axis("off")
    for index, box in boxes.items():
        _box(axis, entries[index], box, is_open=index in shown, scale=scale)
    for a, b in laid.edges:
        _arrow(axis, boxes[a], boxes[b], exact=graph.exact)
    for a, b in laid.entering:
        _past(axis, boxes[a], boxes[b], into=True)
    for a, b in laid.leaving:
        _past(axis, boxes[b], boxes[a], into=False)
    return made


def _box(axis: Any, entry: "Entry", box: Box, *, is_open: bool, scale: float) -> None:
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - for a report, not for every view

    edge = "#d1242f" if entry.failed else "#888888"
    shape = FancyBboxPatch(
        (box.x, box.y),
        box.width,
        box.height,
        boxstyle="round,pad=0,rounding_size=6",
        fc=(0, 0, 0, 0.035),
        ec=edge,
        lw=0.8,
    )
    axis.add_patch(shape)
    times = f" ×{box.run.count}" if box.run.count > 1 else ""
    name = cut(entry.name or type(entry.module).__name__, 20)
    kind = cut(type(entry.module).__name__, 20) if entry.name else ""
    axis.text(box.x + 9, box.y + 16, f"{name}{times}  {kind}", fontsize=7.2 * scale, va="center", parse_math=False)
    if not is_open:
        told = " · ".join(
            each for each in (shapes(entry.outputs, 1), count(entry.total) if entry.total else "") if each
        )
        told = f"✕ {cut(entry.failed, 34)}" if entry.failed else told
        small = {"fontsize": 6.2 * scale, "va": "center", "color": "#666666", "parse_math": False}
        axis.text(box.x + 9, box.y + 31, told, **small)


def _arrow(axis: Any, source: Box, target: Box, *, exact: bool) -> None:
    start, end = (source.x + source.width / 2, source.y + source.height), (target.x + target.width / 2, target.y)
    curve = "arc3,rad=0"
    if not 0 < end[1] - start[1] <= source.height + target.height:
        start, end = (source.x + source.width, start[1] - 8), (target.x + target.width, end[1] + 8)
        curve = "arc3,rad=-0.3" if end[1] > start[1] else "arc3,rad=0.3"
    look = {"arrowstyle": "-|>", "lw": 0.7, "color": "#777777", "ls": "-" if exact else "--", "connectionstyle": curve}
    axis.annotate("", xy=end, xytext=start, arrowprops={**look, "shrinkA": 0, "shrinkB": 0})


def _past(axis: Any, container: Box, box: Box, *, into: bool) -> None:
    """Draw what flows past other children, as in the SVG."""
    y = box.y + box.height / 2
    if into:
        side = container.x + RAIL
        points = [(side, container.y + HEAD - 6), (side, y), (box.x, y)]
    else:
        side = container.x + container.width - RAIL
        points = [(box.x + box.width, y), (side, y), (side, container.y + container.height)]
    axis.plot(*zip(*points[:2], strict=True), lw=0.7, color="#777777")
    look = {"arrowstyle": "-|>", "lw": 0.7, "color": "#777777", "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", xy=points[2], xytext=points[1], arrowprops=look)
