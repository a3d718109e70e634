"""From end to end: the model learns a batch by heart, and samples what it has seen."""

import pytest
import torch
from references import FLOW, SMALL

from model import ModelConfig, build_model, functional

KINDS = [{}, FLOW]


def train(model, steps, loss, lr=5e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for _ in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return value.item()


@pytest.mark.parametrize("changes", KINDS)
def test_one_batch_with_its_noise_is_learned_by_heart(changes):
    model = build_model(**{**SMALL, **changes})
    fixed = functional.example_batch(ModelConfig(**{**SMALL, **changes}), 2, 0)

    def same_noise():
        torch.manual_seed(1)
        return functional.loss(model, *fixed)

    first = same_noise().item()
    assert train(model, 50, same_noise, lr=1e-2) < 0.3 * first


@pytest.mark.parametrize("changes", [{"prediction_type": "sample"}, FLOW])
def test_it_samples_the_two_images_that_it_was_shown(changes):
    keys = {**SMALL, "num_channels": 1, "channel_mults": (1,), "beta_end": 0.4, **changes}
    model = build_model(**keys)
    images = torch.stack([torch.full((1, 8, 8), value) for value in (-0.8, 0.8)])
    train(model, 80, lambda: model.loss(images.repeat(4, 1, 1, 1)), lr=1e-2)
    made = model.eval().sample(16, 20)
    assert (made.abs() - 0.8).abs().mean() < 0.2
    assert {round(image.mean().sign().item()) for image in made} == {-1, 1}
