"""The configuration: what is refused, and how many parameters follow from it."""

import pytest
import torch
from references import LAYERS, SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

CORA = {"in_features": 1433, "num_classes": 7, "num_layers": 2, "residual": False}
PUBLISHED = {  # arXiv:1609.02907 section 5.2 and arXiv:1710.10903 section 3.3, on Cora
    "GCN": ({"layer": "gcn", "hidden_size": 16}, 23_063),
    "GAT": ({"layer": "gat", "hidden_size": 64, "num_heads": 8, "num_output_heads": 1}, 92_373),
}
VARIANTS = [{}, {"num_layers": 1}, {"num_layers": 4, "residual": True}, {"num_output_heads": 1, "num_heads": 2}]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_that_of_the_published_size(name):
    sizes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**CORA, **sizes)) == published


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("changes", VARIANTS)
def test_the_table_counts_what_is_built_layer_by_layer(layer, changes):
    keys = {**SMALL, "layer": layer, **changes}
    built = dict(build_model(**keys).named_parameters())
    table = parameter_table(ModelConfig(**keys))
    assert len(table) == keys["num_layers"]
    for part, count in table:
        assert count == sum(p.numel() for name, p in built.items() if name.startswith(f"{part}."))
    assert count_parameters(ModelConfig(**keys)) == sum(p.numel() for p in built.values())


def test_the_delivered_configuration_is_the_default():
    with torch.device("meta"):
        model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


def test_widths_run_from_the_features_to_the_classes():
    assert ModelConfig(**SMALL).widths == (5, 6, 6, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": "gin"}, "layer='gin' must be one of gcn, gat, sage"),
        ({"readout": "last"}, "readout='last' must be one of mean, sum, max"),
        ({"layer": "gat", "num_heads": 4}, "num_heads=4 must divide hidden_size=6"),
        ({"residual": True, "num_layers": 2}, "residual=True needs num_layers of 3 or more, not 2"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 1000"),
        ({"num_classes": 1}, "num_classes=1 must lie between 2"),
        ({"in_features": 0}, "in_features=0 must lie between 1"),
        ({"num_output_heads": 0}, "num_output_heads=0 must lie between 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie between 0 and 0.99"),
        ({"dropout": float("nan")}, "dropout=nan must be finite"),
        ({"hidden_size": 12.0}, "hidden_size=12.0 must be of type int"),
        ({"num_heads": True}, "num_heads=True must be of type int"),
        ({"residual": 1}, "residual=1 must be of type bool"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_heads_that_are_not_used_need_not_divide_the_width():
    assert ModelConfig(**{**SMALL, "layer": "sage", "num_heads": 4}).num_heads == 4


def test_a_whole_number_may_stand_for_a_share():
    assert ModelConfig(**{**SMALL, "dropout": 0}).dropout == 0
