"""A catalogue to search: rows of plain text in, a table that is filtered, sorted and opened in the browser."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import anywidget
import traitlets

from mlexpert_widgets.front_end import front_end


class CatalogueView(anywidget.AnyWidget):
    """A table with a search field; a row opens to tell more.

    The output holds a frozen table as HTML, into whose place the browser part puts the live one as long as the kernel
    lives, so that a saved notebook shows the table without a kernel, a script or widget state.

    Attributes:
        key: Class of the element that the table is put into.
        label: What is listed, as it is read aloud.
        columns: `{"key": ..., "label": ..., "number": bool}`, left to right; a row is sorted by `KEY_order` if it has
            that, else by `KEY`.
        rows: `{"name": ..., KEY: text, "search": text, "details": [[label, text], ...], "copy": text}`.
    """

    _esm = Path(__file__).with_suffix(".js").read_text("utf-8")
    _css = Path(__file__).with_suffix(".css").read_text("utf-8")
    key = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(
        self, rows: Sequence[Mapping[str, object]], columns: Sequence[Mapping[str, object]], *, label: str = "Catalogue"
    ) -> None:
        """Make a table that is shown nowhere yet.

        Args:
            rows: What is listed.
            columns: What is shown of each.
            label: What is listed, as it is read aloud.
        """
        plain_rows, plain_columns = [dict(each) for each in rows], [dict(each) for each in columns]
        super().__init__(key=f"mlx-{uuid4().hex}", label=label, columns=plain_columns, rows=plain_rows)

    def in_place_of(self, frozen: Mapping[str, str]) -> dict[str, object]:
        """Give the MIME data of an output that holds `frozen`, with the live table in its place where that can be."""
        html = f'<div class="mlx-catalogue-place {self.key}"><div class="mlx-frozen">{frozen["text/html"]}</div></div>'
        data: dict[str, object] = {**frozen, "text/html": html}
        if front_end() == "vscode":  # it draws a widget only in an output that is one
            made, _metadata = self._repr_mimebundle_() or ({}, {})
            data |= {name: value for name, value in made.items() if name != "text/plain"}
        return data

    def __repr__(self) -> str:
        return f"CatalogueView(rows={len(self.rows)})"  # what a saved notebook shows: no address that differs each time
