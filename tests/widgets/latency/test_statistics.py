"""Intervals that hold as often as they say, and warm-ups that are found where they are."""

import numpy as np
import pytest

from mlexpert_widgets.latency.statistics import needed, quantile, ranks, warm_up


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_an_interval_holds_the_true_quantile_in_95_of_100_cases(share):
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        ordered = np.sort(rng.random(1000))
        found = quantile(lambda rank, ordered=ordered: float(ordered[rank - 1]), 1000, share)
        held += found.low <= share <= found.high
    assert 0.94 <= held / 1000 <= 0.99


def test_ranks_are_those_of_the_binomial_distribution():
    assert ranks(1000, 0.5) == (469, 532)  # as scipy.stats.binom has it
    assert ranks(10_000_000, 0.99)[0] == pytest.approx(9_900_000, rel=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_there_is_an_interval_from_the_stated_number_on(share):
    assert None not in ranks(needed(share), share)
    assert None in ranks(needed(share) - 1, share)


@pytest.mark.parametrize("seed", range(10))
def test_a_slow_start_is_left_out(seed):
    times = np.random.default_rng(seed).lognormal(-7, 0.1, 500)
    times[0] *= 50
    times[1:20] *= 3
    found = warm_up(times)
    assert 19 <= found.dropped <= 24
    assert found.settled


def test_a_level_that_is_approached_is_waited_for():
    times = np.random.default_rng(0).lognormal(-7, 0.05, 500) * (1 + 4 * np.exp(-np.arange(500) / 15))
    assert 40 <= warm_up(times).dropped <= 90


def test_steady_times_keep_nearly_all_calls():
    rng = np.random.default_rng(0)
    heavy = [rng.lognormal(-7, 0.05, 400) * np.where(rng.random(400) < 0.03, 8, 1) for _ in range(30)]
    plain = [rng.lognormal(-7, 0.3, 400) for _ in range(30)]
    assert np.mean([warm_up(each).dropped for each in (*heavy, *plain)]) < 3


def test_times_that_go_on_falling_have_not_settled():
    times = np.random.default_rng(0).lognormal(-7, 0.05, 500) * np.linspace(5, 1, 500)
    assert not warm_up(times).settled


def test_few_calls_lose_the_first_one_only_if_it_is_slower():
    assert warm_up(np.array([5.0, 1, 1, 1])).dropped == 1
    assert warm_up(np.array([1.0, 1.02, 1, 1])).dropped == 0
    assert warm_up(np.array([3.0])).dropped == 0
