"""The training script in small: it splits honestly, and learns."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_is_fitted_on_the_patients_that_are_held_out(script):
    x, y, x_test, y_test = script.diabetes(0)
    assert len(x) + len(x_test) == 442
    assert y.shape == (len(x), 1)
    torch.testing.assert_close(x.mean(0), torch.zeros(10), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.std(0, correction=0), torch.ones(1), rtol=0, atol=1e-5)
    assert x_test.mean(0).abs().max() > 1e-3
    assert y_test.mean().abs() > 1e-3
    assert torch.equal(script.diabetes(0)[0], x)


def test_the_script_trains_and_says_how_well(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "100", "--threads", "1"])
    script.main()
    said = capsys.readouterr().out
    found = re.search(r"test R2 ([-\d.]+) of one layer, ([-\d.]+) of two \(ridge ([-\d.]+), mean 0.000\)", said)
    one, two, ridge = map(float, found.groups())
    assert min(one, two, ridge) > 0.3
    assert max(one, two, ridge) < 0.6
    assert "1 layers, grid of 2: step   50" in said
    assert "2 layers, grid of 4: step   50" in said


def test_the_score_of_the_mean_is_zero_and_of_the_truth_one(script):
    truth = torch.tensor([[1.0], [2.0], [6.0]])
    assert script.r2(truth, truth) == 1
    assert script.r2(torch.full((3, 1), 3.0), truth) == pytest.approx(0, abs=1e-6)
