"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

VARIANTS = [
    {},
    {"num_blocks": 3, "num_self_attends_per_block": 1},
    {"d_model": 7, "num_cross_attention_heads": 7, "mlp_dim": 5},
    {"image_size": 3, "num_channels": 4, "num_latents": 2, "d_latents": 9, "num_classes": 3},
]
PUBLISHED = {
    "image_size": 224,
    "num_channels": 3,
    "num_classes": 1000,
    "d_model": 256,
    "num_latents": 512,
    "d_latents": 1024,
    "mlp_dim": 1024,
    "num_blocks": 8,
    "num_self_attends_per_block": 6,
}


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_count_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    for name, count in parameter_table(config):
        home = name.removesuffix(".*")
        assert count == sum(p.numel() for n, p in model.named_parameters() if n.split(".")[0] == home)


def test_the_published_network_has_its_published_count():
    assert count_parameters(ModelConfig(**PUBLISHED)) == 62_255_848


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *(({key: 0}, f"{key}=0 must be at least 1") for key in SMALL if key not in {"dropout", "num_classes"}),
        ({"num_classes": 1}, "num_classes=1 must be at least 2"),
        ({"dropout": -0.1}, "dropout=-0.1 must be at least 0"),
        ({"dropout": 1.0}, "dropout=1.0 must be below 1"),
        ({"num_self_attention_heads": 5}, "num_self_attention_heads=5 must divide self.d_latents=12"),
        ({"num_cross_attention_heads": 3}, "num_cross_attention_heads=3 must divide 2 . d_model=8"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})
