"""Exponential smoothing without the pull of its start; the browser has the same in `learning_curves_core.js`."""

import numpy as np

from mlexpert_widgets.live.series import Floats

LARGEST_POWER = 25.0  # natural logarithm of the factors that a block may hold: eleven digits of sixteen


def smoothed(values: Floats, weight: float) -> Floats:
    """Smooth a curve: `m = weight m + (1 - weight) x`, divided by `1 - weight^n` (Kingma and Ba 2015, section 3).

    Args:
        values: The curve; what is no number is passed over and stays what it is.
        weight: How much of the past stays, 0 to below 1.

    Raises:
        ValueError: The weight is outside that range.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"smoothing is from 0 to below 1, not {weight}")
    made = np.array(values, dtype=np.float64)
    finite = np.isfinite(made)
    if weight > 0:
        made[finite] = _smoothed(made[finite], weight)
    return made


def _smoothed(values: Floats, weight: float) -> Floats:
    """Smooth block by block: within one, `m_k = weight^k (m_0 + sum of (1 - weight) x_j / weight^j)`."""
    size = max(1, min(1024, int(-LARGEST_POWER / np.log(weight))))
    powers = weight ** np.arange(1, size + 1)
    made, mean = np.empty_like(values), 0.0
    for start in range(0, len(values), size):
        block = values[start : start + size]
        factors = powers[: len(block)]
        made[start : start + size] = factors * (mean + np.cumsum((1 - weight) * block / factors))
        mean = float(made[start + len(block) - 1])
    return np.asarray(made / (1 - weight ** np.arange(1, len(values) + 1)), dtype=np.float64)
