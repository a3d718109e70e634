"""The image tower against the papers' equations, and what follows from them."""

import pytest
import torch
from references import SMALL, image_vector, random_images, small_model

from model import build_model
from model.tower import patches, quick_gelu

VARIANTS = [{}, {"patch_size": 3}, {"num_heads": 1}, {"num_layers": 1}]


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_vector_of_an_image_is_that_of_the_equations(changes):
    model, images = small_model(**changes), random_images(3)
    expected = torch.stack([image_vector(image, model.image_tower, model.config) for image in images])
    assert model.image_tower(images).shape == (3, 12)
    torch.testing.assert_close(model.image_tower(images), expected, rtol=0, atol=1e-11)


def test_gradients_are_those_of_the_equations():
    model, images = small_model(), random_images(2)
    weights = torch.randn(2, 12, dtype=torch.float64)
    parameters = dict(model.image_tower.named_parameters())
    ours = torch.autograd.grad((model.image_tower(images) * weights).sum(), list(parameters.values()))
    written = torch.stack([image_vector(image, model.image_tower, model.config) for image in images])
    theirs = torch.autograd.grad((written * weights).sum(), list(parameters.values()))
    for name, mine, expected in zip(parameters, ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-10, msg=name)


def test_patches_run_row_by_row_and_channel_by_channel():
    images = torch.arange(2 * 2 * 4 * 4).reshape(2, 2, 4, 4)
    cut = patches(images, 2)
    assert cut.shape == (2, 4, 8)
    assert cut[0, 1].tolist() == [2, 3, 6, 7, 18, 19, 22, 23]
    assert cut[1, 2, 0] == images[1, 0, 2, 0]


def test_quick_gelu_is_nearly_gelu():
    x = torch.linspace(-5, 5, 101)
    assert (quick_gelu(x) - torch.nn.functional.gelu(x)).abs().max() < 0.021
    torch.testing.assert_close(quick_gelu(torch.tensor(1.0)), torch.tensor(1 / (1 + 2.718281828**-1.702)))


def test_every_pixel_reaches_every_number_of_the_vector():
    model, images = small_model(), random_images(1).requires_grad_()
    for place in range(12):
        (gradient,) = torch.autograd.grad(model.image_tower(images)[0, place], images)
        assert (gradient.abs() > 1e-9).all()


def test_an_image_is_read_alone():
    tower, images = small_model().image_tower, random_images(4)
    changed = torch.cat([images[:1], 5 * random_images(3)])
    torch.testing.assert_close(tower(changed)[0], tower(images)[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(tower(images[:1])[0], tower(images)[0], rtol=0, atol=1e-12)
    assert (tower(changed)[1:] - tower(images)[1:]).abs().max() > 1e-3


@pytest.mark.parametrize("shape", [(2, 3, 6, 6), (2, 2, 8, 6), (2, 2, 6, 8)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"resize to \(batch, \*\(2, 6, 6\)\)"):
        small_model().image_tower(torch.zeros(shape, dtype=torch.float64))


def test_the_weights_start_as_in_the_authors_code():
    tower = build_model(**{**SMALL, "hidden_size": 96, "num_layers": 8, "mlp_dim": 200, "patch_size": 6}).image_tower
    expected = {
        "patch_embedding": 72**-0.5,
        "class_token": 96**-0.5,
        "position_embedding": 96**-0.5,
        "query_key_value": 96**-0.5,
        "attention.out": (96 * 16) ** -0.5,
        "mlp.hidden": (96 * 2) ** -0.5,
        "mlp.out": (96 * 16) ** -0.5,
    }
    for name, parameter in tower.named_parameters():
        if "norm" in name:
            assert torch.equal(parameter, torch.full_like(parameter, float(name.endswith("weight"))))
        elif name.endswith("bias"):
            assert not parameter.any()
        else:
            std = next(value for part, value in expected.items() if part in name)
            share = 1 + 5 * (2 * parameter.numel()) ** -0.5
            assert std / share < parameter.std() < std * share, name
            assert parameter.mean().abs() < 5 * std * parameter.numel() ** -0.5
