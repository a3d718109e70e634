"""From end to end: the networks learn a batch by heart, and a rule that needs a number and a category together."""

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
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_one_batch_is_learned_by_heart(kind, task):
    keys = {**SMALL, "kind": kind, "task": task}
    fixed = functional.example_batch(ModelConfig(**keys), 4, 0)
    model = build_model(**keys)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 80) < 0.1 * first


def rows(count):
    """Draw rows whose class follows from the sign of a number that the category chooses."""
    x_num, x_cat = torch.randn(count, 3), torch.stack([torch.randint(2, (count,)), torch.randint(5, (count,))], dim=1)
    chosen = x_num[torch.arange(count), x_cat[:, 0]]
    return {"x_num": x_num, "x_cat": x_cat}, {"labels": (chosen > 0).long()}


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_which_number_a_category_chooses(kind):
    model = build_model(**{**SMALL, "kind": kind, "num_outputs": 2, "hidden_size": 24, "ffn_size": 24})
    train(model, (rows(64) for _ in range(150)))
    inputs, targets = rows(500)
    assert (model.eval()(**inputs).argmax(1) == targets["labels"]).double().mean() > 0.9
