"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch

from model import ModelConfig, build_model, count_parameters, parameter_table

SIZES = {"in_features": 3, "out_features": 2, "hidden_size": 4, "num_layers": 2, "grid_size": 4, "spline_order": 3}
SMALL = {**SIZES, "grid_limit": 1.0, "task": "classification"}
VARIANTS = [
    {},
    {"num_layers": 1},
    {"num_layers": 4, "hidden_size": 5},
    {"grid_size": 1, "spline_order": 1},
    {"in_features": 7, "out_features": 1, "task": "regression", "spline_order": 2},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_count_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    for name, count in parameter_table(config):
        assert count == sum(p.numel() for p in model.get_submodule(name).parameters())
    assert len(parameter_table(config)) == config.num_layers


def test_published_shapes_have_their_counts():
    edges = {"mnist": (784 * 64 + 64 * 10, 5 + 3), "knot theory": (17 * 1 + 1 * 14, 3 + 3)}
    mnist = {"in_features": 784, "hidden_size": 64, "out_features": 10, "num_layers": 2, "grid_size": 5}
    knot = {"in_features": 17, "hidden_size": 1, "out_features": 14, "num_layers": 2, "grid_size": 3}
    for name, keys in (("mnist", mnist), ("knot theory", knot)):
        num_edges, num_bases = edges[name]
        assert count_parameters(ModelConfig(**keys, spline_order=3)) == num_edges * (num_bases + 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *(({key: 0}, f"{key}=0 must be at least 1") for key in SIZES),
        ({"grid_limit": 0.0}, "grid_limit=0.0 must be positive"),
        ({"grid_limit": -1.0}, "grid_limit=-1.0 must be positive"),
        ({"task": "ranking"}, "task='ranking' must be one of classification, regression"),
        ({"out_features": 1, "task": "classification"}, "out_features=1 leaves task='classification' nothing"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})


def test_the_smallest_values_are_possible():
    config = ModelConfig(**dict.fromkeys(SIZES, 1), task="regression", grid_limit=1e-3)
    assert config.widths == (1, 1)
    assert count_parameters(config) == 3
