"""Series of points: growth, thinning that keeps every extreme, and the cuts that go to the browser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlexpert_widgets.live.series import Series, extremes


def filled(count, *, capacity=1 << 20):
    series = Series("loss", capacity=capacity)
    series.extend(range(count), [each / 10 for each in range(count)], [each % 7 for each in range(count)])
    return series


def unpacked(cut):
    return np.frombuffer(cut.data, "<f4").reshape(3, cut.length)


def test_points_come_back_in_the_order_they_were_added():
    series = filled(1000)
    series.append(5, 200.0, float("nan"))
    assert len(series) == 1001
    assert series.step[:3].tolist() == [0, 1, 2]
    assert (series.step[-1], series.time[-1]) == (5, 200)
    assert np.isnan(series.value[-1])
    assert not series.thinned


def test_a_series_that_is_full_is_thinned_and_keeps_the_spikes_and_the_newest_points():
    series = Series("loss", capacity=1000)
    for at in range(10_000):
        series.append(at, at, 50.0 if at == 123 else -50.0 if at == 4321 else 1.0)
    assert len(series) <= 1000
    assert series.thinned
    assert series.value.max() == 50
    assert series.value.min() == -50
    assert series.step[0] == 0
    assert series.step[-100:].tolist() == list(range(9900, 10_000))
    assert (np.diff(series.step) > 0).all()


def test_a_capacity_that_cannot_be_thinned_is_refused():
    with pytest.raises(ValueError, match="at least 16 points, not 4"):
        Series("loss", capacity=4)


def test_a_cut_gives_what_a_reader_lacks_and_all_of_it_after_a_thinning():
    series = filled(100, capacity=128)
    first = series.cut(0, -1, 60)
    assert (first.start, first.length) == (0, 60)
    rest = series.cut(60, first.generation, 1000)
    assert (rest.start, rest.length) == (60, 40)
    assert unpacked(rest)[0].tolist() == list(range(60, 100))
    series.extend(range(100), range(100), range(100))
    again = series.cut(100, rest.generation, 1000)
    assert (again.start, again.length, again.generation > rest.generation) == (0, len(series), True)


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.just(float("inf"))), min_size=1, max_size=400),
    st.integers(4, 60),
)
def test_extremes_are_few_ordered_and_hold_the_ends_and_the_least_and_the_greatest(values, limit):
    found = np.array(values)
    chosen = extremes(found, limit)
    assert (np.diff(chosen) > 0).all()
    assert chosen[0] == 0
    assert chosen[-1] == len(values) - 1
    assert len(chosen) <= max(limit, 4) + 5
    numbers = found[~np.isnan(found)]
    if len(numbers):
        kept = found[chosen][~np.isnan(found[chosen])]
        assert kept.max() == numbers.max()
        assert kept.min() == numbers.min()
    assert np.isnan(found).any() == np.isnan(found[chosen]).any()


def test_what_is_put_down_late_is_read_as_if_it_had_been_written_at_once():
    late, written = Series("loss", capacity=64), Series("loss", capacity=64)
    cuts, at = [], 0
    for count in (3, 1, 20, 5, 40, 7, 2, 100, 4):
        points = tuple(tuple(float(10 * row + each) for each in range(at, at + count)) for row in range(3))
        start, generation = len(late), late.generation
        late.put(*points)
        written.extend(*points)
        cuts.append((late.cut(start, generation, 1000), written.cut(start, generation, 1000)))
        at += count
    assert all(one == other for one, other in cuts)
    assert late.cut(2, late.generation, 3) == written.cut(2, written.generation, 3)
    assert (late.step == written.step).all()
    assert late.decimated(16) == written.decimated(16)
    assert late.generation == written.generation > 0


def test_the_newest_points_are_cut_before_anybody_has_read_the_series():
    series = Series("loss")
    series.put((1.0, 2.0), (0.1, 0.2), (5.0, 6.0))
    series.put((3.0,), (0.3,), (7.0,))
    cut = series.cut(1, 0, 10)
    assert (cut.start, cut.length) == (1, 2)
    assert np.frombuffer(cut.data, "<f4").tolist() == pytest.approx([2, 3, 0.2, 0.3, 6, 7])
    assert series.cut(0, 0, 1).length == 1
    assert series.value.tolist() == [5, 6, 7]
