"""Generator and critic against their formulas, and how their weights start."""

import pytest
import torch
from references import KINDS, SMALL, generated, random_inputs, scored, small_model

from model import ModelConfig, build_model


@pytest.mark.parametrize("config", KINDS, ids=["none", "layer"])
def test_the_network_is_its_formula(config):
    model, inputs = small_model(config), random_inputs(config)
    state, output = model.state_dict(), model(**inputs)
    torch.testing.assert_close(output.generated, generated(state, inputs["latents"]))
    torch.testing.assert_close(output.real_scores, scored(state, inputs["images"]))
    torch.testing.assert_close(output.generated_scores, scored(state, output.generated))
    assert output.generated.shape == inputs["images"].shape
    assert output.real_scores.shape == output.generated_scores.shape == (3,)
    assert ("critic.3.bias" in state) == (config.get("critic_norm") == "layer")


@pytest.mark.parametrize("num_levels", [1, 2, 3])
def test_the_resolution_doubles_and_halves_with_every_level(num_levels):
    config = {**SMALL, "num_levels": num_levels, "critic_norm": "layer"}
    model, inputs = small_model(config), random_inputs(config)
    side, x = ModelConfig(**config).grid_size, inputs["latents"]
    assert side == 8 // 2**num_levels
    shapes = [tuple((x := layer(x)).shape[1:]) for layer in model.generator]
    assert shapes[1:4] == [(6, side, side)] * 3
    assert shapes[4::3] == [
        (6 // 2**n, 8 // 2 ** (num_levels - n), 8 // 2 ** (num_levels - n)) for n in range(1, num_levels)
    ] + [(2, 8, 8)]
    assert model.critic[:-3](inputs["images"]).shape == (3, 8, side, side)
    norms = [layer for layer in model.critic if isinstance(layer, torch.nn.GroupNorm)]
    assert [layer.num_channels for layer in norms] == [8 // 2**n for n in reversed(range(num_levels - 1))]


def test_new_images_are_those_of_normal_latents():
    model = small_model(SMALL)
    torch.manual_seed(3)
    drawn = model.sample(4)
    torch.manual_seed(3)
    assert torch.equal(drawn, model.generator(torch.randn(4, 3, dtype=torch.float64)))
    assert drawn.shape == (4, 2, 8, 8)
    assert drawn.abs().max() < 1


def test_batches_are_normalised_in_training_only():
    model, inputs = small_model(SMALL), random_inputs(SMALL, 64)
    model.train()
    grid = model.generator[:3](inputs["latents"])
    norm = model.generator[2]
    torch.testing.assert_close(grid.mean((0, 2, 3)), norm.bias)
    torch.testing.assert_close(grid.std((0, 2, 3), unbiased=False), norm.weight, rtol=1e-3, atol=1e-3)
    kept = norm.running_mean.clone()
    model.eval()(**inputs)
    assert torch.equal(norm.running_mean, kept)


def test_weights_start_as_in_the_code_of_the_paper():
    model = build_model(**{**SMALL, "generator_hidden_size": 64, "critic_hidden_size": 32})
    bounds = {  # sqrt(3 * 4 / (fan in + fan out)) of convolutions; half the variance of linear layers
        "generator.0": (6 / (3 + 64 * 4)) ** 0.5,
        "generator.4": (12 / (25 * (64 / 4 + 32))) ** 0.5,
        "generator.7": (12 / (25 * (32 / 4 + 2))) ** 0.5,
        "critic.0": (12 / (25 * (2 + 16 / 4))) ** 0.5,
        "critic.2": (12 / (25 * (16 + 32 / 4))) ** 0.5,
        "critic.5": (6 / (32 * 4 + 1)) ** 0.5,
    }
    for name, bound in bounds.items():
        weight = model.get_submodule(name).weight
        assert 0.95 * bound < weight.abs().max() <= bound, name
        assert weight.mean().abs() < 0.2 * bound, name
    biases = [layer.bias for layer in model.modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))]
    assert [bias is None for bias in biases] == [True, False, False, False]
    assert all(bias.abs().max() == 0 for bias in biases if bias is not None)


def test_the_delivered_network_makes_images_of_its_size():
    model, config = build_model().eval(), ModelConfig()
    images = torch.randn(1, config.num_channels, config.image_size, config.image_size)
    with torch.no_grad():
        output = model(torch.randn(1, config.latent_size), images)
    assert output.generated.shape == images.shape
    assert output.real_scores.shape == (1,)
