"""The configuration: what it refuses, and the parameters it counts."""

import pytest
import torch

from model import ModelConfig, build_model, count_parameters, parameter_table

SMALL = {
    "in_features": 3,
    "num_classes": 4,
    "hidden_size": 5,
    "mlp_dim": 6,
    "num_layers": 2,
    "num_steps": 2,
    "end_time": 1.0,
    "method": "rk4",
    "rtol": 1e-3,
    "atol": 1e-3,
    "gradient": "backprop",
}


@pytest.mark.parametrize(
    "changes", [{}, {"num_layers": 3}, {"num_layers": 5, "mlp_dim": 2}, {"in_features": 9}], ids=str
)
def test_the_count_is_that_of_the_built_network(changes):
    config = ModelConfig(**{**SMALL, **changes})
    with torch.device("meta"):
        model = build_model(**{**SMALL, **changes})
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    for name, count in parameter_table(config):
        assert count == sum(p.numel() for p in model.get_submodule(name).parameters())
    assert len(parameter_table(config)) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *(({key: 0}, f"{key}=0 must be at least 1") for key in ("in_features", "hidden_size", "mlp_dim", "num_steps")),
        ({"num_layers": 1}, "num_layers=1 must be at least 2"),
        ({"num_classes": 1}, "num_classes=1 must be at least 2"),
        *(({key: 0.0}, f"{key}=0.0 must be positive") for key in ("end_time", "rtol", "atol")),
        ({"method": "rk5"}, "method='rk5' must be one of euler, midpoint, rk4, dopri5"),
        ({"gradient": "none"}, "gradient='none' must be one of backprop, adjoint"),
        ({"gradient": "adjoint", "method": "dopri5"}, "gradient='adjoint' takes equal steps back"),
    ],
)
def test_an_impossible_configuration_is_refused_by_the_name_of_its_key(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})


def test_the_smallest_values_are_possible():
    least = dict.fromkeys(("in_features", "hidden_size", "mlp_dim", "num_steps"), 1)
    config = ModelConfig(**{**SMALL, **least, "num_classes": 2, "num_layers": 2})
    assert dict(parameter_table(config)) == {"stem": 2, "dynamics": 6, "head": 4}
