"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import KINDS, SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

VARIANTS = [{}, {"num_layers": 3, "norm": "layer"}, {"pad_end": False, "ffn_size": 9}, {"prediction_length": 1}]


def test_the_counts_of_dlinear_are_the_published_ones():
    # arXiv:2205.13504, table 8: 139.7 K for 96 steps that are seen and 720 that are forecast
    keys = {**SMALL, "kind": "dlinear", "context_length": 96, "prediction_length": 720}
    assert count_parameters(ModelConfig(**keys)) == 139_680


@pytest.mark.parametrize(("context_length", "patches"), [(336, 42), (512, 64)])
def test_the_numbers_of_patches_are_the_published_ones(context_length, patches):
    keys = {"patch_length": 16, "patch_stride": 8, "pad_end": True, "hidden_size": 128, "num_heads": 16}
    config = ModelConfig(**{**SMALL, **keys, "context_length": context_length})
    assert config.num_patches == patches


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", VARIANTS)
def test_the_table_counts_what_is_built_part_by_part(kind, changes):
    keys = {**SMALL, "kind": kind, **changes}
    built = dict(build_model(**keys).named_parameters())
    for part, count in parameter_table(ModelConfig(**keys)):
        assert count == sum(p.numel() for name, p in built.items() if fnmatch(name, part) or fnmatch(name, f"{part}.*"))
    assert count_parameters(ModelConfig(**keys)) == sum(p.numel() for p in built.values())


def test_the_delivered_configuration_is_the_default():
    with torch.device("meta"):
        model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "arima"}, "kind='arima' must be one of patchtst, dlinear"),
        ({"norm": "group"}, "norm='group' must be one of batch, layer"),
        ({"num_heads": 5}, "num_heads=5 must divide hidden_size=12"),
        ({"patch_length": 15}, "patch_length=15 must be at most context_length=14"),
        ({"patch_stride": 3}, "patch_stride=3 must divide context_length - patch_length = 10"),
        ({"kind": "dlinear", "kernel_size": 4}, "kernel_size=4 must be odd"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 1000"),
        ({"prediction_length": 0}, "prediction_length=0 must lie between 1"),
        ({"num_channels": -1}, "num_channels=-1 must lie between 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie between 0 and 0.99"),
        ({"head_dropout": float("nan")}, "head_dropout=nan must be finite"),
        ({"hidden_size": 12.0}, "hidden_size=12.0 must be of type int"),
        ({"num_heads": True}, "num_heads=True must be of type int"),
        ({"pad_end": 1}, "pad_end=1 must be of type bool"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_what_a_kind_does_not_use_is_not_refused():
    assert ModelConfig(**{**SMALL, "kind": "dlinear", "num_heads": 5, "patch_stride": 3}).kind == "dlinear"
    assert ModelConfig(**{**SMALL, "kernel_size": 4, "dropout": 0}).kernel_size == 4


def test_one_patch_may_be_the_whole_series():
    assert ModelConfig(**{**SMALL, "patch_length": 14, "pad_end": False}).num_patches == 1
