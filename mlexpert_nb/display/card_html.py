"""A card as HTML for a notebook output: colours of the page's theme, folded details, no script.

The frame is styled in place as well as in the style sheet: a notebook that is not trusted keeps only the former.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources

from mlexpert_nb.display.card import Card, Check, Step, Table, Tone
from mlexpert_nb.display.card_text import SYMBOLS, render_text
from mlexpert_nb.display.safe import html
from mlexpert_widgets import share_bar, share_colours

TONES: dict[Tone, str] = {"good": "#2da44e", "bad": "#e5534b", "warn": "#d4a72c", "info": "#539bf5"}
FRAME = "border:1px solid rgba(128,128,128,0.35);border-radius:6px;padding:12px 16px"
QUOTE = "border-left:3px solid rgba(128,128,128,0.35);margin:8px 0;padding-left:10px"
SWATCH = "border-radius:2px;display:inline-block;height:10px;margin-right:8px;width:10px"
LONG = 280  # characters of a request that are shown without a click


def render_html(card: Card) -> str:
    """Give a card as one self-contained HTML element."""
    return frame(card.tone, _parts(card))


def render_bundle(card: Card) -> dict[str, str]:
    """Give a card as a MIME bundle, for a notebook output."""
    return {"text/html": render_html(card), "text/plain": render_text(card)}


def frame(tone: Tone, parts: Iterable[str]) -> str:
    """Wrap HTML parts in the frame that card and progress share, with its style sheet."""
    look = f"{FRAME};border-left:4px solid {TONES[tone]}"
    return f'<div class="mlx mlx-{tone}" style="{look}"><style>{_style()}</style>{"".join(parts)}</div>'


def headline(inner: str) -> str:
    """Give a headline; not an `h3`, which would appear in the notebook's table of contents."""
    return f'<div class="mlx-head" role="heading" aria-level="3" style="font-size:1.15em">{inner}</div>'


def rows(pairs: Iterable[tuple[str, str]], extra: str = "") -> str:
    """Give names and texts as a description list; empty texts are left out."""
    body = "".join(f"<dt>{html(name)}</dt><dd>{text}</dd>" for name, text in pairs if text)
    return f'<dl class="mlx-rows {extra}">{body}</dl>' if body else ""


def folded(title: str, body: str, *, unfolded: bool = False) -> str:
    """Give a heading that opens on a click."""
    return f"<details{' open' if unfolded else ''}><summary>{html(title)}</summary>{body}</details>"


@cache
def _style() -> str:
    return resources.files("mlexpert_nb.display").joinpath("mlexpert.css").read_text("utf-8")


def _parts(card: Card) -> Iterator[str]:
    mark = f'<span class="mlx-mark" aria-hidden="true">{SYMBOLS[card.tone]}</span>'
    yield headline(f"{mark} <strong>{html(card.headline)}</strong>")
    if card.message:
        yield f"<p>{html(card.message)}</p>"
    if card.asked:
        yield _asked(card.asked)
    if card.failed:
        yield f'<ul class="mlx-failed">{"".join(map(_failed, card.failed))}</ul>'
    if card.figures:
        yield '<dl class="mlx-figures">'
        for figure in card.figures:
            note = f" <small>{html(figure.note)}</small>" if figure.note else ""
            yield f"<div><dt>{html(figure.label)}</dt><dd>{html(figure.value)}{note}</dd></div>"
        yield "</dl>"
    if card.shares:
        yield _shares(card.shares)
    yield from map(_table, card.tables)
    yield from (folded(title, f"<pre>{html(text, 20_000)}</pre>") for title, text in card.texts)
    if card.facts:
        yield rows(((name, html(text)) for name, text in card.facts), "mlx-facts")
    if card.steps:
        yield f'<ul class="mlx-steps">{"".join(map(_step, card.steps))}</ul>'


def _asked(asked: str) -> str:
    whole = f'<div class="mlx-asked mlx-quiet" style="{QUOTE}">{html(asked)}</div>'
    return whole if len(asked) <= LONG else folded(f"asked: {asked[:LONG]}…", whole)


def _failed(check: Check) -> str:
    texts = (("measured", check.measured), ("limit", check.limit), ("fix", check.fix))
    command = f"<code>{html(check.command)}</code>" if check.command else ""
    body = rows([*((name, html(text)) for name, text in texts), ("command", command)])
    return f"<li><strong>{SYMBOLS['bad']} {html(check.name)}</strong>{body}</li>"


def _shares(shares: Sequence[tuple[str, float]]) -> str:
    total = sum(size for _, size in shares)
    colours = share_colours(len(shares))
    legend = "".join(
        f'<li><span style="{SWATCH};background-color:{colour}"></span>{html(name)} '
        f'<span class="mlx-quiet">{size:,.0f} ({100 * size / total:.1f} %)</span></li>'
        for (name, size), colour in zip(shares, colours, strict=True)
    )
    picture = share_bar(shares, title="Where the parameters are", unit="parameters", legend=False)
    return f'<div class="mlx-shares">{picture}<ul class="mlx-legend">{legend}</ul></div>'


def _table(table: Table) -> str:
    names = "".join(f"<th>{html(name)}</th>" for name in table.header)
    head = f"<thead><tr>{names}</tr></thead>" if len(table.header) > 1 else ""
    body = "".join(f"<tr>{''.join(f'<td>{html(each)}</td>' for each in row)}</tr>" for row in table.rows)
    more = f"<p>… {table.more:,} more rows not shown</p>" if table.more else ""
    grid = f"<table>{head}<tbody>{body}</tbody></table>"
    return folded(table.title, f'<div class="mlx-scroll">{grid}</div>{more}', unfolded=table.unfolded)


def _step(step: Step) -> str:
    if not step.command:
        return f"<li>{html(step.why)}</li>"
    return f'<li><code>{html(step.command)}</code> <span class="mlx-quiet">{html(step.why)}</span></li>'
