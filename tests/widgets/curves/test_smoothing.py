"""Smoothing: what its formula says, with no pull of the start."""

import numpy as np
import pytest

from mlexpert_widgets.curves.smoothing import smoothed


def test_it_has_no_pull_of_the_start_and_passes_over_gaps():
    assert smoothed(np.full(2000, 3.0), 0.99) == pytest.approx(np.full(2000, 3.0))
    values = np.random.default_rng(0).normal(size=5000)
    values[[3, 1500]] = np.nan
    mean, count, wanted = 0.0, 0, []
    for value in values:
        if np.isfinite(value):
            mean, count = 0.9 * mean + 0.1 * value, count + 1
        wanted.append(mean / (1 - 0.9**count) if np.isfinite(value) else np.nan)
    assert smoothed(values, 0.9) == pytest.approx(np.array(wanted), nan_ok=True)


def test_a_weight_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="from 0 to below 1, not 1"):
        smoothed(np.zeros(3), 1)
