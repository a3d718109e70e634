"""What a live view freezes into: a picture, the tables behind it and a summary, with no script and no kernel."""

from dataclasses import dataclass
from html import escape

TEXT_ROWS = 12  # of a table, in a terminal
HTML_ROWS = 200  # of a table, in a notebook that is to stay small
CELL = "padding:2px 14px 2px 0;text-align:left;font-variant-numeric:tabular-nums;vertical-align:top"
FIGURE = "margin:0 0 4px 0;max-width:100%;overflow-x:auto"
CAPTION = "font-size:13px;line-height:1.5;margin-top:4px;max-width:75ch;white-space:pre-line"


@dataclass(frozen=True, slots=True)
class Table:
    """Text in rows and columns, formatted already."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def html(self) -> str:
        """Give it as an HTML table."""
        head = "".join(f'<th scope="col" style="{CELL}">{escape(each)}</th>' for each in self.columns)
        shown = self.rows[:HTML_ROWS]
        rows = "".join(f"<tr>{''.join(_cell(each) for each in row)}</tr>" for row in shown)
        if len(self.rows) > len(shown):
            rows += f"<tr>{_cell(f'… {len(self.rows) - len(shown)} more rows')}</tr>"
        caption = f'<caption style="text-align:left">{escape(self.title)}</caption>'
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

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

    def html(self, key: str = "") -> str:
        """Give it as HTML.

        Args:
            key: Class of the element that the live view is put into while there is one.
        """
        caption = f'<figcaption style="{CAPTION}">{escape(self.summary)}</figcaption>' if self.summary else ""
        figure = f'<figure class="mlx-frozen" style="{FIGURE}">{self.svg}{caption}</figure>'
        tables = "".join(table.html() for table in self.tables if table.rows)
        details = f'<details class="mlx-tables"><summary>Data</summary>{tables}</details>' if tables else ""
        name = f'class="mlx-view {escape(key)}" role="group" aria-label="{escape(self.title)}"'
        return f"<div {name}>{figure}{details}</div>"

    def text(self) -> str:
        """Give it as text."""
        parts = (self.title, self.summary, *(table.text() for table in self.tables if table.rows))
        return "\n\n".join(part for part in parts if part)
