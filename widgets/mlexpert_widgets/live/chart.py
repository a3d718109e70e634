"""Charts as SVG strings: lines over an axis, and histograms; text in `currentColor`, for light and dark pages.

Every line has a colour, a dash of its own and its name at its end, so that nothing hangs on colour alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, isfinite, log10

import numpy as np

from mlexpert_widgets.live.series import Floats, extremes
from mlexpert_widgets.share_bar import share_colours

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 28, 40
COLOURS, DASHES = 8, ("", "7 3", "2 3", "9 3 2 3")
TICKS = 5
POINTS, ALL_POINTS = 600, 2400  # of one line and of all, at most
NAMES = 12  # at the right edge, at most
NAME_LENGTH = 20
ROW = 15  # height of a name


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What stands at its end; empty for nothing.
        xs: Where its points are, oldest first.
        ys: Their values; a gap where one is no number.
        dashed: Whether it is drawn dashed, as what belongs to another line is.
        faint: Whether it stands behind the others.
        colour: Which colour of the palette it has; its place among the lines if none is named.
    """

    name: str
    xs: Sequence[float] | Floats
    ys: Sequence[float] | Floats
    dashed: bool = False
    faint: bool = False
    colour: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the horizontal axis with a word."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to places: a linear or logarithmic range laid over pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Give the pixel of a value."""
        return self.start + (self.end - self.start) * self.share(value)

    def share(self, value: float) -> float:
        """Give how far along the range a value is, 0 to 1."""
        if self.log:
            value, low, high = log10(max(value, self.low)), log10(self.low), log10(self.high)
        else:
            low, high = self.low, self.high
        return (value - low) / ((high - low) or 1.0)

    def ticks(self) -> list[float]:
        """Give round values to label."""
        return _log_ticks(self.low, self.high) if self.log else _linear_ticks(self.low, self.high)


def axis(values: Sequence[float] | Floats, start: float, end: float, *, log: bool = False) -> Axis:
    """Lay the range of some values over pixels; a logarithmic one leaves out what is not above zero."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found) & ((found > 0) | (not log))]
    low, high = (float(found.min()), float(found.max())) if len(found) else (1.0, 10.0)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)
    return Axis(low, high, start, end, log)


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_label: str,
    log_y: bool = False,
    marks: Sequence[Mark] = (),
) -> str:
    """Draw lines; a legend of names stands at their ends.

    Args:
        lines: What to draw, in the order to draw.
        title: What is shown; read aloud.
        x_label: What the horizontal axis is.
        log_y: Whether the vertical axis is logarithmic.
        marks: Places to point out.
    """
    x = axis([each for line in lines for each in _ends(line.xs)], LEFT, WIDTH - RIGHT)
    y = axis(_joined(lines), HEIGHT - BOTTOM, TOP, log=log_y)
    points = min(POINTS, ALL_POINTS // max(1, len(lines)))
    drawn = [_line(line, at, (x, y), points) for at, line in enumerate(lines)]
    together = '<g fill="none" stroke-width="1.8" stroke-linejoin="round">', *drawn, "</g>"
    return _svg(title, [*_grid(x, y, x_label), *_marks(marks, x), *together, *_names(lines, y)])


def histogram(
    edges: Sequence[float], counts: Mapping[str, Sequence[int]], *, title: str, x_label: str, marks: Sequence[Mark] = ()
) -> str:
    """Draw how often values fall between edges, over a logarithmic axis.

    Args:
        edges: Borders of the bins, ascending and above zero; one more than counts.
        counts: Counts of each named distribution.
        title: What is shown; read aloud.
        x_label: What the horizontal axis is, with its unit.
        marks: Places to point out.
    """
    x = Axis(edges[0], edges[-1], LEFT, WIDTH - RIGHT, log=True)
    highest = max((max(each, default=0) for each in counts.values()), default=0)
    y = Axis(0, max(1, highest), HEIGHT - BOTTOM, TOP)
    drawn = [_bins(edges, each, share_colours(COLOURS)[at], (x, y)) for at, each in enumerate(counts.values())]
    named = [Line(name, [0], [max(each, default=0)]) for name, each in counts.items()]
    return _svg(title, [*_grid(x, y, x_label), *drawn, *_marks(marks, x), *_names(named, y)])


def figure(value: float) -> str:
    """Give a number as an axis shows it."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:  # noqa: PLR2004 - beyond that an exponent is shorter
        return f"{value:.4g}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def _svg(title: str, parts: Sequence[str]) -> str:
    name = escape(title)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mlx-chart" role="img" aria-label="{name}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" style="max-width:{WIDTH}px" fill="currentColor" '
        f'font-family="inherit" font-size="12"><title>{name}</title>'
    )
    return "".join((head, f'<text x="{LEFT}" y="14" font-weight="600" font-size="13">{name}</text>', *parts, "</svg>"))


