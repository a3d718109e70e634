"""The training script in small: it learns to draw digits, and says how near they come to held-out ones."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch
from sklearn.linear_model import LogisticRegression


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_held_out_digits_are_no_training_digits(script):
    train, test, labels = script.digits(0)
    assert len(train) == len(labels) == 1797 - len(test)
    assert train.shape[1:] == (1, 8, 8)
    assert (train.min(), train.max()) == (-1, 1)
    assert torch.equal(script.digits(0)[1], test)


def test_the_distance_of_a_shift_is_its_mean_along_the_directions(script):
    images = torch.rand(40, 1, 8, 8)
    assert script.distance(images, images[torch.randperm(40)]) < 1e-6
    shifted = script.distance(images, images + 0.5)
    assert abs(shifted - 0.5 * (2 / torch.pi) ** 0.5) < 0.05  # the sum of 64 parts of a random direction is normal


def test_the_classifier_is_sure_of_digits_and_counts_their_kinds(script):
    train, _, labels = script.digits(0)
    judge = LogisticRegression(max_iter=1000).fit(train.flatten(1).numpy(), labels.numpy())
    share, kinds = script.recognised(judge, train[labels < 3])
    assert 0.8 < share < 1
    assert kinds == 3


def test_the_script_learns_and_says_how_well(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "10", "--threads", "1"])
    script.main()
    said = capsys.readouterr().out
    assert "step   10" in said
    pattern = r"held-out digits ([\d.]+) \(untrained ([\d.]+), training digits ([\d.]+)\)"
    end, start, real = map(float, re.search(pattern, said).groups())
    assert real < end < 0.8 * start
