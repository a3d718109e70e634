"""The training script in small: both agents learn to balance longer than at the start."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

from model import CartPole, build_model


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "examples" / "train.py"
    spec = importlib.util.spec_from_file_location("example_train", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_rollout_holds_what_was_seen_done_and_gained(script):
    model, carts = build_model(kind="ppo", **script.CARTPOLE), CartPole(3)
    first = carts.state_N4
    rollout = script.collect(model, carts, script.Lengths())
    assert {name: len(each) for name, each in rollout.items()} == dict.fromkeys(rollout, 3 * script.ROLLOUT)
    assert torch.equal(rollout["observations"][:3], first)
    judged = model(rollout["observations"])
    chances = judged.logits.log_softmax(1).gather(1, rollout["actions"][:, None])[:, 0]
    torch.testing.assert_close(chances, rollout["old_log_probs"])
    torch.testing.assert_close(rollout["returns"] - rollout["advantages"], judged.values)


@pytest.mark.parametrize(("kind", "steps"), [("ppo", 640), ("dqn", 700)])
def test_the_script_learns_and_says_how_well(script, monkeypatch, capsys, kind, steps):
    monkeypatch.setattr(sys, "argv", ["train.py", "--steps", str(steps), "--kind", kind])
    script.main()
    said = capsys.readouterr().out
    after, before = map(float, re.search(r"balanced for ([\d.]+) of 500 steps \(([\d.]+) before", said).groups())
    assert after > 1.5 * before
    assert after > 60
