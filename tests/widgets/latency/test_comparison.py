"""Which of two is faster: planted differences are found, and two that are the same are rarely told apart."""

import numpy as np
import pytest

from mlexpert_widgets.latency.compare import compare
from mlexpert_widgets.latency.comparison import compared


def _pair(rng, kind):
    """Make times of two that take the same time, on a machine with noise of some kind."""
    first, second = rng.lognormal(-7, 0.1, (2, 60))
    if kind == "drifting":
        steps = rng.normal(0, 0.03, 60)
        level = np.array([sum(0.97 ** (at - each) * steps[each] for each in range(at + 1)) for at in range(60)])
        return first * np.exp(level), second * np.exp(level)
    if kind == "two levels":
        return first * np.where(rng.random(60) < 0.3, 1.6, 1), second * np.where(rng.random(60) < 0.3, 1.6, 1)
    return first, second


@pytest.mark.parametrize("kind", ["steady", "drifting", "two levels"])
def test_two_that_are_the_same_are_told_apart_in_about_5_of_100_cases(kind):
    wrong = held = 0
    for seed in range(80):
        first, second = _pair(np.random.default_rng(seed), kind)
        wrong += compared(("A", first), ("B", second)).differ
        found = compared(("A", 1.2 * first), ("B", second))
        held += found.low <= 1.2 <= found.high
    assert wrong <= 9
    assert held >= 71


@pytest.mark.parametrize("factor", [1.15, 1 / 1.15])
def test_a_planted_difference_is_found_and_said_in_words(factor):
    first, second = _pair(np.random.default_rng(3), "drifting")
    found = compared(("eager", first * factor), ("fused", second))
    assert found.differ
    assert found.ratio == pytest.approx(factor, rel=0.05)
    way = "faster" if factor > 1 else "slower"
    assert found.sentence.startswith("fused is 1.1")
    assert f"× {way} than eager (95 % interval 1." in found.sentence


def test_the_sentence_says_when_there_is_nothing_to_say():
    same = np.full(50, 1e-3)
    found = compared(("A", same), ("B", same))
    assert found.sentence == "cannot tell A and B apart (ratio of the medians, 95 %: 1.000 to 1.000)"
    few = compared(("A", same[:5]), ("B", 2 * same[:5]))
    assert few.sentence == "5 rounds are too few to compare; it takes 20"
    assert not few.differ


def test_many_rounds_are_compared_in_bounded_time():
    first, second = np.random.default_rng(0).lognormal(-7, 0.1, (2, 50_000))
    found = compared(("A", first), ("B", second))
    assert found.rounds == 50_000
    assert found.low <= found.ratio <= found.high


@pytest.mark.parametrize("counts", [(0, 0), (3, 4)])
def test_rounds_that_do_not_match_are_refused(counts):
    first, second = (np.ones(count) for count in counts)
    with pytest.raises(ValueError, match="the same rounds of both, at least one, not"):
        compared(("A", first), ("B", second))


def test_two_functions_are_compared_without_a_view():
    found = compare(lambda: sum(range(100)), lambda: sum(range(10_000)), seconds=0.2)
    assert found.differ
    assert found.ratio < 0.5
    assert found.sentence.startswith("<lambda> B is")
