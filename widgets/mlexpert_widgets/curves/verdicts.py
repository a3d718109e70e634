"""What curves say, by rules that are told with their numbers; nothing is said while there is too little to judge.

Only metrics are judged of which the better direction is known, by name or because it was told; a learning rate is not.
The rules look at medians of blocks, so that single spikes count for nothing; what a restart has done again is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np

from mlexpert_widgets.curves.levels import MOST_POINTS, Curve, blocks, kept, noise, onset, slope
from mlexpert_widgets.curves.names import base, direction, is_validation
from mlexpert_widgets.live.series import Floats

Kind = Literal["nan", "diverging", "overfitting", "plateau", "healthy"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # the worst first
BETTER = {"up": 1, "down": -1, "": 0}
LEAST_POINTS = 40  # to judge a curve
LEAST_CHECKS = 10  # to judge a validation curve against its training curve
MOST_CHECKS = 100  # more are medians of blocks
LEVELS = 20  # blocks of the whole curve
WINDOW = 0.4  # newest part that a slope is judged over
WINDOW_BLOCKS = 16
FLAT = 0.03  # of the level, over the window
RISE = 0.5  # of the best level: above is diverging
LOST = 0.05  # of all that was gained: at least that much has to be lost too
HALF = 0.5  # of all that was gained, where the level has no zero to compare with
NOISES = 4  # and it is more than so many times the noise of a level
GAP = 0.05  # of the validation value
PATIENCE = 3  # checks in a row


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a curve says.

    Attributes:
        kind: What it is.
        metric: The metric that it is said of.
        sentence: What is the matter, with its numbers.
        rule: The rule that found it, with its constants.
        step: Where it begins; None if it is of the whole.
        numbers: The figures in the sentence, by name.
    """

    kind: Kind
    metric: str
    sentence: str
    rule: str
    step: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


class Judged(NamedTuple):
    """A metric that is judged: `curve` is turned so that less is better, `sign` is 1 if it was turned for that."""

    metric: str
    sign: int
    curve: Curve


def judge(curves: Mapping[str, Curve], better: Mapping[str, str] | None = None) -> tuple[Verdict, ...]:
    """Judge the metrics of one run, the worst first.

    Args:
        curves: Steps and values of each metric.
        better: "up", "down" or "" (not to be judged) for metrics whose name does not say it, or says it wrongly.
    """
    found = [told for told in (not_a_number(*each) for each in curves.items()) if told]
    judged = [told for told in (_judged(*each, better or {}) for each in curves.items()) if told]
    for each in judged:
        twin = _twin(each.metric, judged) if is_validation(each.metric) else None
        told = overfitting(twin, each) if twin else diverging(each) or flat_or_falling(each)
        found += [told] if told else []
    return tuple(sorted(found, key=lambda each: KINDS.index(each.kind)))


def sign_of(metric: str, better: Mapping[str, str]) -> int:
    """Tell which way is better: 1 up, -1 down, 0 unknown.

    Args:
        metric: The metric.
        better: What was told of metrics, by their name or the one that they share with their twin.
    """
    told = better.get(metric, better.get(base(metric)))
    return direction(metric) if told is None else BETTER[told]


def not_a_number(metric: str, curve: Curve) -> Verdict | None:
    """Find the first value that is no number."""
    steps, values = curve
    broken = np.flatnonzero(~np.isfinite(values))
    if not len(broken):
        return None
    step, count = float(steps[broken[0]]), len(broken)
    what = "NaN" if np.isnan(values[broken[0]]) else "infinite"
    since = count > 1 and count == len(values) - broken[0]
    where = f"from step {_at(step)} on" if since else f"at step {_at(step)}"
    sentence = f"{metric} is {what} {where}; {count:,} of {len(values):,} values"
    return Verdict("nan", metric, sentence, "a value is NaN or infinite", step, {"count": count})


