"""The training script in small: it learns from real text and says how much."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

from model import ModelConfig


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_small_variant_has_the_delivered_options(script):
    small, config = ModelConfig(**script.small()), ModelConfig()
    assert (small.attention, small.position, small.ffn, small.norm) == (
        *(config.attention, config.position, config.ffn, config.norm),
    )
    assert small.vocab_size == 256


def test_the_label_of_a_byte_is_the_byte_after_it(script):
    ids, labels = script.batch(torch.arange(1000), 5)
    assert ids.shape == labels.shape == (5, script.LENGTH)
    assert torch.equal(labels, ids + 1)
    assert ids[:, 0].unique().numel() > 1


def test_the_script_learns_and_says_how_much(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "25", "--batch", "4"])
    script.main()
    said = capsys.readouterr().out
    bits, known = map(
        float, re.search(r"held out: ([\d.]+) bits a byte \(byte counts alone: ([\d.]+)\)", said).groups()
    )
    assert 4.5 < known < 5.0
    assert bits < 6.0  # of 8 without learning
    assert "'The statement " in said
