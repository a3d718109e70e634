"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch

from model import ModelConfig, build_model, count_parameters, parameter_table
from model.config import count_trained

SMALL = {
    "in_features": 6,
    "hidden_size": 8,
    "num_layers": 2,
    "num_classes": 3,
    "kind": "lora",
    "rank": 2,
    "alpha": 16.0,
    "dropout": 0.0,
    "targets": ("fc1", "fc2"),
}
VARIANTS = [
    {},
    {"kind": "dora"},
    {"targets": ("stem",)},
    {"targets": ("head", "fc1")},
    {"targets": ("fc2",), "kind": "dora", "num_layers": 1},
    {"in_features": 3, "rank": 3, "targets": ("head",)},
    {"hidden_size": 12, "num_classes": 4},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_count_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    assert count_trained(config) == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert dict(parameter_table(config))["adapters"] == count_trained(config)
    blocks = sum(p.numel() for n, p in model.named_parameters() if n.startswith("blocks") and not p.requires_grad)
    assert dict(parameter_table(config))["blocks.* (frozen)"] == blocks


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"in_features": 0}, "in_features=0 must be at least 1"),
        ({"hidden_size": 0}, "hidden_size=0 must be at least 1"),
        ({"num_layers": 0}, "num_layers=0 must be at least 1"),
        ({"rank": 0}, "rank=0 must be at least 1"),
        ({"num_classes": 1}, "num_classes=1 must be at least 2"),
        ({"kind": "ia3"}, "kind='ia3' must be one of lora, dora"),
        ({"alpha": 0.0}, "alpha=0.0 must be positive"),
        ({"dropout": 1.0}, "dropout=1.0 must be at least 0 and below 1"),
        ({"dropout": -0.1}, "dropout=-0.1 must be at least 0 and below 1"),
        ({"targets": ()}, r"targets=\(\) must name layers among fc1, fc2, stem, head"),
        ({"targets": ("q_proj",)}, r"targets=\('q_proj',\) must name layers"),
        ({"rank": 9}, "rank=9 is above 8, the narrowest side of an adapted layer"),
        ({"rank": 4, "targets": ("head",)}, "rank=4 is above 3"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})
