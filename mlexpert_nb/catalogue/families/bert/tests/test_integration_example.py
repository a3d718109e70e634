"""The training script in miniature: honest split, words from training alone, a result above the baseline."""

import importlib.util
import re
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


def test_no_test_name_is_trained_on_and_the_split_is_the_same_every_time(script):
    train_names, test_names = script.names(0)
    assert len(test_names) == len(set(train_names) | set(test_names)) // 10
    assert not set(train_names) & set(test_names)
    assert (train_names, test_names) == script.names(0)
    assert test_names != script.names(1)[1]
    assert "GREEK SMALL LETTER ALPHA" in {*train_names, *test_names}


def test_words_come_from_the_training_names_and_rare_ones_are_unknown(script):
    words = script.vocabulary(["ONE TWO"] * 4 + ["TWO THREE"] * 3)
    assert list(words) == [*script.SPECIAL, "ONE", "TWO"]
    ids = script.encoded(["TWO THREE", "ONE [MASK] TWO"], words)
    assert ids.tolist() == [[1, 6, 4, 2] + [0] * 8, [1, 5, 3, 6, 2] + [0] * 7]


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_linear(step, 400) for step in range(401)]
    top = rates.index(max(rates))
    assert 0 < rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.8
    assert rates[-1] == 0


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "100", "--batch", "32", "--threads", "1"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 7
    assert sum("  ->  " in line for line in lines) == 3
    right, usual = (float(number) for number in re.findall(r"0\.\d{3}", lines[-1]))
    assert lines[-1].startswith("test accuracy")
    assert right > usual + 0.02 > 0.1
