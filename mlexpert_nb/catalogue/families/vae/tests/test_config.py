"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

VARIANTS = [
    {},
    {"kind": "vqvae"},
    {"num_levels": 1},
    {"num_levels": 3, "kind": "vqvae", "num_residual_layers": 1},
    {"image_size": 12, "num_channels": 1, "num_residual_layers": 0},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_count_of_every_part_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    table = parameter_table(config)
    parts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert {name.removesuffix(".*"): count for name, count in table} == parts
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())


def test_published_sizes():
    # DeepMind sonnet example, and section 4.1 of the paper, for one channel
    sonnet = {**SMALL, "kind": "vqvae", "num_channels": 1, "image_size": 32, "hidden_size": 128, "residual_size": 32}
    sonnet |= {"latent_size": 64, "num_embeddings": 512}
    assert count_parameters(ModelConfig(**sonnet)) == 808_129
    paper = ModelConfig(**{**sonnet, "hidden_size": 256, "residual_size": 256, "latent_size": 256})
    assert count_parameters(paper) == 5_516_545
    assert ModelConfig(**{**SMALL, "image_size": 24, "num_levels": 3}).grid_size == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "gan"}, "kind='gan' must be one of vae, vqvae"),
        ({"num_channels": 0}, "num_channels=0 must be at least 1"),
        ({"image_size": 0}, "image_size=0 must be at least 1"),
        ({"num_levels": 0}, "num_levels=0 must be at least 1"),
        ({"hidden_size": 0}, "hidden_size=0 must be at least 1"),
        ({"residual_size": 0}, "residual_size=0 must be at least 1"),
        ({"num_residual_layers": -1}, "num_residual_layers=-1 must be at least 0"),
        ({"latent_size": 0}, "latent_size=0 must be at least 1"),
        ({"num_embeddings": 1}, "num_embeddings=1 must be at least 2"),
        ({"beta": -0.1}, "beta=-0.1 must be at least 0"),
        ({"commitment_cost": -0.1}, "commitment_cost=-0.1 must be at least 0"),
        ({"image_size": 10}, "image_size=10 must be a multiple of 4, because num_levels=2 halves it as often"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})


@pytest.mark.parametrize("key", ["num_channels", "image_size", "hidden_size", "residual_size", "latent_size"])
def test_the_smallest_values_are_allowed(key):
    least = {"image_size": 4}.get(key, 1)
    assert build_model(**{**SMALL, "beta": 0.0, "commitment_cost": 0.0, "num_embeddings": 2, key: least})
