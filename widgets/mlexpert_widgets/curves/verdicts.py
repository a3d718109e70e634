"""What curves say, by rules that are told with their numbers; nothing is said while there is too little to judge.

The rules look at a robust level of the curve, so that single spikes count for nothing. A slope is judged by its 95 %
interval over the newest part of the curve, cut into blocks, whose medians are nearly independent where steps are not.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlexpert_widgets.live.series import Floats

Kind = Literal["nan", "diverging", "overfitting", "plateau", "healthy"]
Curve = tuple[Floats, Floats]  # steps, values
LEAST_POINTS = 40  # to judge a training curve
LEAST_CHECKS = 8  # to judge a validation curve
BLOCKS = 10
T_95 = 2.306  # Student's t for BLOCKS - 2 degrees of freedom, both sides
WINDOW = 0.4  # newest part that a slope is judged over
FALL = 0.03  # of the level, over the window: less is flat
RISE = 0.5  # of the best level: more is diverging
GAP = 0.05  # of the validation loss
PATIENCE = 3  # checks in a row
RISING = re.compile(
    r"(?:^|[/_ ])(?:acc|accuracy|f1|auc|auroc|iou|map|bleu|rouge|precision|recall|r2|reward|score)", re.IGNORECASE
)
VALIDATION = re.compile(
    r"^(?:val|valid|validation|eval|test|dev)[/_.-]|[/_.-](?:val|valid|validation|eval)$", re.IGNORECASE
)
TRAINING = re.compile(r"^(?:train|training)[/_.-]|[/_.-](?:train|training)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a curve says.

    Attributes:
        kind: What it is.
        metric: The metric that it is said of.
        sentence: What is the matter, with its numbers.
        rule: The rule that found it, with its constants.
        step: Where it begins; None if it is of the whole.
    """

    kind: Kind
    metric: str
    sentence: str
    rule: str
    step: float | None = None


def judge(curves: Mapping[str, Curve]) -> tuple[Verdict, ...]:
    """Judge the metrics of one run.

    Args:
        curves: Steps and values of each metric.
    """
    found: list[Verdict] = []
    for metric, curve in curves.items():
        broken = not_a_number(metric, curve)
        if broken:
            found.append(broken)
            continue
        rules: Sequence[Callable[[str, Curve], Verdict | None]] = (diverging, flat_or_falling)
        if is_validation(metric):
            continue
        found += [verdict for verdict in (rule(metric, curve) for rule in rules) if verdict][:1]
    for metric, train in curves.items():
        partner = next((name for name in curves if is_validation(name) and base(name) == base(metric)), None)
        if partner and not is_validation(metric):
            verdict = overfitting(partner, train, curves[partner])
            found += [verdict] if verdict else []
    return tuple(found)


def is_validation(metric: str) -> bool:
    """Tell whether a metric is of held-out data, by its name."""
    return bool(VALIDATION.search(metric))


def base(metric: str) -> str:
    """Give the name that training and validation share."""
    return TRAINING.sub("", VALIDATION.sub("", metric))


def rises(metric: str) -> bool:
    """Tell whether more is better, by its name."""
    return bool(RISING.search(metric))


def not_a_number(metric: str, curve: Curve) -> Verdict | None:
    """Find the first value that is no number."""
    steps, values = curve
    broken = np.flatnonzero(~np.isfinite(values))
    if not len(broken):
        return None
    step, count = float(steps[broken[0]]), len(broken)
    what = "NaN" if np.isnan(values[broken[0]]) else "infinite"
    sentence = f"{metric} is {what} from step {step:g} on" if count > 1 else f"{metric} is {what} at step {step:g}"
    return Verdict("nan", metric, f"{sentence}; {count} of {len(values)} values", "a value is NaN or infinite", step)


def diverging(metric: str, curve: Curve) -> Verdict | None:
    """Find a level that has left its best and does not come back."""
    steps, values = _better_below(metric, curve)
    if len(values) < LEAST_POINTS:
        return None
    levels = _levels(values)
    best = int(np.argmin(levels))
    blocks = values[: len(levels) * _block(values)].reshape(len(levels), -1)
    spread = float(np.median(np.abs(blocks - levels[:, None])))
    scale = max(abs(levels[best]), float(np.ptp(levels[: best + 1])) * 0.5, 1e-12)
    limit = levels[best] + max(RISE * scale, 4 * spread)
    if best == len(levels) - 1 or not (levels[-2:] > limit).all():
        return None
    onset = best + 1 + int(np.argmax(levels[best + 1 :] > limit))
    step = float(steps[min(onset * _block(values), len(steps) - 1)])
    sign = -1 if rises(metric) else 1
    now, was = sign * levels[-1], sign * levels[best]
    sentence = f"{metric} diverges: its level is {now:.4g}, after a best of {was:.4g}; it left it about step {step:g}"
    rule = (
        f"the last two of {len(levels)} block medians are worse than the best by more than {RISE:.0%} and 4 × the noise"
    )
    return Verdict("diverging", metric, sentence, rule, step)


