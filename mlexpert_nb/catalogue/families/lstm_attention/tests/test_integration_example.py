"""The training script in miniature: honest split, right names, and a loss that falls."""

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


def test_no_test_syllable_is_trained_on_and_the_split_is_the_same_every_time(script):
    train, test = script.syllables(0)
    assert (len(train), len(test)) == (10055, 1117)
    assert not set(train) & set(test)
    assert (train, test) == script.syllables(0)
    assert test != script.syllables(1)[1]


def test_a_word_becomes_signs_and_letters_and_comes_back(script):
    alphabets = script.numbered(script.syllables(0)[0])
    words = script.encoded(["\ud55c\uae00", "\uac00\uac00"], alphabets)
    assert script.name("\ud55c\uae00") == "HANGEUL"
    assert (words.source != script.PAD).sum(1).tolist() == [6, 4]
    back = {index: letter for letter, index in alphabets.letters.items()}
    assert "".join(back[index] for index in words.target[0].tolist()) == "HANGEUL>"
    assert len(set(alphabets.signs.values())) == len(alphabets.signs) == 70


def test_every_word_of_two_syllables_fits(script):
    longest = max((chr(code) for code in script.SYLLABLES), key=lambda each: len(script.name(each)))
    assert 2 * len(script.name(longest)) + 1 <= script.TARGET_LENGTH
    assert 2 * len(script.signs("\ud55c")) == script.SOURCE_LENGTH


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 400) for step in range(401)]
    top = rates.index(max(rates))
    assert 0 < rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] == 0


@pytest.mark.parametrize("attention", ["bahdanau", "luong"])
def test_the_script_trains_and_prints_what_it_measured(script, attention, monkeypatch, capsys):
    options = ["--steps", "30", "--batch", "16", "--threads", "1", "--attention", attention]
    monkeypatch.setattr(sys, "argv", ["train.py", *options])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 3.5
    assert lines[-1].startswith("test accuracy")
    assert sum("  ->  " in line for line in lines) == 3
