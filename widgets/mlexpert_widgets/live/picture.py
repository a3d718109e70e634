"""What a live view freezes into: a picture, the tables behind it and a summary, with no script and no kernel."""

from dataclasses import dataclass
from html import escape
from itertools import accumulate

TEXT_ROWS = 12  # of a table, in a terminal
HTML_ROWS = 200  # of a table, in a notebook that is to stay small
HTML_BYTES = 90_000  # of all of it; with an image beside it an output has at most 150 kB
FRAME_BYTES = 700  # around a table or all of them
LEAST_BYTES = 1500  # of each table, whatever else there is
CELL = "text-align:left"  # the rest is up to the page: it is said for every cell
FIGURE = "margin:0 0 4px 0;max-width:100%;overflow-x:auto"
CAPTION = "font-size:13px;line-height:1.5;margin-top:4px;max-width:75ch;white-space:pre-line"


@dataclass(frozen=True, slots=True)
class Table:
    """Text in rows and columns, formatted already."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def html(self, most_bytes: int = HTML_BYTES) -> str:
        """Give it as an HTML table.

        Args:
            most_bytes: What its rows may take.
        """
        head = "".join(f'<th scope="col" style="{CELL}">{escape(each)}</th>' for each in self.columns)
        rows = [f"<tr>{''.join(_cell(each) for each in row)}</tr>" for row in self.rows[:HTML_ROWS]]
        ends = accumulate(len(each.encode()) for each in rows)
        shown = [row for row, end in zip(rows, ends, strict=True) if end <= most_bytes]
        if len(self.rows) > len(shown):
            shown.append(f"<tr>{_cell(f'… {len(self.rows) - len(shown)} more rows')}</tr>")
        caption = f'<caption style="{CELL}">{escape(self.title)}</caption>'
        look = "font-variant-numeric:tabular-nums"
        return f'<table style="{look}">{caption}<thead><tr>{head}</tr></thead><tbody>{"".join(shown)}</tbody></table>'

    def text(self, limit: int = TEXT_ROWS) -> str:
        """Give it as aligned text of at most `limit` rows."""
        lines = [self.columns, *self.rows[:limit]]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        drawn = ["  ".join(each.ljust(width) for each, width in zip(line, widths, strict=True)) for line in lines]
        more = [f"… {len(self.rows) - limit} more rows"] if len(self.rows) > limit else []
        return "\n".join(line.rstrip() for line in (self.title, *drawn, *more))


def _cell(text: str) -> str:
    return f'<td style="{CELL}">{escape(text)}</td>'


@dataclass(frozen=True, slots=True)
class Picture:
    """A view at one moment.

    Attributes:
        title: What is shown.
        summary: What one sees in it, in sentences; also what a screen reader says.
        svg: The picture; text in `currentColor`, so that it serves light and dark pages.
        tables: The figures behind it.
    """

    title: str
    summary: str
    svg: str
    tables: tuple[Table, ...] = ()

    def html(self, key: str = "", *, most_bytes: int = HTML_BYTES) -> str:
        """Give it as HTML.

        Args:
            key: Class of the element that the live view is put into while there is one.
            most_bytes: What it may take; the tables are shortened to what the drawing leaves.
        """
        caption = f'<figcaption style="{CAPTION}">{escape(self.summary)}</figcaption>' if self.summary else ""
        figure = f'<figure class="mlx-frozen" style="{FIGURE}">{self.svg}{caption}</figure>'
        tables, room = "", most_bytes - len(figure.encode()) - FRAME_BYTES
        told = [each for each in self.tables if each.rows]
        for at, table in enumerate(told):
            share = (room - len(tables.encode())) // (len(told) - at)
            tables += table.html(max(LEAST_BYTES, share - FRAME_BYTES))
        details = f'<details class="mlx-tables"><summary>Data</summary>{tables}</details>' if tables else ""
        name = f'class="mlx-view {escape(key)}" role="group" aria-label="{escape(self.title)}"'
        return f"<div {name}>{figure}{details}</div>"

    def text(self) -> str:
        """Give it as text."""
        parts = (self.title, self.summary, *(table.text() for table in self.tables if table.rows))
        return "\n\n".join(part for part in parts if part)
