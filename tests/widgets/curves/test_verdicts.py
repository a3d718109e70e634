"""Verdicts on curves whose truth is known: planted faults are found, healthy curves are left in peace."""

from collections import Counter

import numpy as np
import pytest

from mlexpert_widgets.curves.levels import blocks, kept, slope
from mlexpert_widgets.curves.names import base, direction, is_validation
from mlexpert_widgets.curves.verdicts import judge

COUNT = 1000
SHARE = np.arange(COUNT) / COUNT  # of the training
STEPS = np.arange(float(COUNT))
SEEDS = range(40)


def noise(rng, size, memory=0.0):
    """Noise; with memory, neighbours are alike, as in a real run."""
    drawn = rng.normal(size=COUNT)
    for at in range(1, COUNT):
        drawn[at] = memory * drawn[at - 1] + (1 - memory**2) ** 0.5 * drawn[at]
    return size * drawn


def falling(rng):
    return 0.3 + 2 * np.exp(-SHARE / 0.6) + noise(rng, 0.05, 0.5)


def language_model(rng):
    return 2 + 8 * (STEPS + 1) ** -0.35 + noise(rng, 0.06, 0.3)


def dropped_rate(rng):
    level = np.where(SHARE < 0.3, 1.0, np.where(SHARE < 0.75, 0.6, 0.35))
    return level + 0.3 * np.exp(-SHARE / 0.05) + noise(rng, 0.04, 0.3)


def below_zero(rng):
    return -2 + 4 * np.exp(-SHARE / 0.5) + noise(rng, 0.1, 0.3)


def spiky(rng):
    curve = falling(rng)
    curve[rng.choice(COUNT, 6)] += 20
    return curve


def noisy(rng):
    return (0.5 + 2 * np.exp(-SHARE / 0.5)) * np.exp(noise(rng, 0.5, 0.2))


def back_from_an_excursion(rng):
    return 0.5 + 2 * np.exp(-SHARE / 0.3) + 3 * ((SHARE > 0.5) & (SHARE < 0.6)) + noise(rng, 0.05, 0.3)


def flat(rng):
    return 1 + np.exp(-SHARE / 0.06) + noise(rng, 0.03)


def flat_with_memory(rng):
    return 1 + np.exp(-SHARE / 0.06) + noise(rng, 0.03, 0.9)


def constant(_rng):
    return np.full(COUNT, 0.69)


def ramp(rng):
    return 0.5 + 2 * np.exp(-SHARE / 0.15) + np.maximum(0, SHARE - 0.7) * 10 + noise(rng, 0.05, 0.3)


def jump(rng):
    return np.where(SHARE < 0.7, 0.5 + 2 * np.exp(-SHARE / 0.15), 7) + noise(rng, 0.05, 0.3)


def explosion(rng):
    rise = 0.02 * np.exp(np.maximum(0, SHARE - 0.7) * 30)
    return 0.5 + 2 * np.exp(-SHARE / 0.15) + rise + noise(rng, 0.05, 0.3)


TRUTH = {  # what may be said of a curve, and of how many of 40 it must be
    falling: ("healthy", 38),
    language_model: ("healthy", 38),
    dropped_rate: ("healthy", 20),
    below_zero: ("healthy", 38),
    spiky: ("healthy", 38),
    noisy: ("healthy", 20),
    back_from_an_excursion: ("healthy", 38),
    flat: ("plateau", 38),
    flat_with_memory: ("plateau", 0),
    constant: ("plateau", 40),
    ramp: ("diverging", 40),
    jump: ("diverging", 40),
    explosion: ("diverging", 40),
}


def confusion():
    """Count what is said of each kind of curve."""
    return {make.__name__: Counter(kinds(make(np.random.default_rng(seed))) for seed in SEEDS) for make in TRUTH}


def kinds(curve, metric="loss"):
    return "+".join(each.kind for each in judge({metric: (STEPS[: len(curve)], curve)})) or "nothing"


