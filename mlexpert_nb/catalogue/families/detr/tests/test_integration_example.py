"""The training script in small: what it draws, what it counts, and that it learns."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

from model import Detections


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_held_out_digit_is_trained_on_and_every_class_is_in_both_parts(script):
    images, test_images, classes, test_classes = script.digits(0)
    assert len(images) + len(test_images) == 178 + 182 + 179  # the zeros, ones and sevens of scikit-learn
    assert len(test_images) == pytest.approx(0.2 * (178 + 182 + 179), abs=5)
    assert (images.min(), images.max()) == (0, 1)
    for part in (classes, test_classes):
        assert (part.bincount() / len(part)).tolist() == pytest.approx([0.33, 0.33, 0.33], abs=0.02)
    seen = {tuple(image.flatten().tolist()) for image in images}
    assert not any(tuple(image.flatten().tolist()) in seen for image in test_images)
    middles = images[:, 3:5, 3:5].mean((1, 2))
    assert middles[classes == 0].mean() < 0.3
    assert middles[classes == 1].mean() > 0.8


def test_a_canvas_has_its_digits_inside_the_boxes_and_nothing_outside(script):
    images, _, classes, _ = script.digits(0)
    pixels, targets = script.canvases(images, classes, 80, torch.Generator().manual_seed(0))
    known = {tuple(image.flatten().tolist()): kind for image, kind in zip(images, classes.tolist(), strict=True)}
    counts = (targets["classes"] >= 0).sum(1)
    assert set(counts.tolist()) == {1, 2}
    for row in range(80):
        rest = pixels[row, 0].clone()
        for slot in range(counts[row]):
            x, y, width, height = (24 * targets["boxes"][row, slot]).tolist()
            assert (width, height) == pytest.approx((8, 8))
            top, left = round(y - 4), round(x - 4)
            digit = rest[top : top + 8, left : left + 8]
            assert known[tuple(digit.flatten().tolist())] == targets["classes"][row, slot]
            digit.zero_()
        assert rest.abs().sum() == 0
    places = (24 * targets["boxes"][:, 0, :2]).round().int()
    assert (places.min(), places.max()) == (4, 20)


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 500) for step in range(500)]
    top = rates.index(max(rates))
    assert rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] < 0.001


def test_the_score_counts_found_read_and_false(script):
    boxes = torch.tensor([[[0.2, 0.2, 0.2, 0.2], [0.7, 0.7, 0.2, 0.2], [0.2, 0.8, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2]]])
    kinds = torch.tensor([[1, 2, 3, 10]])
    logits = torch.nn.functional.one_hot(kinds, 11).float()
    wanted = {"classes": torch.tensor([[1, 5, 4, -1]]), "boxes": boxes.clone()}
    wanted["boxes"][0, 2] = torch.tensor([0.5, 0.5, 0.2, 0.2])

    class Fixed(torch.nn.Module):
        def forward(self, pixels):
            assert pixels.shape == (1, 1)
            return Detections(logits, boxes, logits[:, None], boxes[:, None])

    found, read, alarms = script.score(Fixed(), torch.zeros(1, 1), wanted)
    assert found == pytest.approx(2 / 3)
    assert read == pytest.approx(1 / 3)
    assert alarms == 1


def test_the_script_learns_and_says_how_well(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "EVERY", 15)
    monkeypatch.setattr(script, "SMALL", {**script.SMALL, "backbone_channels": (16, 16), "hidden_size": 32})
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "45", "--batch", "8", "--threads", "1"])
    script.main()
    said = capsys.readouterr().out
    losses = [float(value) for value in re.findall(r"step +\d+  loss ([\d.]+)", said)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    before, after = map(float, re.search(r"held-out digits ([\d.]+) before, ([\d.]+) after", said).groups())
    assert after < 0.8 * before
    found, read = (float(re.search(rf"{words} ([\d.]+)", said)[1]) for words in ("digits found", "read rightly"))
    assert 0 <= read <= found <= 1
