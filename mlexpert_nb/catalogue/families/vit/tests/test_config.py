"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

PUBLISHED = {  # arXiv:2010.11929 and arXiv:2012.12877, with 1000 classes
    "ViT-Ti/16": ({"hidden_size": 192, "num_layers": 12, "num_heads": 3, "mlp_dim": 768}, 5_717_416),
    "ViT-S/16": ({"hidden_size": 384, "num_layers": 12, "num_heads": 6, "mlp_dim": 1536}, 22_050_664),
    "ViT-B/16": ({"hidden_size": 768, "num_layers": 12, "num_heads": 12, "mlp_dim": 3072}, 86_567_656),
    "ViT-L/16": ({"hidden_size": 1024, "num_layers": 24, "num_heads": 16, "mlp_dim": 4096}, 304_326_632),
}
IMAGES = {"image_size": 224, "patch_size": 16, "num_channels": 3, "num_classes": 1000, "pool": "cls"}
VARIANTS = [{}, {"pool": "mean"}, {"patch_size": 3, "num_channels": 1}, {"num_layers": 3, "mlp_dim": 7}]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name):
    sizes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**IMAGES, **sizes)) == published


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_table_counts_what_is_built_part_by_part(changes):
    config = ModelConfig(**{**SMALL, **changes})
    built = dict(build_model(**{**SMALL, **changes}).named_parameters())
    for part, count in parameter_table(config):
        assert count == sum(p.numel() for name, p in built.items() if fnmatch(name, part) or fnmatch(name, f"{part}.*"))
    assert count_parameters(config) == sum(p.numel() for p in built.values())


def test_the_delivered_configuration_is_the_default():
    with torch.device("meta"):
        model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


@pytest.mark.parametrize(("pool", "tokens"), [("cls", 10), ("mean", 9)])
def test_the_class_token_is_one_more_than_the_patches(pool, tokens):
    config = ModelConfig(**{**SMALL, "pool": pool})
    assert (config.num_patches, config.num_tokens) == (9, tokens)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 4}, "patch_size=4 must divide image_size=6"),
        ({"num_heads": 5}, "num_heads=5 must divide hidden_size=12"),
        ({"pool": "max"}, "pool='max' must be one of 'cls', 'mean'"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 1000"),
        ({"num_classes": 1}, "num_classes=1 must lie between 2"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie between 0 and 0.99"),
        ({"dropout": float("nan")}, "dropout=nan must be finite"),
        ({"hidden_size": 12.0}, "hidden_size=12.0 must be of type int"),
        ({"num_heads": True}, "num_heads=True must be of type int"),
        ({"mlp_dim": -1}, "mlp_dim=-1 must lie between 1"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_a_whole_number_may_stand_for_a_share():
    assert ModelConfig(**{**SMALL, "dropout": 0}).dropout == 0