def test_each_kind_of_curve_is_told_and_hardly_ever_called_something_worse():
    table = confusion()
    shown = "\n".join(f"{name:24} {dict(counts)}" for name, counts in table.items())
    print(shown)  # noqa: T201 - seen with -s
    for make, (wanted, least) in TRUTH.items():
        counts = table[make.__name__]
        assert counts[wanted] >= least, shown
        wrong = sum(counts.values()) - counts[wanted] - counts["nothing"]
        assert wrong <= (3 if make is flat_with_memory else 0), shown


@pytest.mark.parametrize("make", [ramp, jump, explosion])
def test_a_curve_that_diverges_names_the_step(make):
    onsets = []
    for seed in SEEDS:
        (verdict,) = judge({"loss": (STEPS, make(np.random.default_rng(seed)))})
        onsets.append(verdict.step)
        assert verdict.numbers["level"] > verdict.numbers["best"]
    assert 690 <= min(onsets) <= np.median(onsets) <= 820
    assert "it left it about step" in verdict.sentence
    assert (
        "the last two of 20 block medians are worse than the best by 50%, by 5% of all that was gained, and by 4"
        in (verdict.rule)
    )


def test_of_a_metric_that_is_to_rise_the_fall_is_the_fault():
    rng = np.random.default_rng(1)
    assert kinds(1 - falling(rng) / 4, "accuracy") == "healthy"
    assert kinds(-ramp(rng), "reward") == "diverging"
    (verdict,) = judge({"accuracy": (STEPS, 1 - falling(rng) / 4)})
    assert "accuracy still rises: +" in verdict.sentence


def test_what_is_neither_loss_nor_score_is_not_judged_unless_one_says_so():
    rate = (STEPS, np.linspace(0, 1e-3, COUNT))
    assert judge({"lr": rate, "grad_norm": rate}) == ()
    (verdict,) = judge({"elbo": rate}, {"elbo": "up"})
    assert verdict.kind == "healthy"
    assert judge({"kl_loss": rate}, {"kl_loss": ""}) == ()
    assert [each.kind for each in judge({"lr": (STEPS, np.full(COUNT, np.inf))})] == ["nan"]


def test_the_first_value_that_is_no_number_is_named_and_what_goes_on_is_judged():
    curve = falling(np.random.default_rng(0))
    curve[321:] = np.nan
    (verdict,) = judge({"loss": (STEPS, curve)})
    assert (verdict.kind, verdict.step) == ("nan", 321)
    assert verdict.sentence == "loss is NaN from step 321 on; 679 of 1,000 values"
    curve = falling(np.random.default_rng(0))
    curve[5] = np.inf
    broken, healthy = judge({"loss": (STEPS, curve)})
    assert broken.sentence == "loss is infinite at step 5; 1 of 1,000 values"
    assert healthy.kind == "healthy"


def test_what_a_restart_has_done_again_does_not_count():
    curve = ramp(np.random.default_rng(0))
    steps = np.concatenate((STEPS, STEPS[600:]))
    again = np.concatenate((curve, falling(np.random.default_rng(0))[600:] / 2))
    assert kinds(curve) == "diverging"
    assert [each.kind for each in judge({"loss": (steps, again)})] != ["diverging"]
    assert kept(np.array([0.0, 1, 2, 3, 2, 3])).tolist() == [True, True, False, False, True, True]


def validation(rng, gap, *, checks=40, size=0.01):
    """Give a training curve and a validation curve that is `gap(share)` above it."""
    clean = 0.3 + 2 * np.exp(-SHARE / 0.2)
    at = np.linspace(COUNT / checks - 1, COUNT - 1, checks).astype(int)
    held_out = (clean + gap(SHARE))[at] * (1 + size * rng.normal(size=checks))
    return {"loss": (STEPS, clean + noise(rng, 0.02)), "val_loss": (STEPS[at], held_out)}


