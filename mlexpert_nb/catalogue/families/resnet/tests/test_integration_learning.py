"""From end to end: the network learns a batch by heart, and a pattern wherever it lies."""

import pytest
import torch
from references import SMALL, VARIANTS

from model import ModelConfig, build_model, functional


def train(model, batches, lr=3e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("changes", VARIANTS[:4])
def test_one_batch_is_learned_by_heart(changes):
    model = build_model(**{**SMALL, **changes})
    fixed = functional.example_batch(ModelConfig(**{**SMALL, **changes}), 4, 0)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 40, lr=1e-2) < 0.1 * first


def stripes(rows):
    """Noise with a bright line of four pixels somewhere; the label is its direction."""
    labels = torch.randint(2, (rows,))
    images = 0.3 * torch.randn(rows, 2, 10, 10)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = torch.randint(6, (2,)).tolist()
        height, width = (1, 4) if label else (4, 1)
        image[:, row : row + height, column : column + width] += 1.5
    return {"images_BCHW": images}, {"labels_B": labels}


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_it_learns_which_way_a_line_runs_wherever_it_lies(kind):
    model = build_model(**{**SMALL, "block": kind, "num_classes": 2})
    train(model, (stripes(32) for _ in range(60)), lr=1e-2)
    inputs, targets = stripes(200)
    assert (model.eval()(**inputs).argmax(1) == targets["labels_B"]).double().mean() > 0.95
