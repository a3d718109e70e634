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


def test_the_held_out_digits_are_no_training_digits_and_as_balanced(script):
    x, y, x_test, y_test = script.digits(0)
    assert len(x) + len(x_test) == 1797
    assert (y_test.bincount() / len(y_test) - y.bincount() / len(y)).abs().max() < 0.01
    assert torch.equal(script.digits(0)[0], x)
    assert not torch.equal(script.digits(1)[0], x)


@pytest.mark.parametrize("method", ["rk4", "dopri5"])
def test_the_script_trains_and_says_how_well(script, monkeypatch, capsys, method):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "60", "--threads", "1", "--method", method])
    script.main()
    said = capsys.readouterr().out
    assert "step   60  loss" in said
    assert float(re.search(r"test accuracy ([\d.]+) \(chance 0.10\)", said)[1]) > 0.85
    assert float(re.search(r"with the equation left out ([\d.]+)", said)[1]) < 0.9
