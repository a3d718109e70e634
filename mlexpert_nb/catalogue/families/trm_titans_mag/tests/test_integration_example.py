"""The training script: batches, optimiser groups, schedule, averaged weights, and the whole run in small."""

import argparse
import copy
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from references import SMALL, small_model
from torch.optim.optimizer import register_optimizer_step_post_hook

from model import build_model


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_batch_labels_every_token_with_the_next_one(script):
    ids, labels = script.batch(torch.arange(100), 5, 8)
    assert ids.shape == labels.shape == (5, 8)
    assert torch.equal(labels, ids + 1)
    assert ids[:, 0].unique().numel() > 1


def test_weight_decay_falls_on_matrices_only_and_no_parameter_is_forgotten(script):
    model = small_model()
    decayed, free = script.parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim <= 1 for p in free["params"])
    assert {id(p) for g in (decayed, free) for p in g["params"]} == {id(p) for p in model.parameters()}


def test_the_learning_rate_warms_up_and_falls_along_a_cosine(script):
    rates = [script.warm_cosine(step, 200) for step in range(200)]
    top = rates.index(max(rates))
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1, abs=0.03)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


def test_training_gives_the_moving_average_of_the_weights(script, capsys):
    model, trail = build_model(**SMALL), []

    def note(*_):
        trail.append(copy.deepcopy(dict(model.named_parameters())))

    hook = register_optimizer_step_post_hook(note)
    args = argparse.Namespace(steps=12, batch=2, length=8, lr=1e-2)
    averaged = script.fit(model, torch.arange(60) % 13, args)
    hook.remove()
    expected = trail[0]
    for weights in trail[1:]:
        expected = {name: (1 - 5 / 12) * w + 5 / 12 * weights[name] for name, w in expected.items()}
    assert len(trail) == 12
    for name, p in averaged.named_parameters():
        torch.testing.assert_close(p, expected[name])
    assert not torch.equal(averaged.backbone.norm.weight, model.backbone.norm.weight)
    assert "step    12" in capsys.readouterr().out


def test_the_script_trains_evaluates_and_writes(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "12", "--batch", "4", "--length", "24"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if "loss" in line and line.startswith("step")]
    assert losses[-1] < losses[0]
    assert sum(line.startswith("held out") for line in lines) == 2
    assert "The statement " in lines[-1]
