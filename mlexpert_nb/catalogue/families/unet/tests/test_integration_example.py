"""The training script in miniature: honest split, scenes with the right labels, and results that beat chance."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from model import ModelConfig, build_model


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_test_digit_is_trained_on_and_every_digit_is_in_both_parts(script):
    train, test = script.digits(0)
    assert (len(train[0]), len(test[0])) == (1437, 360)
    assert (train[0].min(), train[0].max()) == (0, 1)
    for _, labels in (train, test):
        shares = labels.bincount() / len(labels)
        assert shares.min() > 0.09
        assert shares.max() < 0.11
    seen = {tuple(image.flatten().tolist()) for image in train[0]}
    assert not any(tuple(image.flatten().tolist()) in seen for image in test[0])


def test_the_label_of_a_pixel_is_the_digit_whose_ink_it_is(script):
    images = torch.zeros(2, 8, 8)
    images[0, 1, 2], images[1, 5, 3] = 1.0, 0.8
    inputs, targets = script.scenes(images, torch.tensor([4, 7]), 6)
    scene, labels = inputs["images_BCHW"], targets["labels_BHW"]
    assert scene.shape == (6, 1, 32, 32)
    assert labels.shape == (6, 32, 32)
    assert labels.unique().tolist() == [4, 7, 10]
    assert scene[:, 0][labels == 4].mean() == pytest.approx(1.0, abs=0.1)
    assert scene[:, 0][labels == 7].mean() == pytest.approx(0.8, abs=0.1)
    assert scene[:, 0][labels == 10].mean() == pytest.approx(0.0, abs=0.02)
    assert scene[:, 0][labels == 10].std() == pytest.approx(0.1, abs=0.02)
    assert 25 < (labels < 10).sum() < 75


def test_noisy_digits_come_with_their_noise(script):
    inputs, targets = script.noisy(torch.zeros(3, 8, 8), 400)
    assert inputs["images_BCHW"].shape == targets["noise_BCHW"].shape == (400, 1, 8, 8)
    early = inputs["steps_B"] < 30
    assert inputs["images_BCHW"][early].mean() == pytest.approx(-1, abs=0.05)


def test_the_overlap_counts_what_is_in_both_among_what_is_in_either(script):
    labels = torch.full((1, 32, 32), 10)
    labels[0, 0, :4] = 3

    found = labels.clone()
    found[0, 0, 2:4], found[0, 1, :2] = 10, 3
    scores = torch.nn.functional.one_hot(found, 11).permute(0, 3, 1, 2).float()
    overlap = script.mean_overlap(torch.nn.Identity(), {"input": scores}, {"labels_BHW": labels})
    assert overlap == pytest.approx((2 / 6 + (1020 - 2) / (1020 + 2)) / 11)


def test_a_network_that_finds_no_noise_has_error_one(script):
    model = build_model(**script.SMALL["diffusion"])
    model.head[2].weight.data.zero_()
    model.head[2].bias.data.zero_()
    assert script.noise_error(model, torch.rand(5, 8, 8)) == pytest.approx(1.0, abs=0.02)


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 500) for step in range(500)]
    top = rates.index(max(rates))
    assert rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] < 0.001


@pytest.mark.parametrize("task", ["segmentation", "diffusion"])
def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys, task):
    monkeypatch.setitem(script.SMALL, task, {**script.SMALL[task], "width": 8})
    monkeypatch.setattr(sys, "argv", ["train.py", "--task", task, "--steps", "52", "--batch", "3"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 3
    result = next(float(word) for word in lines[-1].split() if word.startswith("0."))
    assert lines[-1].startswith("test ")
    assert 0.05 < result < 0.7


def test_the_task_is_that_of_the_delivered_network(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "1", "--batch", "2"])
    script.main()
    is_scene = ModelConfig().task == "segmentation"
    assert ("overlap" if is_scene else "noise") in capsys.readouterr().out.splitlines()[-1]
