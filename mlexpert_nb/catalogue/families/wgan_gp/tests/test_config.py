"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

VARIANTS = [
    {},
    {"critic_norm": "layer"},
    {"num_levels": 1, "critic_norm": "layer"},
    {"num_levels": 3, "critic_norm": "layer", "generator_hidden_size": 9, "critic_hidden_size": 15},
    {"image_size": 12, "num_channels": 1, "latent_size": 5},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_count_of_every_part_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    parts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert {name.removesuffix(".*"): count for name, count in parameter_table(config)} == parts
    assert count_parameters(config) == sum(parts.values())


def test_published_sizes():
    # the repository of the paper: gan_cifar.py, and the DCGAN of gan_64x64.py, without the biases that cancel
    assert count_parameters(ModelConfig(**CIFAR)) == 9_270_659
    lsun = ModelConfig(**{**CIFAR, "image_size": 64, "num_levels": 4, "critic_norm": "layer"})
    assert count_parameters(lsun) == 9_672_643
    assert lsun.grid_size == ModelConfig(**CIFAR).grid_size == 4
    assert lsun.generator_widths == (512, 256, 128, 64)
    assert lsun.critic_widths == (64, 128, 256, 512)


CIFAR = {
    "num_channels": 3,
    "image_size": 32,
    "num_levels": 3,
    "latent_size": 128,
    "generator_hidden_size": 512,
    "critic_hidden_size": 512,
    "critic_norm": "none",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"critic_norm": "batch"}, "critic_norm='batch' must be one of none, layer: the penalty is that of single"),
        ({"num_channels": 0}, "num_channels=0 must be at least 1"),
        ({"image_size": 0}, "image_size=0 must be at least 1"),
        ({"num_levels": 0}, "num_levels=0 must be at least 1"),
        ({"latent_size": 0}, "latent_size=0 must be at least 1"),
        ({"num_critic_steps": 0}, "num_critic_steps=0 must be at least 1"),
        ({"penalty_weight": -0.1}, "penalty_weight=-0.1 must be at least 0"),
        ({"image_size": 10}, "image_size=10 must be a multiple of 4, because num_levels=2 halves it as often"),
        ({"generator_hidden_size": 1}, "generator_hidden_size=1 must be at least 2, because num_levels=2 halves"),
        ({"critic_hidden_size": 3, "num_levels": 3}, "critic_hidden_size=3 must be at least 4, because num_levels=3"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"num_channels": 1},
        {"image_size": 4},
        {"num_levels": 1},
        {"latent_size": 1},
        {"num_critic_steps": 1},
        {"penalty_weight": 0.0},
        {"generator_hidden_size": 2, "critic_hidden_size": 2},
    ],
    ids=str,
)
def test_the_smallest_values_are_allowed(changes):
    assert build_model(**{**SMALL, **changes})
