"""What the largest views leave in a notebook: HTML and image together, through what a cell shows."""

import numpy as np
import pytest
import torch
from widgets.graph.models import nest10k

from mlexpert_widgets import Dashboard, LearningCurves, Recorder
from mlexpert_widgets.live import view as view_module

SAVED = 150_000  # bytes of text/html and image/png, as they stand in the file
NUM_RUNS, NUM_METRICS, NUM_POINTS = 10, 6, 100_000


@pytest.fixture(scope="module")
def runs():
    steps, noise = np.arange(NUM_POINTS, dtype=float), np.random.default_rng(0).normal(size=NUM_POINTS)
    made = []
    for run in range(NUM_RUNS):
        recorder = Recorder(f"learning rate {run}")
        for metric in range(NUM_METRICS):
            for name, shift in ((f"metric {metric}", 0), (f"val/metric {metric}", 0.1)):
                values = np.exp(-steps / 3e4) * (1 + metric) + 0.2 * np.roll(noise, 97 * run + metric) + shift
                recorder._of(name).extend(steps, steps / 100, values)
        made.append(recorder)
    return made


@pytest.fixture
def shown(monkeypatch):
    """Show a view as a cell does, and give what its output holds when the cell has ended."""
    held = []

    class Output:
        def __init__(self, data, _metadata):
            held.append(data)

        def update(self, data, _metadata):
            held.append(data)

    monkeypatch.setattr(view_module, "Output", Output)

    def show(view):
        view.show()
        view.freeze()
        view.close()
        return held[-1] if "image/png" in held[-1] else held[-2]

    return show


@pytest.mark.parametrize("smoothing", [0.0, 0.9])
def test_ten_long_runs_of_six_metrics_with_validation_are_small(runs, shown, smoothing):
    assert _size(shown(LearningCurves(*runs, smoothing=smoothing))) <= SAVED


def test_the_dashboard_of_ten_thousand_modules_with_ten_long_runs_is_small(runs, shown):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two of them wait for each other in every small layer
    dashboard = Dashboard(nest10k(), runs, example_inputs=torch.randn(1, 16), seconds=0.1)
    data = shown(dashboard)
    torch.set_num_threads(threads)
    assert all(f"mlx-view {view.key}" in data["text/html"] for view in dashboard.views)
    assert _size(data) <= SAVED


def _size(data):
    assert data["image/png"]
    return len(data["text/html"].encode()) + len(data["image/png"])