def diverging(judged: Judged) -> Verdict | None:
    """Find a level that has left its best and does not come back."""
    metric, sign, curve = judged
    steps, values = curve
    if len(values) < LEAST_POINTS:
        return None
    levels = blocks(curve, LEVELS)[1]
    best = int(np.argmin(levels))
    size = -(-len(values) // LEVELS)
    near = values[len(values) % size + best * size :][:size]
    limit, rule = _limit(levels[: best + 1], NOISES * noise(near))
    if best >= len(levels) - 2 or not (levels[-2:] > limit).all():
        return None
    step = _left(curve, float(steps[len(values) % size + best * size]), (float(levels[best]), limit))
    now, was = -sign * float(levels[-1]), -sign * float(levels[best])
    sentence = f"{metric} diverges: its level is {now:.4g}, its best was {was:.4g}; it left it about step {_at(step)}"
    rule = f"the last two of {LEVELS} block medians are worse than the best by {rule} and by {NOISES} times the noise"
    return Verdict("diverging", metric, sentence, rule, step, {"level": now, "best": was})


def flat_or_falling(judged: Judged) -> Verdict | None:
    """Judge the slope of the newest part by its interval."""
    metric, sign, curve = judged
    steps, values = curve
    if len(values) < LEAST_POINTS:
        return None
    start = int(len(values) * (1 - WINDOW))
    fitted = slope(blocks((steps[start:], values[start:]), WINDOW_BLOCKS))
    if fitted is None:
        return None
    levels = blocks(curve, LEVELS)[1]
    crosses = levels.min() <= 0 <= levels.max()
    level = max(abs(float(np.median(values[start:]))), 0.1 * float(np.ptp(levels)) if crosses else 0.0, 1e-300)
    span = float(steps[-1] - steps[start])
    change = fitted.low * span / level, fitted.high * span / level
    low, high = sorted(round(-sign * each, 4) + 0.0 for each in change)  # no minus zero
    numbers = {"low": low, "high": high, "span": span}
    said = f"{low:+.1%} to {high:+.1%} of its level over the last {_at(span)} steps (95 % interval)"
    rule = (
        f"a line through {WINDOW_BLOCKS} block medians of the newest {WINDOW:.0%}; the 95 % interval of its slope is "
        f"widened for autocorrelation; flat is within ±{FLAT:.0%} of the level"
    )
    if change[0] >= -FLAT and change[1] <= FLAT:
        return Verdict("plateau", metric, f"{metric} is flat: {said}", rule, float(steps[start]), numbers)
    if change[1] < 0:
        verb = "rises" if sign > 0 else "falls"
        return Verdict("healthy", metric, f"{metric} still {verb}: {said}", rule, None, numbers)
    return None


def overfitting(train: Judged, held_out: Judged) -> Verdict | None:
    """Find where the held-out curve leaves the training curve, and goes on leaving it."""
    metric = held_out.metric
    steps, values = blocks(held_out.curve, MOST_CHECKS)
    if len(values) < LEAST_CHECKS or len(train.curve[0]) < LEAST_CHECKS:
        return None
    trained = blocks(train.curve, 2 * MOST_CHECKS)
    apart = values - np.interp(steps, *trained)
    share = apart / np.maximum(np.abs(values), 1e-300)
    newest = len(apart) // 2
    growing = slope((steps[newest:], apart[newest:]))
    before, now = float(np.median(apart[:newest])), float(np.median(apart[-PATIENCE:]))
    if not (share[-PATIENCE:] > GAP).all() or now - before < GAP * abs(float(values[-1])):
        return None
    if growing is None or growing.low <= 0:
        return None
    best = int(np.argmin(values))
    opened = onset((steps, apart))
    sentence = (
        f"{metric} leaves training: the gap is {share[-1]:.0%} of it and grows; it opened about step {_at(opened)}"
    )
    if best < len(values) - PATIENCE:
        sentence += f"; {metric} was best at step {_at(float(steps[best]))}"
    rule = (
        f"the gap to training is above {GAP:.0%} of {metric} in the last {PATIENCE} checks, has grown by as much since "
        f"the first half, and still grows (95 % interval of its slope); it opened where the best "
        f"fit of flat, then a line, then flat has its first bend"
    )
    numbers = {"gap": float(share[-1]), "best_step": float(steps[best])}
    return Verdict("overfitting", metric, sentence, rule, opened, numbers)


def _judged(metric: str, curve: Curve, better: Mapping[str, str]) -> Judged | None:
    sign = sign_of(metric, better)
    if not sign or not len(curve[1]) or not np.isfinite(curve[1][-1]):
        return None
    steps, values = curve
    chosen = kept(steps) & np.isfinite(values)
    return Judged(metric, sign, blocks((steps[chosen], -sign * values[chosen]), MOST_POINTS))


def _twin(metric: str, judged: Sequence[Judged]) -> Judged | None:
    """Give the training twin of a validation metric, the one with most points."""
    twins = [each for each in judged if not is_validation(each.metric) and base(each.metric) == base(metric)]
    return max(twins, key=lambda each: len(each.curve[0]), default=None)


def _limit(levels: Floats, least: float) -> tuple[float, str]:
    """Give the level above which a curve has left its best, the last of `levels`, and the rule in words."""
    best, gained = float(levels[-1]), float(levels.max() - levels[-1])
    if best > 0:
        return best + max(RISE * best, LOST * gained, least), f"{RISE:.0%}, by {LOST:.0%} of all that was gained,"
    return best + max(HALF * gained, least), f"{HALF:.0%} of all that was gained"


def _left(curve: Curve, start: float, levels: tuple[float, float]) -> float:
    """Give the step at which a curve left its best level for good, from `start` on."""
    steps, values = blocks(curve, 10 * LEVELS)
    best, limit = levels
    spread = 2 * noise(values)
    above = int(np.argmax((values > limit) & (steps >= start)))
    while above > 0 and steps[above - 1] >= start and values[above - 1] > best + spread:
        above -= 1
    return float(steps[above])


def _at(step: float) -> str:
    return f"{step:,.0f}" if step >= 100 else f"{step:g}"  # noqa: PLR2004 - beyond that a fraction says nothing
