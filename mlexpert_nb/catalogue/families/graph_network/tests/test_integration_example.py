"""The training script in miniature: an honest split, a graph that knows no labels, a result beside its baseline."""

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


def test_few_nodes_are_trained_on_and_none_of_them_is_tested(script):
    labels = script.digits()[1]
    train, validation, test = script.split_nodes(labels, 0)
    assert labels[train].bincount().tolist() == [5] * 10
    assert (len(validation), len(test)) == (349, 1398)
    assert torch.cat([train, validation, test]).sort().values.tolist() == list(range(1797))
    shares = labels[test].bincount() / len(test)
    assert shares.min() > 0.09
    assert not torch.equal(script.split_nodes(labels, 1).train, train)


def test_the_graph_joins_nearest_digits_both_ways_and_none_to_itself(script):
    x, _ = script.digits()
    assert (x.min(), x.max()) == (0, 1)
    edges = script.neighbour_graph(x[:300])
    sources, targets = edges
    assert (sources != targets).all()
    listed = set(map(tuple, edges.T.tolist()))
    assert len(listed) == edges.shape[1]
    assert {(target, source) for source, target in listed} == listed
    nearest = torch.cdist(x[:1], x[1:300]).argsort()[0, :8] + 1
    assert {(int(each), 0) for each in nearest} <= listed
    assert targets.bincount().min() >= 8


def test_the_script_trains_and_prints_what_it_measured(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", "50", "--threads", "1"])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    losses = [float(line.split("loss")[1].split()[0]) for line in lines if line.startswith("step")]
    assert losses[-1] < losses[0] < 2.4
    assert lines[-1].startswith("test accuracy")
    reached, without = float(lines[-1].split()[2]), float(lines[-1].split()[-1].rstrip(")"))
    assert reached > without > 0.7
