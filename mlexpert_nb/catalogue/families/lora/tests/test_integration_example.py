"""The training script in small: it learns a task, then another one by adapters alone."""

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
    (x, y), (x_test, y_test) = script.digits(0)
    assert len(x) + len(x_test) == 1797
    assert (y_test.bincount() / len(y_test) - y.bincount() / len(y)).abs().max() < 0.01
    assert torch.equal(script.digits(0)[0][1], y)


def test_transposing_twice_gives_the_image_back(script):
    x = torch.rand(2, 64)
    assert torch.equal(script.transpose(x)[0].view(8, 8), x[0].view(8, 8).T)
    assert torch.equal(script.transpose(script.transpose(x)), x)


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_the_script_adapts_and_says_how_well(script, monkeypatch, capsys, kind):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "120", "--threads", "1", "--kind", kind])
    script.main()
    said = capsys.readouterr().out
    old, before = map(float, re.search(r"accuracy ([\d.]+); transposed: ([\d.]+)", said).groups())
    new = float(re.search(r"weights: test accuracy ([\d.]+)", said)[1])
    assert float(re.search(r"without the adapters: test accuracy ([\d.]+)", said)[1]) == old
    assert old > 0.9
    assert new > 0.8 > before + 0.3
