"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

VARIANTS = [
    {},
    {"encoder_layers": 0, "decoder_layers": 1},
    {"backbone_channels": (24,), "num_channels": 1},
    {"backbone_channels": (16, 16, 32), "num_queries": 7},
    {"hidden_size": 12, "num_heads": 3, "ffn_dim": 5, "num_classes": 1},
    {"encoder_layers": 1, "decoder_layers": 4},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_each_part_of_the_table_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    built = dict.fromkeys((name.removesuffix(".*") for name, _ in parameter_table(config)), 0)
    for name, parameter in model.named_parameters():
        built[name.partition(".")[0]] += parameter.numel()
    assert {name.removesuffix(".*"): count for name, count in parameter_table(config)} == built
    assert count_parameters(config) == sum(built.values())


def test_the_transformer_of_the_paper_has_its_published_size():
    paper = {"hidden_size": 256, "num_heads": 8, "ffn_dim": 2048, "encoder_layers": 6, "decoder_layers": 6}
    table = dict(parameter_table(ModelConfig(**{**SMALL, **paper, "num_queries": 100, "num_classes": 91})))
    first_self_attention = 4 * 256 * 257 + 2 * 256
    assert table["encoder.*"] + table["decoder.*"] + table["norm"] + first_self_attention == 17_363_456


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_size": 0}, "image_size=0 must be at least 1"),
        ({"num_channels": 0}, "num_channels=0 must be at least 1"),
        ({"num_classes": 0}, "num_classes=0 must be at least 1"),
        ({"num_queries": 0}, "num_queries=0 must be at least 1"),
        ({"hidden_size": 2, "num_heads": 1}, "hidden_size=2 must be at least 4"),
        ({"encoder_layers": -1}, "encoder_layers=-1 must be at least 0"),
        ({"decoder_layers": 0}, "decoder_layers=0 must be at least 1"),
        ({"num_heads": 0}, "num_heads=0 must be at least 1"),
        ({"ffn_dim": 0}, "ffn_dim=0 must be at least 1"),
        ({"backbone_channels": ()}, r"backbone_channels=\(\) must name a multiple of 8"),
        ({"backbone_channels": (16, 8)}, r"backbone_channels=\(16, 8\) must name"),
        ({"backbone_channels": (16, 20)}, r"backbone_channels=\(16, 20\) must name"),
        ({"hidden_size": 18}, "hidden_size=18 must be a multiple of 4"),
        ({"num_heads": 3}, "num_heads=3 must divide hidden_size=16"),
        ({"dropout": 1.0}, "dropout=1.0 must be at least 0 and below 1"),
        ({"dropout": -0.1}, "dropout=-0.1 must be at least 0 and below 1"),
        ({"no_object_weight": 0.0}, "no_object_weight=0.0 must be positive"),
        ({"l1_weight": -1.0}, "l1_weight=-1.0 must be positive"),
        ({"giou_weight": 0.0}, "giou_weight=0.0 must be positive"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})


def test_the_smallest_values_are_accepted():
    least = {"image_size": 1, "num_channels": 1, "num_classes": 1, "num_queries": 1, "backbone_channels": (16,)}
    layers = {"hidden_size": 4, "num_heads": 1, "ffn_dim": 1, "encoder_layers": 0, "decoder_layers": 1}
    model = build_model(**least, **layers)
    assert model(torch.randn(1, 1, 1, 1)).boxes.shape == (1, 1, 4)
