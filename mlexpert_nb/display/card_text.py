"""A card as plain text: for terminals, saved notebooks without HTML, and readers of diffs."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from mlexpert_nb.display.card import Card, Check, Figure, Step, Table
from mlexpert_nb.display.safe import one_line

WIDTH = 100
WIDE = 132  # of a table whose columns are named
SYMBOLS = {"good": "✓", "bad": "✗", "warn": "!", "info": "·"}


def render_text(card: Card, width: int = WIDTH) -> str:
    """Give a card as lines of at most about `width` characters; commands and paths are never broken."""
    return "\n".join(line.rstrip() for line in _lines(card, width))


def _lines(card: Card, width: int) -> Iterator[str]:
    yield f"{SYMBOLS[card.tone]} {card.headline}"
    for text in (card.message, f"asked: {one_line(card.asked, 300)}" if card.asked else ""):
        yield from _wrapped(text, width)
    for check in card.failed:
        yield from _failed(check, width)
    facts = [line for name, text in card.facts for line in _wrapped(f"{name}: {text}", width)]
    steps = [line for step in card.steps for line in _step(step, width)]
    tables = [_table(table, width) for table in card.tables]
    texts = [(f"{title}:", *(f"  {line}" for line in text.splitlines())) for title, text in card.texts]
    for block in (_figures(card.figures), _shares(card.shares), *tables, *texts, facts, steps):
        lines = list(block)
        yield from ("", *lines) if lines else ()


def _step(step: Step, width: int) -> Iterator[str]:
    if step.command:
        yield f"  {step.command}    ({step.why})"
    else:
        yield from _wrapped(step.why, width)


def _figures(figures: Sequence[Figure]) -> Iterator[str]:
    label = max((len(figure.label) for figure in figures), default=0)
    for figure in figures:
        yield f"  {figure.label:<{label}}  {figure.whole}"


def _failed(check: Check, width: int) -> Iterator[str]:
    yield f"  {SYMBOLS['bad']} {check.name}"
    rows = (("measured", check.measured), ("limit", check.limit), ("fix", check.fix), ("command", check.command))
    for name, text in rows:
        if text:
            yield from _wrapped(f"{name:<8}  {text}", width, indent="      ", hang="                ")


def _shares(shares: Sequence[tuple[str, float]]) -> Iterator[str]:
    total = sum(size for _, size in shares)
    name = max((len(each) for each, _ in shares), default=0)
    for each, size in shares:
        bar = "█" * round(24 * size / total)
        yield f"  {each:<{name}}  {size:>14,.0f}  {100 * size / total:5.1f} %  {bar}"


def _table(table: Table, width: int) -> Iterator[str]:
    shown = [row[: table.in_text] for row in table.rows] if table.in_text else []
    yield f"{table.title}:" if shown else table.title
    if shown and table.headed:
        shown = [table.header[: table.in_text], *shown]
    sizes = _sizes(shown, WIDE if table.headed else None)
    for row in shown:
        if len(row) == 1 or table.wrapped:
            yield from _wrapped("  ".join(row), width, hang=" " * (4 if len(row) == 1 else 5))
            continue
        cells = [f"{_cut(text, size) if table.headed else text:<{size}}" for text, size in zip(row, sizes, strict=True)]
        yield _cut(f"  {'  '.join(cells)}", WIDE if table.headed else width + 20)
    if shown and table.more:
        yield f"  … {table.more:,} more rows not shown"


def _sizes(rows: Sequence[Sequence[str]], limit: int | None) -> list[int]:
    """Give the widths of the columns; where there is a limit, the widest column gives way."""
    sizes = [min(44, max(map(len, column))) for column in zip(*rows, strict=True)]
    if limit is not None and sizes:
        over = 2 * len(sizes) + sum(sizes) - limit
        widest = sizes.index(max(sizes))
        sizes[widest] -= min(max(0, over), sizes[widest] - 1)
    return sizes


def _cut(line: str, limit: int) -> str:
    return line if len(line.rstrip()) <= limit else f"{line[: limit - 1]}…"


def _wrapped(text: str, width: int, indent: str = "  ", hang: str = "  ") -> Iterator[str]:
    for paragraph in text.splitlines():
        yield from wrap(
            paragraph,
            width,
            initial_indent=indent,
            subsequent_indent=hang,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
