"""The share bar: widths tell the truth, the description holds every figure, names cannot break out."""

import re
from xml.etree import ElementTree as ET

import pytest

from mlexpert_widgets import share_bar, share_colours

SVG = "{http://www.w3.org/2000/svg}"
PARTS = [("embedding", 8_000_000), ("memory", 4_000_000), ("attention", 4_000_000)]


def _svg(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own picture; that it parses is part of the promise


def _bars(svg: str) -> list[float]:
    return [float(each.get("width")) for each in _svg(svg).iter(f"{SVG}rect") if each.get("height") == "22"]


def test_widths_are_in_the_ratio_of_the_shares_and_fill_the_bar():
    widths = _bars(share_bar(PARTS, title="Parameters"))
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert sum(widths) == pytest.approx(480 - 2 * 2, abs=0.1)


def test_title_and_description_carry_every_name_and_figure():
    root = _svg(share_bar(PARTS, title="Parameters by module", unit="parameters"))
    assert (root.get("role"), root.get("aria-label")) == ("img", "Parameters by module")
    assert root.find(f"{SVG}title").text == "Parameters by module"
    said = root.find(f"{SVG}desc").text
    assert "embedding: 8,000,000 parameters, 50.0 %" in said
    assert "attention: 4,000,000 parameters, 25.0 %" in said


def test_text_takes_the_colour_of_the_page():
    svg = share_bar(PARTS, title="Parameters")
    assert 'fill="currentColor"' in svg
    assert not re.search(r"<text[^>]*fill=", svg)


def test_a_hostile_name_stays_text():
    svg = share_bar([('<img src=x onerror="alert(1)">', 1), ("</svg><script>", 1)], title='"><b>')
    assert "<img" not in svg
    assert "<script" not in svg
    assert _svg(svg).get("aria-label") == '"><b>'


def test_a_sliver_is_still_drawn_and_an_empty_share_is_not():
    assert len(_bars(share_bar([("all", 10**9), ("one", 1), ("none", 0)], title="t"))) == 2
    assert min(_bars(share_bar([("all", 10**9), ("one", 1)], title="t"))) > 0.9


def test_more_shares_than_colours_are_folded_into_the_last():
    svg = share_bar([(f"m{i}", 1) for i in range(20)], title="t")
    assert len(_bars(svg)) == 8
    assert "13 smaller parts: 13, 65.0 %" in svg


def test_without_a_legend_only_the_bar_is_drawn():
    svg = share_bar(PARTS, title="t", legend=False)
    assert "<text" not in svg
    assert "<title" not in svg
    assert "embedding: 8,000,000, 50.0 %" in _svg(svg).get("aria-label")
    assert 'viewBox="0 0 480 22"' in svg


def test_the_same_data_give_the_same_picture():
    assert share_bar(PARTS, title="t") == share_bar(PARTS, title="t")
    assert len(set(share_colours(8))) == 8


@pytest.mark.parametrize("parts", [[("a", -1)], [("a", float("nan"))]])
def test_a_share_that_is_no_share_is_refused(parts):
    with pytest.raises(ValueError, match="must be finite and not negative"):
        share_bar(parts, title="t")


@pytest.mark.parametrize("parts", [[], [("a", 0)]])
def test_nothing_to_share_is_refused(parts):
    with pytest.raises(ValueError, match="needs at least one share above zero"):
        share_bar(parts, title="t")
