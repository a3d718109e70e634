"""The training script in miniature: honest split, moved images, and a printed result that beats chance."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from references import small_model


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


def test_shifting_moves_an_image_by_at_most_one_pixel(script):
    images = torch.full((300, 1, 8, 8), -1.0)
    images[:, 0, 3, 4] = 1.0
    bright = (script.shifted(images) == 1).nonzero()
    assert bright[:, 0].tolist() == list(range(300))
    moves = {(row - 3, column - 4) for _, _, row, column in bright.tolist()}
    assert moves == {(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)}


def test_what_is_shifted_out_is_lost_and_background_flows_in(script):
    corners = torch.full((300, 1, 8, 8), -1.0)
    corners[:, 0, 0, 0] = 1.0
    moved = script.shifted(corners)
    assert moved.shape == corners.shape
    assert 0 < (moved == 1).sum() < 300
    assert moved.unique().tolist() == [-1, 1]


def test_weight_decay_falls_on_weights_only_and_no_parameter_is_forgotten(script):
    model = small_model()
    decayed, free = script.parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim <= 1 for p in free["params"])
    assert {id(p) for group in (decayed, free) for p in group["params"]} == {id(p) for p in model.parameters()}


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 500) for step in range(500)]
    top = rates.index(max(rates))
    assert rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] < 0.001


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "SMALL", {**script.SMALL, "width": 8})
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "50", "--batch", "32", "--threads", "1"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 2.6
    assert lines[-1].startswith("test accuracy")
    assert lines[-1].endswith("(chance 0.100)")
    assert float(lines[-1].split()[2]) > 0.3
