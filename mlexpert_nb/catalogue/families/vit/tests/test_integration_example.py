"""The training script in miniature: honest split, and a printed result that beats chance."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_test_image_is_trained_on_and_every_digit_is_in_both_parts(script):
    train_images, test_images, train_labels, test_labels = script.digits(0)
    assert (len(train_images), len(test_images)) == (1437, 360)
    assert (train_images.min(), train_images.max()) == (-1, 1)
    for labels in (train_labels, test_labels):
        shares = labels.bincount() / len(labels)
        assert shares.min() > 0.09
        assert shares.max() < 0.11
    seen = {tuple(image.flatten().tolist()) for image in train_images}
    assert not any(tuple(image.flatten().tolist()) in seen for image in test_images)


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 500) for step in range(500)]
    top = rates.index(max(rates))
    assert rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] < 0.001


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "SMALL", {**script.SMALL, "hidden_size": 32, "num_layers": 1, "pool": "mean"})
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "80", "--batch", "32", "--threads", "1"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 2.6
    assert lines[-1].startswith("test accuracy")
    assert lines[-1].endswith("(chance 0.100)")
    assert float(lines[-1].split()[2]) > 0.3
