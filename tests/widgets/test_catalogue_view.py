"""The catalogue view: its output with and without a front end, and its pure parts in node."""

import subprocess
from pathlib import Path

import pytest

from mlexpert_widgets import CatalogueView, catalogue_view

ROOT = Path(__file__).parents[2]
ROWS = [{"name": "vit", "search": "vit", "details": [["What", "an image classifier"]], "copy": "Implement ViT"}]
FROZEN = {"text/html": "<table>vit</table>", "text/plain": "vit"}


@pytest.fixture
def view():
    made = CatalogueView(ROWS, [{"key": "name", "label": "name", "number": False}], label="The catalogue")
    yield made
    made.close()


def test_the_output_holds_the_frozen_table_and_the_place_of_the_live_one(view):
    data = view.in_place_of(FROZEN)
    assert set(data) == {"text/html", "text/plain"}
    assert f'class="mlx-catalogue-place {view.key}"' in data["text/html"]
    assert FROZEN["text/html"] in data["text/html"]
    assert data["text/plain"] == "vit"


def test_two_views_have_places_of_their_own(view):
    other = CatalogueView(ROWS, [])
    assert view.key != other.key
    other.close()


def test_vs_code_gets_the_widget_in_the_output(view, monkeypatch):
    monkeypatch.setattr(catalogue_view, "front_end", lambda: "vscode")
    data = view.in_place_of(FROZEN)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert data["text/plain"] == "vit"


def test_the_browser_is_told_plain_rows(view):
    assert view.get_state(["rows", "label"]) == {"rows": ROWS, "label": "The catalogue"}
    assert repr(view) == "CatalogueView(rows=1)"


def test_the_parts_that_need_no_browser_do_what_they_say(node):
    tests = ROOT / "tests" / "widgets" / "catalogue_view.test.mjs"
    done = subprocess.run([node, "--test", tests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
