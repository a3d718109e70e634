"""The training script in miniature: honest split, honest measures, and a result that beats what bytes alone tell."""

import importlib.util
import math
import re
import sys
from pathlib import Path

import pytest
import torch

from model import build_model


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_test_topic_is_trained_on_and_the_split_is_the_same_every_time(script):
    train, test = script.texts(0)
    assert len(test) == (len(train) + len(test)) // 10 > 3
    assert not set(train) & set(test)
    assert (train, test) == script.texts(0)
    assert test != script.texts(1)[1]


def test_bits_are_those_of_the_whole_text_read_at_once(script):
    torch.manual_seed(1)
    model, text = build_model(**script.SMALL), torch.randint(256, (300,))
    chances = model(text[None, :-1]).log_softmax(-1)[0]
    expected = -chances[torch.arange(299), text[1:]].mean().item() / math.log(2)
    assert script.bits(model, text) == pytest.approx(expected, abs=1e-4)


def test_frequencies_tell_the_entropy_of_what_is_known(script):
    assert script.frequency_bits(b"ab" * 50000, b"ab") == pytest.approx(1.0, abs=0.01)
    assert script.frequency_bits(b"", b"xyz") == pytest.approx(8.0)


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 400) for step in range(401)]
    top = rates.index(max(rates))
    assert 0 < rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] == 0


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    whole = script.texts(0)
    monkeypatch.setattr(script, "texts", lambda _: (whole[0], [whole[1][0][:3000]]))
    options = ["--steps", "25", "--batch", "8", "--threads", "1", "--written", "9", "--lr", "0.02"]
    monkeypatch.setattr(sys, "argv", ["train.py", *options])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("step    25  loss") for line in lines)
    found, usual, uniform = (float(number) for number in re.findall(r"\d\.\d{3}", lines[-1]))
    assert lines[-1].startswith("test ")
    assert found < usual < uniform == 8
