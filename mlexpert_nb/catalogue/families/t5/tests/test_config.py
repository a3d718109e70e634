"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import SMALL, VARIANTS

from model import ModelConfig, build_model, count_parameters, parameter_table


def sizes(*numbers, **more):
    names = ("d_model", "d_ff", "num_layers", "num_heads", "d_kv")
    words = {"vocab_size": 32128, "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128}
    first = {"feed_forward": "relu", "tie_word_embeddings": True}
    return {**words, **first, **dict(zip(names, numbers, strict=True)), **more}


NEW = {"feed_forward": "gated-gelu", "tie_word_embeddings": False}
PUBLISHED = {  # arXiv:1910.10683 and arXiv:2109.10686, as the authors released them
    "t5-efficient-tiny": (sizes(256, 1024, 4, 4, 64), 15_570_688),
    "t5-small": (sizes(512, 2048, 6, 8, 64), 60_506_624),
    "t5-base": (sizes(768, 3072, 12, 12, 64), 222_903_552),
    "t5-large": (sizes(1024, 4096, 24, 16, 64), 737_668_096),
    "t5-v1.1-small": (sizes(512, 1024, 8, 6, 64, **NEW), 76_961_152),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name):
    changes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**changes)) == published


@pytest.mark.parametrize("changes", [*VARIANTS, {"num_layers": 3, **NEW}])
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
        ({"feed_forward": "swish"}, "feed_forward='swish' must be one of 'relu', 'gated-gelu'"),
        ({"relative_attention_num_buckets": 6}, "relative_attention_num_buckets=6 must be a multiple of 4"),
        ({"relative_attention_num_buckets": 0}, "relative_attention_num_buckets=0 must lie between 4"),
        ({"relative_attention_max_distance": 4}, "=4 must exceed half of relative_attention_num_buckets=8"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 1000"),
        ({"vocab_size": 1}, "vocab_size=1 must lie between 2"),
        ({"d_kv": 0}, "d_kv=0 must lie between 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie between 0 and 0.99"),
        ({"dropout": float("nan")}, "dropout=nan must be finite"),
        ({"layer_norm_epsilon": 0.0}, "layer_norm_epsilon=0.0 must lie between 1e-12 and 1"),
        ({"d_model": 12.0}, "d_model=12.0 must be of type int"),
        ({"num_heads": True}, "num_heads=True must be of type int"),
        ({"tie_word_embeddings": 1}, "tie_word_embeddings=1 must be of type bool"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_a_whole_number_may_stand_for_a_share_and_distances_may_just_exceed_half_of_the_buckets():
    config = ModelConfig(**{**SMALL, "dropout": 0, "relative_attention_max_distance": 5})
    assert (config.dropout, config.relative_attention_max_distance) == (0, 5)
