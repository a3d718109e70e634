"""Verdicts on curves whose truth is known: planted faults are found, healthy curves are left in peace."""

import numpy as np
import pytest

from mlexpert_widgets.curves.smoothing import smoothed
from mlexpert_widgets.curves.verdicts import base, is_validation, judge, rises

STEPS = np.arange(1000.0)
SEEDS = range(40)


def noise(seed, size=0.05, memory=0.0):
    """Noise; with memory, neighbours are alike, as in a real run."""
    drawn = np.random.default_rng(seed).normal(size=len(STEPS)) * size
    for at in range(1, len(drawn)):
        drawn[at] = memory * drawn[at - 1] + drawn[at] * (1 - memory**2) ** 0.5
    return drawn


def healthy(seed):
    return 0.3 + 2 * np.exp(-STEPS / 600) + noise(seed, memory=0.5)


def plateau(seed):
    return 1 + np.exp(-STEPS / 60) + noise(seed, 0.03)


def diverging(seed):
    rise = np.maximum(0, STEPS - 700) / 100
    return 0.5 + 2 * np.exp(-STEPS / 150) + rise + noise(seed)


def spiky(seed):
    curve = healthy(seed)
    curve[np.random.default_rng(seed).choice(1000, 5)] += 20
    return curve


def kinds(curve, metric="loss"):
    return [each.kind for each in judge({metric: (STEPS[: len(curve)], curve)})]


@pytest.mark.parametrize(
    ("make", "wanted", "least"),
    [(healthy, "healthy", 0.95), (plateau, "plateau", 0.8), (diverging, "diverging", 1.0), (spiky, "healthy", 0.6)],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_curve_of_each_kind_is_told_and_never_called_something_worse(make, wanted, least):
    told = [kinds(make(seed)) for seed in SEEDS]
    confusion = {str(each): told.count(each) for each in told}
    assert sum(each == [wanted] for each in told) >= least * len(SEEDS), confusion
    allowed = {wanted, "diverging"} if wanted == "diverging" else {wanted}
    assert {kind for each in told for kind in each} <= allowed, confusion


def test_a_curve_that_diverges_names_the_step_within_a_block():
    (verdict,) = judge({"loss": (STEPS, diverging(0))})
    assert 700 <= verdict.step <= 850
    assert "left it about step" in verdict.sentence
    assert "block medians" in verdict.rule


def test_of_a_metric_that_is_to_rise_the_fall_is_the_fault():
    assert kinds(1 - healthy(1) / 4, "accuracy") == ["healthy"]
    assert kinds(-diverging(1), "reward") == ["diverging"]


def test_the_first_value_that_is_no_number_is_named():
    curve = healthy(0)
    curve[321:] = np.nan
    (verdict,) = judge({"loss": (STEPS, curve)})
    assert (verdict.kind, verdict.step) == ("nan", 321)
    assert verdict.sentence == "loss is NaN from step 321 on; 679 of 1000 values"
    curve = healthy(0)
    curve[5] = np.inf
    (verdict,) = judge({"loss": (STEPS, curve)})
    assert verdict.sentence == "loss is infinite at step 5; 1 of 1000 values"


def held_out(seed, opens_at=400, slope=0.002):
    steps = STEPS[::25]
    made = 0.32 + 2 * np.exp(-steps / 200) + slope * np.maximum(0, steps - opens_at)
    return steps, made + np.random.default_rng(seed + 99).normal(size=len(steps)) * 0.01


def training(seed):
    return STEPS, 0.3 + 2 * np.exp(-STEPS / 200) + noise(seed, 0.02)


def test_a_gap_that_opens_is_found_with_its_onset():
    onsets = []
    for seed in SEEDS:
        told = judge({"loss": training(seed), "val_loss": held_out(seed)})
        onsets += [each.step for each in told if each.kind == "overfitting"]
    assert len(onsets) == len(SEEDS)
    assert 350 <= np.median(onsets) <= 550


def test_a_small_gap_that_stays_is_no_overfitting():
    told = [judge({"loss": training(seed), "val_loss": held_out(seed, slope=0)}) for seed in SEEDS]
    assert sum(each.kind == "overfitting" for verdicts in told for each in verdicts) <= 2


def test_nothing_is_said_while_there_is_too_little():
    assert judge({"loss": (STEPS[:30], healthy(0)[:30])}) == ()
    assert judge({"loss": (STEPS[:1], healthy(0)[:1])}) == ()
    assert judge({}) == ()
    assert judge({"loss": training(0), "val_loss": (STEPS[:3], np.ones(3))})[0].kind != "overfitting"


@pytest.mark.parametrize(
    ("name", "validation", "shared"),
    [
        ("loss", False, "loss"),
        ("val_loss", True, "loss"),
        ("val/loss", True, "loss"),
        ("eval_loss", True, "loss"),
        ("train_loss", False, "loss"),
        ("loss/val", True, "loss"),
        ("value", False, "value"),
        ("test_accuracy", True, "accuracy"),
    ],
)
def test_twins_are_told_by_their_names(name, validation, shared):
    assert (is_validation(name), base(name)) == (validation, shared)


def test_direction_is_told_by_the_name():
    assert [rises(each) for each in ("loss", "val_acc", "f1", "perplexity", "AUROC", "pace")] == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_smoothing_has_no_pull_of_the_start_and_passes_over_gaps():
    assert smoothed(np.full(2000, 3.0), 0.99) == pytest.approx(np.full(2000, 3.0))
    values = np.random.default_rng(0).normal(size=5000)
    values[[3, 1500]] = np.nan
    mean, count, wanted = 0.0, 0, []
    for value in values:
        if np.isfinite(value):
            mean, count = 0.9 * mean + 0.1 * value, count + 1
        wanted.append(mean / (1 - 0.9**count) if np.isfinite(value) else np.nan)
    assert smoothed(values, 0.9) == pytest.approx(np.array(wanted), nan_ok=True)
    with pytest.raises(ValueError, match="from 0 to below 1, not 1"):
        smoothed(values, 1)
