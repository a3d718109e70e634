"""The training script in miniature: honest split, sound pairs, and a result that beats the untrained network."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch  # only objective=simclr


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


def test_the_learning_rate_warms_up_and_falls_to_nothing(script):
    rates = [script.warm_cosine(step, 500) for step in range(500)]
    top = rates.index(max(rates))
    assert rates[0] < 0.1
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[top] > 0.9
    assert rates[-1] < 0.001


def test_a_view_is_the_image_moved_a_little(script):  # only objective=simclr
    images = script.digits(0)[0][:200]
    once, twice = script.view(images), script.view(images)
    assert once.shape == images.shape
    assert not torch.equal(once, twice)
    flat = [each.flatten(1) - each.flatten(1).mean(0) for each in (once, twice)]
    same = torch.cosine_similarity(*flat).mean()
    other = torch.cosine_similarity(flat[0], flat[1].roll(1, 0)).mean()
    assert same > other + 0.3


def test_few_labels_are_as_many_of_each_digit(script):  # only objective=simclr
    labels = script.digits(0)[2]
    chosen = script.few(labels)
    assert labels[chosen].bincount().tolist() == [10] * 10
    assert len(chosen.unique()) == 100


def test_the_probe_finds_what_lies_apart_and_not_what_does_not(script):  # only objective=simclr
    labels = torch.arange(200) % 2
    images = torch.randn(200, 3) + 8 * labels[:, None]
    train, test = (images[:100], labels[:100]), (images[100:], labels[100:])
    assert script.probe(lambda x: x, train, test) > 0.98
    assert script.probe(torch.randn_like, train, test) < 0.75


def test_captions_become_words_that_end_and_are_padded(script):  # only objective=clip
    words = script.vocabulary()
    assert len(words) == len(set(words))
    assert (words[0], words[-1]) == ("[PAD]", "[EOS]")
    (row,) = script.encoded(["this is nine"], words).tolist()
    assert [words[token] for token in row] == ["this", "is", "nine", "[EOS]"] + ["[PAD]"] * 4
    assert "{}" not in words
    for caption in script.CAPTIONS:
        assert script.encoded([caption.format("two")], words).shape == (1, 8)


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "SMALL", {**script.SMALL, "num_layers": 1})
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "60", "--threads", "1"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0]
    after, before = (
        float(number) for number in re.findall(r"(?:accuracy|untrained|encoder) (0\.\d{3})", lines[-1])[:2]
    )
    assert after > before + 0.05
