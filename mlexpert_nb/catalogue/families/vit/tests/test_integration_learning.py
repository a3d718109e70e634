"""From end to end: the network learns a batch by heart, and where a bright patch lies."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, functional


def train(model, batches, lr=3e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_one_batch_is_learned_by_heart(pool):
    model = build_model(**{**SMALL, "pool": pool})
    fixed = functional.example_batch(ModelConfig(**SMALL), 4, 0)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 60, lr=1e-2) < 0.1 * first


def places(rows):
    """Noise with one bright patch; the label is its place among the first five."""
    labels = torch.randint(5, (rows,))
    images = 0.3 * torch.randn(rows, 2, 6, 6)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = divmod(label, 3)
        image[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] += 1.0
    return {"images_BCHW": images}, {"labels_B": labels}


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_it_learns_where_a_bright_patch_lies(pool):
    model = build_model(**{**SMALL, "pool": pool, "hidden_size": 24, "num_layers": 1})
    torch.nn.init.normal_(model.position_embedding)  # places matter here, so they start wide
    train(model, (places(32) for _ in range(120)))
    inputs, targets = places(200)
    assert (model.eval()(**inputs).argmax(1) == targets["labels_B"]).double().mean() > 0.9