@pytest.mark.parametrize("checks", [12, 40, 400])
def test_a_gap_that_opens_is_found_with_its_onset(checks):
    onsets = []
    for seed in SEEDS:
        curves = validation(np.random.default_rng(seed), lambda x: 0.6 * np.maximum(0, x - 0.4), checks=checks)
        onsets += [each.step for each in judge(curves) if each.kind == "overfitting"]
    assert len(onsets) == len(SEEDS)
    assert 300 <= min(onsets) <= max(onsets) <= 500
    assert np.median(onsets) == pytest.approx(400, abs=1.2 * COUNT / checks + 20)


@pytest.mark.parametrize(
    "gap",
    [
        lambda x: 0 * x,
        lambda x: 0.08 + 0 * x,
        lambda x: 0.1 * (1 - np.exp(-x / 0.1)),
        lambda x: -0.3 * np.exp(-x / 0.2),
    ],
    ids=["none", "constant", "early", "of a slow start"],
)
@pytest.mark.parametrize("size", [0.01, 0.05])
def test_a_gap_that_stays_is_no_overfitting(gap, size):
    told = [judge(validation(np.random.default_rng(seed), gap, size=size)) for seed in SEEDS]
    assert sum(each.kind == "overfitting" for verdicts in told for each in verdicts) <= 1


def test_the_sentence_of_overfitting_has_its_numbers():
    curves = validation(np.random.default_rng(0), lambda x: 1.6 * np.maximum(0, x - 0.4))
    verdict = next(each for each in judge(curves) if each.kind == "overfitting")
    assert verdict.metric == "val_loss"
    assert verdict.sentence.startswith("val_loss leaves training: the gap is 7")
    assert "val_loss was best at step" in verdict.sentence
    assert "above 5% of val_loss in the last 3 checks" in verdict.rule
    flipped = {name: (steps, -values) for name, (steps, values) in curves.items()}
    (told,) = [each for each in judge(flipped, {"loss": "up"}) if each.kind == "overfitting"]
    assert told.step == verdict.step


def test_a_validation_curve_without_a_twin_is_judged_alone():
    (verdict,) = judge({"val_loss": (STEPS, falling(np.random.default_rng(0)))})
    assert (verdict.kind, verdict.metric) == ("healthy", "val_loss")


def test_nothing_is_said_while_there_is_too_little():
    curve = falling(np.random.default_rng(0))
    assert judge({"loss": (STEPS[:30], curve[:30])}) == ()
    assert judge({"loss": (STEPS[:1], curve[:1])}) == ()
    assert judge({"loss": (STEPS[:0], curve[:0])}) == ()
    assert judge({}) == ()
    assert judge({"loss": (STEPS[:3], curve[:3]), "val_loss": (STEPS[:3], np.ones(3))}) == ()
    assert slope((np.zeros(9), np.ones(9))) is None


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_the_interval_of_a_slope_holds_what_it_promises(memory):
    held = 0
    for seed in range(200):
        fitted = slope(blocks((STEPS, noise(np.random.default_rng(seed), 1.0, memory)), 16))
        held += fitted.low <= 0 <= fitted.high
    assert held >= 0.92 * 200


@pytest.mark.parametrize(
    ("name", "validation", "shared"),
    [
        ("loss", False, "loss"),
        ("val_loss", True, "loss"),
        ("val/loss", True, "loss"),
        ("eval_loss", True, "loss"),
        ("train_loss", False, "loss"),
        ("train_loss_step", False, "loss"),
        ("loss/val", True, "loss"),
        ("value", False, "value"),
        ("val", False, "val"),
        ("test_accuracy", True, "accuracy"),
    ],
)
def test_twins_are_told_by_their_names(name, validation, shared):
    assert (is_validation(name), base(name)) == (validation, shared)


@pytest.mark.parametrize(
    ("names", "way"),
    [
        (("loss", "dice_loss", "val/perplexity", "MAPE", "rmse", "MeanSquaredError", "loss_step"), -1),
        (("val_acc", "f1", "AUROC", "top5", "mAP", "MulticlassF1Score", "R2", "reward"), 1),
        (("lr", "learning_rate", "grad_norm", "pace", "kl", "accumulated", "epoch"), 0),
    ],
)
def test_direction_is_told_by_the_name(names, way):
    assert {name: direction(name) for name in names} == dict.fromkeys(names, way)
