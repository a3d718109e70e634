"""The picture of a graph without a browser: nested boxes, arrows for what flows, shares of the parameters."""

from collections.abc import Mapping, Sequence
from html import escape

from mlexpert_widgets.graph.fold import BOXES, opened, signatures
from mlexpert_widgets.graph.layout import BOX_H, HEAD, RAIL, Box, lay_out
from mlexpert_widgets.graph.walk import Entry
from mlexpert_widgets.graph.words import count, cut, shapes

BAD = "#d1242f"
SHARE, TIE = "#0072B2", "#E69F00"
LEFT = 16  # of the boxes, for the lines of tied weights
NAME, SMALL, LETTER = 24, 34, 6.6  # characters that fit, and pixels of one
ARROW = (
    '<defs><marker id="mlx-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>'
)


def draw(entries: Sequence[Entry], edges: Sequence[tuple[int, int]], *, exact: bool, limit: int = BOXES) -> str:
    """Draw a graph.

    Args:
        entries: The modules.
        edges: As in `ModelGraph.edges`.
        exact: Whether the edges are what flowed; else they are dashed.
        limit: Boxes to draw at most.
    """
    shown = opened(entries, signatures(entries), limit)
    laid = lay_out(shown, edges, [entry.parent for entry in entries], [entry.order for entry in entries])
    boxes, whole = laid.boxes, laid.boxes[0]
    title = escape(f"{type(entries[0].module).__name__}, {count(entries[0].total)} parameters")
    width = f"{whole.width + LEFT + 2:.0f}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mlx-architecture" role="img" aria-label="{title}" '
        f'viewBox="-{LEFT} -2 {width} {whole.height + 4:.0f}" width="{width}" '
        f'style="max-width:100%;height:auto" fill="currentColor" font-family="inherit" font-size="12">'
        f"<title>{title}</title>"
    )
    drawn = [_box(entries[index], box, entries[0], is_open=index in shown) for index, box in boxes.items()]
    arrows = [_arrow(boxes[a], boxes[b], exact=exact) for a, b in laid.edges]
    past = [_past(boxes[a], boxes[b], into=True) for a, b in laid.entering]
    past += [_past(boxes[b], boxes[a], into=False) for a, b in laid.leaving]
    return "".join((head, ARROW, *drawn, *arrows, *past, *_ties(entries, boxes), "</svg>"))


def _box(entry: Entry, box: Box, whole: Entry, *, is_open: bool) -> str:
    ran, total = whole.order >= 0, whole.total
    frame = BAD if entry.failed else "currentColor"
    opacity = "1" if entry.failed else ".45"
    dash = "" if entry.order >= 0 or not ran else ' stroke-dasharray="3 3"'
    rect = (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'fill="currentColor" fill-opacity=".04" stroke="{frame}" stroke-opacity="{opacity}"{dash}/>'
    )
    times = f" ×{box.run.count}" if box.run.count > 1 else ""
    name = cut(entry.name or type(entry.module).__name__, NAME)
    room = int((box.width - (76 if is_open else 20)) / LETTER) - len(name) - len(times)
    kind = cut(type(entry.module).__name__, room) if entry.name and room > 1 else ""
    x, y = box.x + 10, box.y + 17
    heading = (
        f'<text x="{x:.1f}" y="{y:.1f}"><tspan font-weight="600">{escape(name)}{times}</tspan> '
        f'<tspan fill-opacity=".65">{escape(kind)}</tspan></text>'
    )
    told = f"<title>{escape(entry.path or name)}{escape(f': {entry.failed}' if entry.failed else '')}</title>"
    return f"<g>{told}{rect}{heading}{_details(entry, box, total, is_open=is_open)}</g>"


