"""The training script in miniature: honest split, a sound measure, and samples that come near to digits."""

import importlib.util
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


def test_no_test_image_is_trained_on(script):
    train_images, test_images = script.digits(0)
    assert (len(train_images), len(test_images)) == (1437, 360)
    assert (train_images.min(), train_images.max()) == (-1, 1)
    seen = {tuple(image.flatten().tolist()) for image in train_images}
    assert not any(tuple(image.flatten().tolist()) in seen for image in test_images)


def test_the_distance_is_that_of_normal_distributions(script):
    torch.manual_seed(0)
    images = torch.randn(4000, 1, 2, 2, dtype=torch.float64)
    assert script.frechet(images, images) == pytest.approx(0, abs=1e-6)
    assert script.frechet(images, images + 0.5) == pytest.approx(4 * 0.25, rel=1e-6)
    assert script.frechet(images, 3 * images) == pytest.approx(4 * 4, rel=0.1)  # (3 - 1)^2 in each of 4 pixels


def test_images_are_drawn_in_letters(script):
    text = script.drawn(torch.tensor([[[[-1.0, 1.0], [0.0, -1.0]]], [[[1.0, 1.0], [-1.0, -1.0]]]]))
    lines = text.splitlines()
    assert len(lines) == 2
    assert lines[0].split("  ")[0] != lines[1].split("  ")[0]
    assert set(text) <= set(script.SHADES + "\n ")


@pytest.mark.parametrize("kind", ["diffusion", "flow"])
def test_the_script_trains_and_prints_what_it_measured(script, kind, monkeypatch, capsys):
    argv = ["train.py", "--kind", kind, "--steps", "30", "--batch", "16", "--samples", "70", "--threads", "1"]
    argv += ["--sampling-steps", "6"]
    monkeypatch.setattr(sys, "argv", argv)
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0]
    assert lines[-1].startswith("distance of the samples to held-out digits")
    numbers = [float(word.strip("(),")) for word in lines[-1].split() if word.strip("(),").replace(".", "").isdigit()]
    made, noise, real = numbers
    assert real < made < noise
