"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table


def sizes(width, layers):
    return {
        "vocab_size": 50280,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "intermediate_size": 2 * width,
        "time_step_rank": width // 16,
        "state_size": 16,
        "conv_kernel": 4,
    }


PUBLISHED = {  # arXiv:2312.00752, as the authors released them
    "mamba-130m": (sizes(768, 24), 129_135_360),
    "mamba-370m": (sizes(1024, 48), 371_516_416),
    "mamba-790m": (sizes(1536, 48), 793_204_224),
    "mamba-1.4b": (sizes(2048, 48), 1_372_178_432),
    "mamba-2.8b": (sizes(2560, 64), 2_768_345_600),
}
VARIANTS = [{}, {"conv_kernel": 1}, {"state_size": 5, "time_step_rank": 1}, {"num_hidden_layers": 3, "hidden_size": 6}]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name):
    changes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**changes)) == published


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_step_min": 0.2, "time_step_max": 0.1}, r"time_step_min=0.2 must not exceed time_step_max=0.1"),
        ({"time_step_min": 0.0}, "time_step_min=0.0 must lie between 0.0001"),
        ({"time_step_max": 11.0}, "time_step_max=11.0 must lie between 0.0001 and 10"),
        ({"num_hidden_layers": 0}, "num_hidden_layers=0 must lie between 1 and 1000"),
        ({"vocab_size": 1}, "vocab_size=1 must lie between 2"),
        ({"state_size": 0}, "state_size=0 must lie between 1"),
        ({"conv_kernel": 0}, "conv_kernel=0 must lie between 1 and 64"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps=0.0 must lie between 1e-12 and 1"),
        ({"layer_norm_eps": float("inf")}, "layer_norm_eps=inf must be finite"),
        ({"hidden_size": 8.0}, "hidden_size=8.0 must be of type int"),
        ({"time_step_rank": True}, "time_step_rank=True must be of type int"),
        ({"intermediate_size": -1}, "intermediate_size=-1 must lie between 1"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_whole_numbers_may_stand_for_others_and_all_steps_may_start_alike():
    config = ModelConfig(**{**SMALL, "time_step_min": 1, "time_step_max": 1})
    assert config.time_step_min == config.time_step_max == 1
