"""The cells bundle: the same bytes for the same cells, text and HTML beside it, limits that say what they cut."""

import json

import pytest
from display import results

from mlexpert_nb.display import About, cells_bundle, render_html, render_text, result_bundle, result_card, undo_bundle
from mlexpert_nb.display.cells import MAX_CELLS, MIME, WAYS, payload_of
from mlexpert_nb.packages import Cell

CELLS = (Cell("markdown", "# Model\n", "title"), Cell("code", "model = build()\nmodel", "build"))


def test_the_payload_is_the_published_one():
    assert cells_bundle(CELLS, title="TRM × Titans-MAG")[MIME] == {
        "version": 1,
        "auto": True,
        "title": "TRM × Titans-MAG",
        "cells": [
            {"cell_type": "markdown", "source": "# Model", "metadata": {"mlexpert": {"role": "title"}}},
            {
                "cell_type": "code",
                "source": "model = build()\nmodel",
                "metadata": {"mlexpert": {"role": "build"}, "tags": ["nbval-ignore-output"]},
            },
        ],
    }


def test_the_same_cells_give_the_same_bytes():
    once, again = (json.dumps(cells_bundle(CELLS, title="t")) for _ in range(2))
    assert once == again


def test_without_an_extension_there_is_html_and_text():
    bundle = cells_bundle((Cell("code", "print('<script>')", "evil</details>"),), title="<b>t</b>")
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert bundle["text/html"].count("</details>") == 1
    assert bundle["text/plain"] == "<b>t</b>: 1 cell for this notebook\n  1. evil</details> (code)"


def test_a_cell_that_is_too_long_is_left_out_with_a_note_and_never_cut_in_half():
    payload = cells_bundle((Cell("code", "x = 1\n" * 10**6, "big"), CELLS[1]), title="t")[MIME]
    note, kept = payload["cells"]
    assert note["cell_type"] == "markdown"
    assert "`big` was left out: 5,999,999 characters" in note["source"]
    assert kept["source"] == CELLS[1].source


def test_too_many_cells_are_counted_in_the_title():
    payload = cells_bundle([Cell("code", "1", f"c{i}") for i in range(2000)], title="t")[MIME]
    assert len(payload["cells"]) == MAX_CELLS
    assert payload["title"] == "t (the first 200 of 2,000 cells; the rest was left out)"


def test_a_payload_is_found_among_other_outputs():
    data = {MIME: {"version": 1, "auto": False, "cells": [{"cell_type": "code", "source": "1"}]}}
    assert payload_of(data)["auto"] is False


@pytest.mark.parametrize(
    "payload",
    [None, "text", {}, {"version": 2, "cells": []}, {"version": 1}, {"version": 1, "cells": [{"cell_type": "code"}]}],
)
def test_what_is_no_payload_is_not_taken_for_one(payload):
    assert payload_of({MIME: payload}) is None


@pytest.fixture
def about():
    return About(result_card(results.complete(), workspace="W"), "W", results.FACTS["receipt"])


def test_a_finished_run_is_one_bundle_of_card_and_cells(about):
    bundle = result_bundle(CELLS, about, title="Cells of implement")
    payload = bundle[MIME]
    assert payload["cells"] == cells_bundle(CELLS, title="t")[MIME]["cells"]
    assert (payload["workspace"], payload["receipt"]) == ("W", results.FACTS["receipt"])
    assert payload["card"]["asked"] == results.ASKED
    assert payload["card"]["figures"][0] == {"label": "Parameters", "whole": "24.9M", "value": "24.9M", "note": ""}
    assert payload["card"]["tables"][1]["header"] == ("file", "size", "tests", "what")
    assert bundle["text/html"].startswith(render_html(about.card))
    assert bundle["text/plain"].startswith(render_text(about.card))
    assert "2. build (code)" in bundle["text/plain"]


def test_the_bundle_is_the_same_each_time_and_names_no_place_of_this_machine(about, tmp_path):
    once, again = (json.dumps(result_bundle(CELLS, about, title="t")) for _ in range(2))
    assert once == again
    assert str(tmp_path.parent) not in once


def test_without_the_extension_the_cells_say_how_they_get_into_the_notebook(about):
    assert WAYS.split("`")[0] in result_bundle(CELLS, about, title="t")["text/html"]


def test_an_undo_brings_no_cells_and_names_the_run(about):
    bundle = undo_bundle(about.card, "sha256:1")
    assert (bundle[MIME]["cells"], bundle[MIME]["undoes"], bundle[MIME]["auto"]) == ([], "sha256:1", True)
    assert bundle["text/plain"] == render_text(about.card)