def _details(entry: Entry, box: Box, total: int, *, is_open: bool) -> str:
    words = [shapes(entry.outputs, 1), count(entry.total) if entry.total else ""]
    tied = next(iter(entry.tied.values()), None)
    if tied is not None:
        words.append(f"tied with {tied}")
    if entry.failed:
        words = [f"✕ {entry.failed}"]
    text = escape(cut(" · ".join(each for each in words if each), SMALL))
    if is_open:
        more = ""
        if box.left_out:
            place = f'x="{box.x + box.width / 2:.1f}" y="{box.y + box.height - 14:.1f}"'
            more = f'<text {place} text-anchor="middle">… {box.left_out} more</text>'
        return (
            more
            + f'<text x="{box.x + box.width - 10:.1f}" y="{box.y + 17:.1f}" text-anchor="end" font-size="11" '
            + (f'fill-opacity=".65">{text if box.width > 2 * BOX_H * 5 else escape(count(entry.total))}</text>')
        )
    share = (box.width - 20) * entry.total * box.run.count / total if total else 0
    bar = (
        f'<rect x="{box.x + 10:.1f}" y="{box.y + box.height - 5:.1f}" width="{min(share, box.width - 20):.1f}" '
        f'height="2.5" fill="{SHARE}"/>'
        if share >= 1
        else ""
    )
    return f'<text x="{box.x + 10:.1f}" y="{box.y + 32:.1f}" font-size="11" fill-opacity=".75">{text}</text>{bar}'


def _arrow(source: Box, target: Box, *, exact: bool) -> str:
    x1, y1 = source.x + source.width / 2, source.y + source.height
    x2, y2 = target.x + target.width / 2, target.y
    dash = "" if exact else ' stroke-dasharray="4 3"'
    if 0 < y2 - y1 <= BOX_H:
        middle = (y1 + y2) / 2
        path = f"M{x1:.1f} {y1:.1f}C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    else:  # past other boxes: along the right side
        right = max(source.x + source.width, target.x + target.width)
        y1, y2 = source.y + source.height - 8, target.y + 8
        path = (
            f"M{source.x + source.width:.1f} {y1:.1f}C{right + 18:.1f} {y1:.1f} {right + 18:.1f} {y2:.1f} "
            f"{target.x + target.width:.1f} {y2:.1f}"
        )
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".6"{dash} marker-end="url(#mlx-arrow)"/>'
    )


def _past(container: Box, box: Box, *, into: bool) -> str:
    """Draw what flows past other children: down the left side to a box, or from it down the right side."""
    x, y = container.x, box.y + box.height / 2
    if into:
        path = f"M{x + RAIL:.1f} {container.y + HEAD - 6:.1f}V{y - 5:.1f}q0 5 5 5H{box.x:.1f}"
    else:
        right = x + container.width - RAIL
        path = f"M{box.x + box.width:.1f} {y:.1f}H{right - 5:.1f}q5 0 5 5V{container.y + container.height:.1f}"
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".6" marker-end="url(#mlx-arrow)"/>'


def _ties(entries: Sequence[Entry], boxes: Mapping[int, Box]) -> list[str]:
    """Draw which weights are one and the same, left of all boxes."""
    places = {entries[index].path: box for index, box in boxes.items()}
    drawn = []
    for index, box in boxes.items():
        for name, path in entries[index].tied.items():
            if path not in places:
                continue
            above, below = sorted((places[path], box), key=lambda each: each.y)
            top, bottom = above.y - 4, below.y + below.height + 4  # between the rows, not across a neighbour
            line = (
                f"M{above.x + 14:.1f} {above.y:.1f}V{top:.1f}H-2q-8 0 -8 8V{bottom - 8:.1f}q0 8 8 8"
                f"H{below.x + 14:.1f}V{below.y + below.height:.1f}"
            )
            told = f"<title>{escape(f'{name} of {entries[index].path} is that of {path}')}</title>"
            drawn.append(f'<path d="{line}" fill="none" stroke="{TIE}" stroke-dasharray="5 3">{told}</path>')
    return drawn
