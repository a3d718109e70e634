"""The training script in miniature: honest split, gaps that can be put back, and a loss that falls."""

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


def test_no_test_name_is_trained_on_and_the_split_is_the_same_every_time(script):
    train, test = script.names(0)
    assert len(test) == len(set(train) | set(test)) // 10
    assert not set(train) & set(test)
    assert (train, test) == script.names(0)
    assert test != script.names(1)[1]


def test_what_was_cut_out_fits_back_into_the_gap(script):
    names = [list(range(10, 10 + size)) for size in (3, 5, 10)] * 20
    pairs = script.corrupted(names)
    sizes = set()
    for name, source, target in zip(names, pairs.source.tolist(), pairs.target.tolist(), strict=True):
        read, cut = source[: source.index(script.END)], target[: target.index(script.END)]
        place = read.index(script.CUT)
        assert cut[0] == script.CUT
        assert read[:place] + cut[1:] + read[place + 1 :] == name
        sizes.add(len(cut) - 1)
    assert sizes == {1, 2}


def test_rare_words_are_unknown(script):
    words = script.vocabulary(["ONE TWO"] * 4 + ["TWO THREE"] * 3)
    assert list(words) == [*script.SPECIAL, "ONE", "TWO"]
    assert script.encoded("TWO THREE ONE", words) == [5, script.UNKNOWN, 4]


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 400) for step in range(401)]
    top = rates.index(max(rates))
    assert 0 < rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] == 0


def test_a_gap_counts_as_right_up_to_its_end(script):
    class Writer(torch.nn.Module):
        def generate(self, source, mask, *, start, length):
            del source, mask, start, length
            return torch.tensor([[1, 10, 2, 9]])

    sizes = [script.corrupted([[10] * 3], torch.Generator().manual_seed(seed)).target[0].tolist() for seed in range(20)]
    for expected, cut in ((1.0, [1, 10, 2, 0]), (0.0, [1, 10, 10, 2])):
        assert script.accuracy(Writer(), [[10] * 3], sizes.index(cut))[0] == expected


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "55", "--batch", "16", "--threads", "1"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0]
    assert sum("  ->  " in line for line in lines) == 3
    assert lines[-1].startswith("test accuracy")