def flat_or_falling(metric: str, curve: Curve) -> Verdict | None:
    """Judge the slope of the newest part by its interval."""
    steps, values = _better_below(metric, curve)
    if len(values) < LEAST_POINTS:
        return None
    newest = slice(int(len(values) * (1 - WINDOW)), None)
    fitted = slope_interval(steps[newest], values[newest])
    if fitted is None:
        return None
    low, high = fitted
    level = max(abs(float(np.median(values[newest]))), 1e-12)
    span = float(steps[-1] - steps[newest][0])
    change_low, change_high = low * span / level, high * span / level
    sign = -1 if rises(metric) else 1
    shown = sorted((sign * change_low, sign * change_high))
    interval = f"{shown[0]:+.2%} to {shown[1]:+.2%} (95 %)"
    over = f"over the last {span:g} steps"
    rule = (
        f"slope of {BLOCKS} block medians of the newest {WINDOW:.0%}, 95 % interval; "
        f"flat is within ±{FALL:.0%} of the level"
    )
    if change_high < 0 and change_low < -FALL:
        verb = "rises" if rises(metric) else "falls"
        return Verdict("healthy", metric, f"{metric} still {verb}: {interval} {over}", rule)
    if change_low >= -FALL and change_high <= FALL:
        return Verdict("plateau", metric, f"{metric} is flat: {interval} {over}", rule, float(steps[newest][0]))
    return None


def overfitting(metric: str, train: Curve, validation: Curve) -> Verdict | None:
    """Find where the held-out curve leaves the training curve, and goes on leaving it."""
    steps, held_out = _better_below(metric, validation)
    train_steps, trained = _better_below(metric, train)
    if len(held_out) < LEAST_CHECKS or len(trained) < LEAST_CHECKS:
        return None
    if not (np.isfinite(held_out).all() and np.isfinite(trained).all()):
        return None
    beside = np.array([_near(train_steps, trained, step) for step in steps])
    gap = (held_out - beside) / np.maximum(np.abs(held_out), 1e-12)
    wide = gap > GAP
    if not wide[-PATIENCE:].all():
        return None
    best = int(np.argmin(held_out))
    apart = held_out - beside
    growth = float(np.median(apart[-PATIENCE:]) - np.median(apart[: max(PATIENCE, len(gap) // 2)]))
    if growth < GAP * abs(float(held_out[-1])):
        return None
    onset = len(wide) - int(np.argmin(wide[::-1])) if not wide.all() else best
    step = float(steps[min(onset, len(steps) - 1)])
    sentence = f"{metric} is {gap[-1]:.0%} above training, and the gap grows; it opened about step {step:g}"
    if best < len(held_out) - PATIENCE:
        sentence += f"; {metric} was best at step {float(steps[best]):g}"
    rule = f"the gap to training is above {GAP:.0%} in the last {PATIENCE} checks and has grown since the first half"
    return Verdict("overfitting", metric, sentence, rule, step)


def slope_interval(steps: Floats, values: Floats) -> tuple[float, float] | None:
    """Give the 95 % interval of a slope, from medians of blocks; None if it cannot be told."""
    if len(values) < 2 * BLOCKS:
        return None
    x = np.array([part.mean() for part in np.array_split(steps, BLOCKS)])
    y = np.array([np.median(part) for part in np.array_split(values, BLOCKS)])
    spread = float(((x - x.mean()) ** 2).sum())
    if spread <= 0:
        return None
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
    rest = y - y.mean() - slope * (x - x.mean())
    error = float(np.sqrt((rest**2).sum() / (BLOCKS - 2) / spread))
    return slope - T_95 * error, slope + T_95 * error


def _better_below(metric: str, curve: Curve) -> Curve:
    """Turn a curve of which more is better upside down."""
    return (curve[0], -curve[1]) if rises(metric) else curve


def _block(values: Floats) -> int:
    return max(1, len(values) // 20)


def _levels(values: Floats) -> Floats:
    size = _block(values)
    whole: Floats = values[: len(values) // size * size].reshape(-1, size)
    levels: Floats = np.median(whole, axis=1)
    return levels


def _near(steps: Floats, values: Floats, step: float) -> float:
    """Give the median of the training values around a step."""
    middle = int(np.searchsorted(steps, step))
    size = max(3, len(values) // 50)
    low = max(0, min(middle - size, len(values) - size))
    return float(np.median(values[low : middle + size]))
