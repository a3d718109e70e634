"""The robust side of a curve: what counts of it, its level in blocks, its slope with an interval, where it turns."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlexpert_widgets.live.series import Floats

Curve = tuple[Floats, Floats]  # steps, values
MOST_POINTS = 8192  # to judge; more are medians of blocks
Z_95 = 1.96


class Slope(NamedTuple):
    """A slope with its 95 % interval."""

    low: float
    high: float


def kept(steps: Floats) -> NDArray[np.bool_]:
    """Tell which points a restart has not done again: none that came later went back to their step or below it."""
    back = np.full(len(steps), np.inf)
    np.copyto(back[:-1], steps[1:], where=np.diff(steps) < 0)
    return np.asarray(steps < np.minimum.accumulate(back[::-1])[::-1])


def blocks(curve: Curve, count: int) -> Curve:
    """Give mean steps and median values of at most `count` blocks of one size; points left over come first."""
    steps, values = curve
    size = -(-len(values) // count)
    if size <= 1:
        return curve
    rest = len(values) % size
    means: Floats = steps[rest:].reshape(-1, size).mean(axis=1)
    medians: Floats = np.median(values[rest:].reshape(-1, size), axis=1)
    return means, medians


def noise(values: Floats) -> float:
    """Give the spread of points around their neighbours, as a standard deviation; spikes do not count."""
    return float(np.median(np.abs(np.diff(values)))) / 0.954 if len(values) > 1 else 0.0


def slope(curve: Curve) -> Slope | None:
    """Fit a line; the interval is widened for residuals that are alike from one point to the next.

    Residuals with a correlation `r` from each to the next count as `(1 - r) / (1 + r)` as many independent ones
    (Bartlett 1935); the estimate of `r` is first raised by its bias in short series.
    """
    x, y = curve
    count = len(x)
    x = x - x.mean()
    spread = float((x**2).sum())
    if count < 5 or spread <= 0:  # noqa: PLR2004 - below that an interval says nothing
        return None
    found = float((x * y).sum()) / spread
    rest = y - y.mean() - found * x
    square = float((rest**2).sum())
    alike = float((rest[1:] * rest[:-1]).sum()) / square if square > 0 else 0.0
    alike = min(0.9, max(0.0, alike + (1 + 3 * alike) / count))
    error = (square / (count - 2) / spread * (1 + alike) / (1 - alike)) ** 0.5
    width = _t_95(count - 2) * error
    return Slope(found - width, found + width)


def onset(curve: Curve) -> float:
    """Give the step where a rise begins: the best fit of flat, then a straight line up, then flat where it ends."""
    x, y = curve
    start, end = (x[at] for at in np.triu_indices(len(x), 1))
    ramps = np.clip(x, start[:, None], end[:, None]) - start[:, None]
    ramps -= ramps.mean(axis=1, keepdims=True)
    along = ramps @ (y - y.mean())
    explained = np.where(along > 0, along, 0.0) ** 2 / np.maximum((ramps**2).sum(axis=1), 1e-300)
    return float(start[np.argmax(explained)])


def _t_95(freedom: int) -> float:
    """Give Student's t for a two-sided 95 % interval (Cornish-Fisher, within 4 % from 3 degrees of freedom on)."""
    z = Z_95
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
