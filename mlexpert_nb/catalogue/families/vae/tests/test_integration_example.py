"""The training script in small: it learns digits, and compares itself with principal components."""

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


def test_held_out_digits_are_no_training_digits(script):
    train, test = script.digits(0)
    assert len(train) + len(test) == 1797
    assert train.shape[1:] == (1, 8, 8)
    assert torch.equal(script.digits(0)[1], test)


def test_as_many_components_as_pixels_lose_nothing(script):
    train, test = script.digits(0)
    assert script.principal_error(train, test, 64) < 1e-6
    assert 0.3 < script.principal_error(train, test, 8) < script.principal_error(train, test, 2) < 0.8


@pytest.mark.parametrize(("kind", "limit"), [("vae", 0.8), ("vqvae", 0.95)])
def test_the_script_learns_and_says_how_well(script, monkeypatch, capsys, kind, limit):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "80", "--threads", "1", "--kind", kind])
    script.main()
    said = capsys.readouterr().out
    assert "step   80" in said
    assert 0.0 < float(re.search(r"held-out reconstruction error ([\d.]+)", said)[1]) < limit
