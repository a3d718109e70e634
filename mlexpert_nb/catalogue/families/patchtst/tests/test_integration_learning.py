"""From end to end: the networks learn a batch by heart, and to go on with waves of any period."""

import pytest
import torch
from references import KINDS, SMALL

from model import ModelConfig, build_model, functional


def train(model, batches, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("kind", KINDS)
def test_one_batch_is_learned_by_heart(kind):
    fixed = functional.example_batch(ModelConfig(**{**SMALL, "kind": kind}), 2, 0)
    model = build_model(**{**SMALL, "kind": kind})
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 100) < 0.1 * first


def waves(rows):
    """Draw waves of many periods and phases, at many levels."""
    period, phase = 6 + 6 * torch.rand(rows, 2, 1), 7 * torch.rand(rows, 2, 1)
    series = torch.sin(6.283 * torch.arange(19) / period + phase) + 5 * torch.randn(rows, 2, 1)
    return {"past": series[..., :14]}, {"future": series[..., 14:]}


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_to_go_on_with_a_wave(kind):
    model = build_model(**{**SMALL, "kind": kind, "hidden_size": 24, "ffn_size": 48})
    train(model, (waves(48) for _ in range(120)))
    inputs, targets = waves(300)
    flat = (targets["future"] - inputs["past"].mean(-1, keepdim=True)).square().mean()
    assert functional.loss(model.eval(), inputs, targets) < 0.25 * flat
