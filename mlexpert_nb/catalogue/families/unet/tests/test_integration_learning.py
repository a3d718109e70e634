"""From end to end: the networks learn a batch by heart, shapes in noise, and the noise itself."""

import pytest
import torch
from references import DIFFUSION, SEGMENTATION

from model import ModelConfig, build_model, functional


def train(model, batches, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("config", [SEGMENTATION, {**SEGMENTATION, "norm": "none"}, DIFFUSION])
def test_one_batch_is_learned_by_heart(config):
    config = {**config, "width": 16, "channel_multipliers": (1, 2)}
    model, fixed = build_model(**config), functional.example_batch(ModelConfig(**config), 2, 0)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 50) < 0.2 * first


def squares(rows):
    """Noise with a bright and a dark square; the labels say which pixels belong to which."""
    images, labels = 0.5 * torch.randn(rows, 2, 16, 16), torch.zeros(rows, 16, 16, dtype=torch.long)
    for image, label in zip(images, labels, strict=True):
        for kind in (1, 2):
            row, column = torch.randint(11, (2,)).tolist()
            image[:, row : row + 5, column : column + 5] = 1.5 * (-1) ** kind + 0.5 * torch.randn(2, 5, 5)
            label[row : row + 5, column : column + 5] = kind
    return {"images_BCHW": images}, {"labels_BHW": labels}


def test_it_learns_to_outline_squares():
    model = build_model(**{**SEGMENTATION, "width": 8})
    train(model, (squares(8) for _ in range(60)))
    inputs, targets = squares(50)
    right = (model.eval()(**inputs).argmax(1) == targets["labels_BHW"]).double()
    assert right.mean() > 0.97
    assert right[targets["labels_BHW"] > 0].mean() > 0.9


def striped(rows):
    """Stripes after a random step of the diffusion process; the target is the noise that was added."""
    clean = torch.where(torch.arange(8) % 2 == 0, 1.0, -1.0).expand(rows, 2, 8, 8)
    noise, steps = torch.randn(rows, 2, 8, 8), torch.randint(functional.NUM_STEPS, (rows,))
    return {"images_BCHW": functional.add_noise(clean, noise, steps), "steps_B": steps}, {"noise_BCHW": noise}


def test_it_learns_to_tell_noise_from_stripes_at_every_step():
    model = build_model(**{**DIFFUSION, "width": 16, "channel_multipliers": (1, 2)})
    train(model, (striped(16) for _ in range(40)))
    with torch.no_grad():
        assert functional.loss(model.eval(), *striped(200)) < 0.35
