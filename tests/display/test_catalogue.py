"""The catalogue as a table, as everything about one entry, and as a view in a notebook."""

import pytest

from mlexpert_nb.catalogue import ENTRIES, Timing, Verified
from mlexpert_nb.catalogue.verified import Oracle
from mlexpert_nb.display import catalogue, catalogue_bundle, catalogue_card, render_html, render_text
from mlexpert_nb.display.catalogue import COLUMNS

ALL = tuple(ENTRIES.values())
VIT = ENTRIES["vit"]
PROVEN = Verified(
    date="2026-11-28",
    status="implementation_complete",
    tests=41,
    coverage=98.0,
    kill_rate=0.9583,
    oracles=(
        Oracle("transformers ViTForImageClassification", output=9e-16, gradient=2e-14, parameters=86_567_656),
        Oracle("timm, its block", output=1e-15),
    ),
)
TIMED = {"vit": Timing(31.4, "pass over one example", "CPU", 1, "2.13.0")}


@pytest.fixture
def proven(monkeypatch):
    monkeypatch.setattr(catalogue, "verified", lambda name: PROVEN if name == "vit" else Verified())


def _line(text, name):
    (line,) = (each for each in text.splitlines() if each.startswith(f"  {name} "))
    return line


@pytest.mark.usefixtures("proven")
def test_the_table_says_what_was_measured_and_what_was_not():
    text = render_text(catalogue_card(ALL, TIMED))
    line = _line(text, "vit")
    said = ("Vision Transformer", "5.7M", "31ms, 1 thread", "transformers 2e-14 (+1)", "96 %", "2026-11-28")
    assert all(each in line for each in said)
    assert _line(text, "bert").split() == ["bert", "BERT", "11.2M", "—", "not", "yet", "not", "yet", "not", "yet"]


def test_every_entry_has_a_line_under_the_names_of_the_columns_that_fits_a_terminal():
    lines = render_text(catalogue_card(ALL, TIMED)).splitlines()
    (head,) = (each for each in lines if each.startswith("  name "))
    assert [label for _, label in COLUMNS if label not in head] == []
    assert [name for name in ENTRIES if not any(each.startswith(f"  {name} ") for each in lines)] == []
    assert max(map(len, lines)) <= 132


def test_html_holds_summary_features_and_papers_of_every_entry():
    shown = render_html(catalogue_card(ALL, {}))
    for entry in ALL:
        assert entry.name in shown
    assert "arXiv:2010.11929" in shown
    assert shown.count("<tr>") >= 2 * len(ALL)


@pytest.mark.usefixtures("proven")
def test_of_one_entry_everything_is_told():
    text = " ".join(render_text(catalogue_card([VIT], TIMED, front="mlexpert")).split())
    assert "…" not in text
    assert all(each in text for each in (VIT.summary, *VIT.features, *VIT.papers, *VIT.presets, *VIT.numbers))
    assert "31ms a pass over one example (CPU, 1 thread, torch 2.13.0)" in text
    assert "transformers ViTForImageClassification: outputs 9e-16, gradients 2e-14; 86,567,656 parameters" in text
    assert "2026-11-28: implementation complete, 41 tests of its own, 98 % of the lines, 96 % of planted faults" in text
    assert 'mlexpert implement "Implement a Vision Transformer"' in text


def test_what_could_not_be_timed_is_a_failure_with_its_reason():
    card = catalogue_card([VIT], {}, ["vit could not be timed: killed"])
    assert card.tone == "bad"
    assert "vit could not be timed: killed" in render_text(card)


def test_without_a_front_end_the_bundle_is_the_card():
    card = catalogue_card(ALL, {})
    assert catalogue_bundle(card, list(ENTRIES))["text/html"] == render_html(card)


@pytest.mark.usefixtures("proven")
def test_a_front_end_gets_a_view_in_the_place_of_the_card(monkeypatch):
    monkeypatch.setattr(catalogue, "front_end", lambda: "jupyter")
    card, made = catalogue_card(ALL, TIMED), []
    monkeypatch.setattr("mlexpert_widgets.CatalogueView", lambda rows, *_, **__: made.extend(rows) or _Placed())
    assert catalogue_bundle(card, list(ENTRIES)) == {"text/html": "placed"}
    (row,) = (each for each in made if each["name"] == "vit")
    assert row["copy"] == "%%mlexpert implement\nImplement a Vision Transformer"
    assert (row["oracle_order"], row["kill_rate_order"], row["parameters_order"]) == (2e-14, 0.9583, 5_717_416)
    assert "patch embedding" in row["search"]
    (other,) = (each for each in made if each["name"] == "bert")
    assert (other["latency_order"], other["kill_rate_order"], other["oracle_order"]) == (None, None, None)
    assert catalogue_bundle(catalogue_card([VIT], {}), ["vit"])["text/plain"].startswith("· Vision Transformer")


class _Placed:
    def in_place_of(self, _frozen):
        return {"text/html": "placed"}
