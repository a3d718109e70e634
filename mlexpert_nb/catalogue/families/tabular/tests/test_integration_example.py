"""The training script in miniature: honest splits, scales of the training rows, a result beside a linear model."""

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


@pytest.mark.parametrize(("name", "sizes"), [("breast_cancer", [364, 91, 114]), ("diabetes", [282, 71, 89])])
def test_no_row_is_in_two_parts_and_scales_are_those_of_the_training_rows(script, name, sizes):
    table = script.load(name, 0)
    parts = [rows[0]["x_num"] for rows in (table.train, table.validation, table.test)]
    assert [len(part) for part in parts] == sizes
    seen = [{tuple(row) for row in part.tolist()} for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[2] & (seen[0] | seen[1])
    torch.testing.assert_close(parts[0].mean(0), torch.zeros(parts[0].shape[1]), rtol=0, atol=1e-5)
    torch.testing.assert_close(parts[0].std(0, correction=0), torch.ones(parts[0].shape[1]), rtol=0, atol=1e-5)
    assert parts[2].mean(0).abs().max() > 0.01
    assert parts[0].shape[1] == table.keys["num_features"]


def test_the_classes_have_the_same_share_in_every_part(script):
    table = script.load("breast_cancer", 0)
    shares = [rows[1]["labels"].float().mean() for rows in (table.train, table.validation, table.test)]
    assert max(shares) - min(shares) < 0.01


def test_sex_is_a_category_and_the_number_to_predict_is_scaled(script):
    table = script.load("diabetes", 0)
    assert table.keys["cardinalities"] == (2,)
    assert table.train[0]["x_cat"].unique().tolist() == [0, 1]
    assert abs(table.train[1]["values"].mean()) < 1e-5
    assert abs(table.train[1]["values"].std(correction=0) - 1) < 1e-5


CASES = {
    "test accuracy": (["--kind", "resnet"], 0.85),
    "test R2": (["--data", "diabetes", "--kind", "resnet"], 0.1),
}


@pytest.mark.parametrize("said", CASES)
def test_the_script_trains_and_prints_what_it_measured(script, said, monkeypatch, capsys):
    options, least = CASES[said]
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "50", *options])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 1.2
    assert lines[-1].startswith(said)
    assert float(lines[-1].split()[2]) > least
    assert float(lines[-1].split()[-1].rstrip(")")) > least
