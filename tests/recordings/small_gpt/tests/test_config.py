"""The configuration: its closed form of the parameter count, and what it refuses."""

import pytest

from model import ModelConfig, build_model, count_parameters


def num_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"dim": 24, "num_heads": 3, "hidden_dim": 40, "num_layers": 1},
        {"vocab_size": 11, "dim": 8, "num_heads": 1, "hidden_dim": 20, "num_layers": 4},
    ],
    ids=["delivered", "one layer", "one head"],
)
def test_the_closed_form_counts_what_is_built(sizes):
    model = build_model(**sizes)
    assert num_parameters(model) == count_parameters(model.config)


def test_a_head_has_its_share_of_the_width():
    assert ModelConfig(dim=48, num_heads=6).head_dim == 8


@pytest.mark.parametrize(
    "name", ["vocab_size", "dim", "num_layers", "num_heads", "hidden_dim", "rope_theta", "norm_eps"]
)
def test_a_size_that_is_not_positive_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0, must be above zero"):
        ModelConfig(**{name: 0})


@pytest.mark.parametrize("num_heads", [7, 32], ids=["does not divide", "odd channels"])
def test_heads_that_rotary_positions_cannot_use_are_refused(num_heads):
    with pytest.raises(ValueError, match="an even number of channels"):
        ModelConfig(dim=160, num_heads=num_heads)


def test_an_unknown_name_is_refused():
    with pytest.raises(TypeError, match="n_layers"):
        build_model(n_layers=2)
