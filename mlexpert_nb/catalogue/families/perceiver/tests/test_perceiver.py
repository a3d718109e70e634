"""The network against its equations written out, its start, and what it refuses."""

import pytest
import torch
from references import SMALL, logits, random_images, small_model

from model import build_model


@pytest.mark.parametrize(
    "changes",
    [{}, {"num_blocks": 1, "num_self_attention_heads": 1}, {"num_blocks": 3, "num_cross_attention_heads": 8}],
    ids=str,
)
@torch.no_grad()
def test_the_network_is_its_equations(changes):
    model, images = small_model(**changes), random_images(3)
    expected = torch.stack([logits(image, model) for image in images])
    torch.testing.assert_close(model(images), expected)


@torch.no_grad()
def test_latents_do_not_care_for_the_order_of_their_inputs():
    model, images = small_model(), random_images(2)
    inputs = model.inputs(images)
    assert inputs.shape == (2, 16, 8)
    torch.testing.assert_close(model.encode(inputs.flip(1)), model.encode(inputs))
    assert model.encode(inputs).shape == (2, 3, 12)


@torch.no_grad()
def test_the_classifier_does_care_where_a_pixel_is():
    model, images = small_model(), random_images(2)
    assert (model(images.flip(3)) - model(images)).abs().max() > 1e-4


@torch.no_grad()
def test_inputs_of_any_number_are_read():
    model = small_model()
    assert model.encode(torch.randn(2, 33, 8, dtype=torch.float64)).shape == (2, 3, 12)


@torch.no_grad()
def test_attention_is_dropped_in_training_only():
    model, images = small_model(dropout=0.5), random_images(2)
    assert torch.equal(model(images), model(images))
    still = small_model()
    still.load_state_dict(model.state_dict())
    assert torch.equal(model(images), still(images))
    model.train()
    assert (model(images) - model(images)).abs().max() > 1e-6


def test_every_part_starts_as_wide_as_it_should():
    model = build_model(**{**SMALL, "d_latents": 96, "num_latents": 40, "d_model": 48, "mlp_dim": 80, "image_size": 9})
    widths = {"positions": 1.0, "latents": 0.02, "query": 0.02}
    for name, parameter in model.named_parameters():
        if "norm" in name:
            assert torch.equal(parameter, torch.full_like(parameter, float(name.endswith("weight"))))
        elif name.endswith("bias"):
            assert not parameter.any()
        else:
            width = widths.get(name, parameter.shape[1] ** -0.5)
            assert 0.8 < parameter.std() / width < 1.2, name
            assert parameter.mean().abs() < 0.3 * width


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 2, 5, 4), (2, 2, 4, 5)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"resize them to \(batch, \*\(2, 4, 4\)\)"):
        small_model()(torch.zeros(shape, dtype=torch.float64))


@torch.no_grad()
def test_large_pixels_are_read_as_directions():
    model, images = small_model(), random_images(2)
    assert (model(1e6 * images) - model(1e7 * images)).abs().max() < 1e-3


def test_training_fits_a_small_batch():
    model, images, labels = build_model(**SMALL), random_images(4).float(), torch.tensor([0, 1, 2, 4])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(150):
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
