"""Charts as SVG: well formed, bounded, nothing of the data becomes markup."""

import re
import xml.etree.ElementTree as ET
from itertools import accumulate

import numpy as np
import pytest

from mlexpert_widgets.live.chart import Axis, Line, Mark, axis, figure, histogram, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own text


def places(path):
    """Give the points of a path of relative moves."""
    moves = [float(each) for each in re.findall(r"-?[\d.]+", path)]
    return list(zip(accumulate(moves[::2]), accumulate(moves[1::2]), strict=True))


def test_ten_runs_of_a_hundred_thousand_points_make_a_small_picture_with_every_spike():
    noise = np.random.default_rng(0).normal(size=100_000)
    noise[77_777] = 1000
    lines = [Line(f"run {at}", np.arange(100_000), noise + at) for at in range(10)]
    svg = line_chart(lines, title="loss", x_label="step")
    assert len(svg) < 100_000
    paths = [each.get("d") for each in drawn(svg).iter(f"{SVG}path")]
    tops = [min(y for _x, y in places(path)) for path in paths if path.startswith("m")]
    assert len(tops) == 10
    assert max(tops) < 40


def test_a_path_says_where_each_point_is_to_a_tenth_of_a_pixel_and_does_not_drift():
    values = np.random.default_rng(0).normal(size=500).cumsum()
    (path,) = [
        path
        for each in drawn(line_chart([Line("a", np.arange(500), values)], title="t", x_label="x")).iter(f"{SVG}path")
        if (path := each.get("d")).startswith("m")
    ]
    x, y = axis(range(500), 64, 590), axis(values, 220, 28)
    expected = [(x.at(at), y.at(value)) for at, value in enumerate(values)]
    assert np.abs(np.array(places(path)) - expected).max() < 0.051


def test_what_is_no_number_is_a_gap():
    svg = line_chart([Line("a", range(5), [1, 2, float("nan"), 4, 5])], title="t", x_label="x")
    assert "nan" not in svg.lower()
    assert any(each.get("d", "").count("m") == 2 for each in drawn(svg).iter(f"{SVG}path"))


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0], [float("nan")], [float("inf"), 1.0], [0.0, -1.0]])
@pytest.mark.parametrize("log_y", [False, True])
def test_any_values_can_be_drawn(values, log_y):
    svg = line_chart([Line("a", range(len(values)), values)], title="t", x_label="x", log_y=log_y)
    drawn(svg)
    assert "inf" not in svg
    assert "nan" not in svg


def test_no_lines_at_all_make_an_empty_chart():
    drawn(line_chart([], title="t", x_label="x"))


def test_names_titles_and_marks_are_text():
    bad = '<img src=x onerror="alert(1)">&"'
    svg = line_chart([Line(bad, [0, 1], [0, 1])], title=bad, x_label=bad, marks=[Mark(1, bad)])
    svg += histogram([1, 2, 4], {bad: [1, 2]}, title=bad, x_label=bad, marks=[Mark(2, bad)])
    assert "<img" not in svg


def test_more_lines_than_names_have_room_are_counted():
    svg = line_chart([Line(f"run {at}", [0, 1], [at, at]) for at in range(30)], title="t", x_label="x")
    assert "and 18 more" in svg


def test_a_histogram_has_a_bar_for_every_bin():
    svg = histogram([1, 10, 100], {"a": [3, 1]}, title="latency", x_label="ms")
    assert [each.get("d").count("H") for each in drawn(svg).iter(f"{SVG}path") if each.get("fill-opacity")] == [2]


def test_ticks_are_round_and_inside():
    assert axis([0.1, 0.93], 0, 100).ticks() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert axis([1, 900], 0, 100, log=True).ticks() == pytest.approx([1, 10, 100])
    assert axis([2, 6], 0, 100, log=True).ticks() == pytest.approx([2, 5])
    assert Axis(0, 10, 0, 100).at(5) == 50


def test_figures_are_short():
    assert [figure(each) for each in (0, 0.5, 1234, 123456.0, 1e-9)] == ["0", "0.5", "1234", "1e5", "1e-9"]
