"""From end to end: the network learns a batch by heart, and to fill in what both neighbours tell."""

import torch
from references import SMALL

from model import ModelConfig, build_model, functional


def train(model, batches, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return loss.item()


def test_one_batch_is_learned_by_heart():
    model = build_model(**SMALL)
    fixed = functional.example_batch(ModelConfig(**SMALL), 4, 0)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 100, lr=1e-2) < 0.1 * first


def sums(rows):
    """Three tokens; the one in the middle is the sum of its neighbours, and masked."""
    left, right = torch.randint(3, (2, rows))
    ids = torch.stack([left + 2, torch.ones_like(left), right + 2], dim=1)
    labels = torch.full_like(ids, -100)
    labels[:, 1] = 5 + left + right
    return {"input_ids_BT": ids}, {"labels_BT": labels}


def test_it_learns_to_fill_in_the_sum_of_both_neighbours():
    model = build_model(**SMALL)
    train(model, (sums(32) for _ in range(150)), lr=5e-3)
    inputs, targets = sums(200)
    assert (model.eval()(**inputs)[:, 1].argmax(1) == targets["labels_BT"][:, 1]).double().mean() > 0.95
