"""Other versions carried into a notebook: the extension puts them where the writer of files does, or keeps them out."""

import json

import nbformat
import pytest

from mlexpert_nb.display import carried_cells, carry_bundle, cells_bundle, put_cells, read_side, stopped_card
from mlexpert_nb.display.cells import MIME
from mlexpert_nb.display.notebook_cells import materialise, wanted_cells
from mlexpert_nb.packages import Cell

BASE = (Cell("markdown", "# T", "intro"), Cell("code", "a = 1", "a"), Cell("code", "b = 1", "b"))
NEW = {"a": Cell("code", "a = 'file'", "a"), "b": Cell("code", "b = 1", "b")}


@pytest.fixture
def notebook(tmp_path):
    magic = nbformat.v4.new_code_cell("%%mlexpert implement\nx")
    magic.outputs = [nbformat.v4.new_output("display_data", data=cells_bundle(BASE, title="t"))]
    made = nbformat.v4.new_notebook(cells=[magic, nbformat.v4.new_code_cell("mine")])
    made.cells = materialise(made, 0, wanted_cells(magic))
    path = tmp_path / "n.ipynb"
    nbformat.write(made, path)
    return path


def _views(path):
    cells = nbformat.read(path, as_version=4).cells
    return [{"cell_type": c.cell_type, "source": c.source, "meta": dict(c.metadata.get("mlexpert", {}))} for c in cells]


def _carried(extension, path, side, cells):
    sent = carried_cells(side, cells, BASE)
    bundle = carry_bundle(stopped_card("x", "y"), side.origin, [(c.cell, c.marks, c.expects) for c in sent])
    payload = extension("payload", payload=json.loads(json.dumps(bundle[MIME])))
    return extension("carry", cells=_views(path), origin=payload["carries"], versions=payload["cells"])


@pytest.mark.parametrize("gone", [None, "a", "b"])
def test_both_put_the_same_versions_in_the_same_places(extension, notebook, tmp_path, gone):
    document = nbformat.read(notebook, as_version=4)
    document.cells = [c for c in document.cells if c.metadata.get("mlexpert", {}).get("role") != (gone or "-")]
    nbformat.write(document, notebook)
    side = read_side(notebook, tmp_path, BASE)
    expected = _carried(extension, notebook, side, NEW)
    put_cells(side, NEW, BASE)
    assert expected["kept"] == []
    assert [(s["source"], s["meta"]) for s in expected["slots"]] == [(v["source"], v["meta"]) for v in _views(notebook)]


def test_a_cell_that_was_edited_since_the_comparison_is_kept(extension, notebook, tmp_path):
    side = read_side(notebook, tmp_path, BASE)
    document = nbformat.read(notebook, as_version=4)
    document.cells[2].source = "a = 'typed meanwhile'"
    nbformat.write(document, notebook)
    carried = _carried(extension, notebook, side, NEW)
    assert carried["kept"] == ["a"]
    assert [slot["source"] for slot in carried["slots"]] == [view["source"] for view in _views(notebook)]


def test_a_cell_whose_request_is_gone_has_no_place(extension):
    version = {"cell_type": "code", "source": "x", "role": "a", "marks": {"index": 0}, "expects": ""}
    carried = extension(
        "carry", cells=[{"cell_type": "code", "source": "u", "meta": {}}], origin="O", versions=[version]
    )
    assert carried["kept"] == ["a"]