def _grid(x: Axis, y: Axis, x_label: str) -> list[str]:
    parts, below = [], HEIGHT - BOTTOM + 16
    for tick in y.ticks():
        at = f"{y.at(tick):.1f}"
        parts.append(
            f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity=".15"/>'
            f'<text x="{LEFT - 8}" y="{at}" dy=".32em" text-anchor="end" fill-opacity=".7">{figure(tick)}</text>'
        )
    parts += [
        f'<text x="{x.at(tick):.1f}" y="{below}" text-anchor="middle" fill-opacity=".7">{figure(tick)}</text>'
        for tick in x.ticks()
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    label = f'<text x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle" fill-opacity=".7">{escape(x_label)}</text>'
    return [*parts, label]


def _line(line: Line, at: int, axes: tuple[Axis, Axis], points: int) -> str:
    x, y = axes
    xs, ys = np.asarray(line.xs, dtype=float), np.asarray(line.ys, dtype=float)
    chosen = extremes(ys, max(16, points))
    path, pen, before = [], "m", (0, 0)
    for each_x, each_y in zip(xs[chosen].tolist(), ys[chosen].tolist(), strict=True):
        if not isfinite(each_y) or (y.log and each_y <= 0):
            pen = "m"
            continue
        now = round(10 * x.at(each_x)), round(10 * y.at(each_y))  # whole tenths, so that their sums stay exact
        right, down = _tenths(now[0] - before[0]), _tenths(now[1] - before[1])
        path.append(f"{pen or (right[0] != '-') * ' '}{right}{(down[0] != '-') * ' '}{down}")
        pen, before = "", now
    look = ' stroke-width="1" stroke-opacity=".35"' if line.faint else ""
    return f'<path d="{"".join(path)}" stroke="{_colour(line, at)}"{look}{_dash(line, at)}/>'


def _tenths(count: int) -> str:
    """Write a number of tenths as a path has it, with no zero that says nothing."""
    return f"{count / 10:g}".replace("0.", ".", 1) if abs(count) < 10 else f"{count / 10:g}"  # noqa: PLR2004 - tenths


def _colour(line: Line, at: int) -> str:
    return share_colours(COLOURS)[(at if line.colour is None else line.colour) % COLOURS]


def _dash(line: Line, at: int) -> str:
    """Give the attribute that dashes a line; nothing for a whole one."""
    place = (at if line.colour is None else line.colour) // COLOURS
    dash = "5 3" if line.dashed else DASHES[place % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _names(lines: Sequence[Line], y: Axis) -> list[str]:
    """Put the names at the right edge beside the last points, moved apart where they would overlap."""
    named = [(at, line) for at, line in enumerate(lines) if line.name and len(line.ys)]
    places = sorted((_last(line, y), at, line) for at, line in named)[:NAMES]
    parts = []
    for place, (_wanted, at, line) in zip(_apart([each[0] for each in places]), places, strict=True):
        text = line.name if len(line.name) <= NAME_LENGTH else f"{line.name[: NAME_LENGTH - 1]}…"
        left = WIDTH - RIGHT
        parts.append(
            f'<path d="M{left + 6} {place:.1f}h14" stroke="{_colour(line, at)}" stroke-width="3"{_dash(line, at)}/>'
            f'<text x="{left + 24}" y="{place:.1f}" dy=".32em">{escape(text)}</text>'
        )
    more = f'<text x="{WIDTH - RIGHT + 24}" y="{HEIGHT - BOTTOM + 16}">and {len(named) - len(places)} more</text>'
    return [*parts, more] if len(named) > len(places) else parts


def _apart(wanted: Sequence[float]) -> list[float]:
    """Move ascending places apart until each name has a row, and up until the last has one inside the chart."""
    places: list[float] = []
    for each in wanted:
        places.append(max(each, places[-1] + ROW if places else TOP))
    for at in range(len(places) - 1, -1, -1):
        limit = places[at + 1] - ROW if at + 1 < len(places) else HEIGHT - BOTTOM
        places[at] = min(places[at], limit)
    return places


def _last(line: Line, y: Axis) -> float:
    finite = [each for each in list(line.ys)[-50:] if isfinite(each) and (each > 0 or not y.log)]
    return y.at(finite[-1]) if finite else float(HEIGHT - BOTTOM)


def _bins(edges: Sequence[float], counts: Sequence[int], colour: str, axes: tuple[Axis, Axis]) -> str:
    x, y = axes
    path = [f"M{x.at(edges[0]):.1f} {y.at(0):.1f}"]
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        path.append(f"L{x.at(left):.1f} {y.at(count):.1f}H{x.at(right):.1f}")
    path.append(f"L{x.at(edges[-1]):.1f} {y.at(0):.1f}Z")
    drawn = "".join(path)
    return f'<path d="{drawn}" fill="{colour}" fill-opacity=".35" stroke="{colour}" stroke-width="1.4"/>'


def _marks(marks: Sequence[Mark], x: Axis) -> list[str]:
    parts, dash = [], 'stroke-dasharray="3 3"'
    for row, mark in enumerate(sorted(marks, key=lambda each: each.x)):
        at = f"{min(max(x.at(mark.x), LEFT), WIDTH - RIGHT):.1f}"
        parts.append(
            f'<path d="M{at} {TOP}V{HEIGHT - BOTTOM}" stroke="currentColor" stroke-opacity=".6" {dash}/>'
            f'<text x="{at}" y="{TOP + 10 + 13 * (row % 4)}" dx="4">{escape(mark.text)}</text>'
        )
    return parts


def _joined(lines: Sequence[Line]) -> Floats:
    return np.concatenate([np.asarray(line.ys, dtype=float) for line in lines]) if lines else np.zeros(0)


def _ends(xs: Sequence[float] | Floats) -> tuple[float, ...]:
    found = np.asarray(xs, dtype=float)
    return (float(found.min()), float(found.max())) if len(found) else ()


def _linear_ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / TICKS
    size = 10 ** floor(log10(rough))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= rough)
    first = -floor(-low / step)
    return [each * step for each in range(first, floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    whole = [10.0**each for each in range(-floor(-log10(low)), floor(log10(high)) + 1)]
    if len(whole) > TICKS:
        return whole[:: -(-len(whole) // TICKS)]
    fine = [each * 10.0**power for power in range(floor(log10(low)), floor(log10(high)) + 1) for each in (1, 2, 5)]
    inside = [each for each in fine if low <= each <= high]
    return whole if len(whole) >= 3 or len(inside) < 2 else inside  # noqa: PLR2004 - enough labels for a scale
