"""Share bar: one horizontal bar cut into named shares, with a legend, as an SVG string.

Text and lines take `currentColor`, so one picture serves light and dark pages; every figure is also in the accessible
description, so nothing hangs on colour alone.
"""

from collections.abc import Sequence
from html import escape
from math import isfinite

# Okabe and Ito 2008: told apart with every common colour blindness. Grey stands in for black, which a dark page hides.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
WIDTH, BAR, ROW, GAP = 480, 22, 22, 2


def share_bar(parts: Sequence[tuple[str, float]], *, title: str, unit: str = "", legend: bool = True) -> str:
    """Draw named shares of one whole.

    Args:
        parts: Name and size of each share, in the order to draw; shares beyond the palette are drawn as one.
        title: What the whole is; read aloud and shown on hover.
        unit: Word after a size in the legend ("parameters").
        legend: Whether to list the shares under the bar; a bar without one stretches to any size.

    Raises:
        ValueError: A size is negative or not finite, or all are zero.
    """
    shown = merged(parts)
    total = sum(size for _, size in shown)
    rows = [f"{name}: {_figure(size, unit)}, {_percent(size, total)}" for name, size in shown]
    height = BAR + (10 + ROW * len(shown) if legend else 0)
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="mlx-share-bar" role="img" viewBox="0 0 {WIDTH} {height}" ',
            f'width="100%" style="max-width:{WIDTH}px" fill="currentColor" font-family="inherit" font-size="13" ',
            *(_spoken(title, rows) if legend else _bare(title, rows)),
            *_bar([size for _, size in shown], rows if legend else ()),
            *(_legend(shown, total, unit) if legend else ()),
            "</svg>",
        ),
    )


def share_colours(count: int) -> tuple[str, ...]:
    """Give the colours of `count` shares, for a legend that a caller draws itself; the folded ones share the last."""
    return tuple(COLOURS[min(each, len(COLOURS) - 1)] for each in range(count))


def merged(parts: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Drop empty shares and fold those beyond the palette into the last one."""
    if any(size < 0 or not isfinite(size) for _, size in parts):
        raise ValueError(f"shares must be finite and not negative: {list(parts)}")
    shown = [(name, size) for name, size in parts if size > 0]
    if not shown:
        raise ValueError("a share bar needs at least one share above zero")
    if len(shown) <= len(COLOURS):
        return shown
    head, tail = shown[: len(COLOURS) - 1], shown[len(COLOURS) - 1 :]
    return [*head, (f"{len(tail)} smaller parts", sum(size for _, size in tail))]


def _spoken(title: str, rows: Sequence[str]) -> tuple[str, ...]:
    """Give the accessible name and description of a picture that stands alone."""
    name, description = escape(title), escape("; ".join(rows))
    return (f'aria-label="{name}"><title>{name}</title><desc>{description}</desc>',)


def _bare(title: str, rows: Sequence[str]) -> tuple[str, ...]:
    """Say all of it in the name: where a page drops the picture, no text of it may stay behind without the picture."""
    name = escape(f"{title}: {'; '.join(rows)}")
    return (f'preserveAspectRatio="none" aria-label="{name}">',)


def _bar(sizes: Sequence[float], labels: Sequence[str]) -> list[str]:
    """Give one rectangle a share; a share too thin to see still gets a sliver."""
    room = WIDTH - GAP * (len(sizes) - 1)
    widths = [max(1.0, room * size / sum(sizes)) for size in sizes]
    scale = room / sum(widths)
    drawn, left = [], 0.0
    for at, (width, colour) in enumerate(zip(widths, COLOURS, strict=False)):
        hover = f"<title>{escape(labels[at])}</title>" if labels else ""
        box = f'x="{left:.2f}" y="0" width="{width * scale:.2f}" height="{BAR}" rx="2"'
        drawn.append(f'<rect {box} fill="{colour}">{hover}</rect>')
        left += width * scale + GAP
    return drawn


def _legend(parts: Sequence[tuple[str, float]], total: float, unit: str) -> list[str]:
    rows = []
    for row, ((name, size), colour) in enumerate(zip(parts, COLOURS, strict=False)):
        y = BAR + 10 + ROW * row
        rows.append(
            f'<rect x="0" y="{y}" width="12" height="12" rx="2" fill="{colour}"/>'
            f'<text x="20" y="{y + 11}">{escape(_short(name))}</text>'
            f'<text x="{WIDTH - 56}" y="{y + 11}" text-anchor="end">{escape(_figure(size, unit))}</text>'
            f'<text x="{WIDTH}" y="{y + 11}" text-anchor="end">{_percent(size, total)}</text>',
        )
    return rows


def _figure(size: float, unit: str) -> str:
    number = f"{size:,.0f}" if float(size).is_integer() else f"{size:,.3g}"
    return f"{number} {unit}".strip()


def _percent(size: float, total: float) -> str:
    return f"{100 * size / total:.1f} %"


def _short(name: str, limit: int = 34) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"
