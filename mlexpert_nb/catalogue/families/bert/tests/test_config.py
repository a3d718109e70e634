"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table


def sizes(width, layers, heads):
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
    }


WORDS = {"vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2, "mask_token_id": 103}
PUBLISHED = {  # the published encoders without pooler, with the head for masked tokens
    "BERT-tiny": (sizes(128, 2, 2), 4_416_698),
    "BERT-mini": (sizes(256, 4, 4), 11_201_594),
    "BERT-small": (sizes(512, 4, 8), 28_795_194),
    "BERT-base": (sizes(768, 12, 12), 109_514_298),
    "BERT-large": (sizes(1024, 24, 16), 335_174_458),
}
VARIANTS = [{}, {"type_vocab_size": 1}, {"num_hidden_layers": 3, "intermediate_size": 7}, {"vocab_size": 5}]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name):
    changes, published = PUBLISHED[name]
    assert count_parameters(ModelConfig(**WORDS, **changes)) == published


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
        ({"num_attention_heads": 5}, "num_attention_heads=5 must divide hidden_size=12"),
        ({"mask_token_id": 19}, "mask_token_id=19 must be a token, less than vocab_size=19"),
        ({"mask_token_id": -1}, "mask_token_id=-1 must lie between 0"),
        ({"num_hidden_layers": 0}, "num_hidden_layers=0 must lie between 1 and 1000"),
        ({"vocab_size": 1}, "vocab_size=1 must lie between 2"),
        ({"max_position_embeddings": 1}, "max_position_embeddings=1 must lie between 2"),
        ({"type_vocab_size": 0}, "type_vocab_size=0 must lie between 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie between 0 and 0.99"),
        ({"dropout": float("nan")}, "dropout=nan must be finite"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps=0.0 must lie between 1e-15 and 1"),
        ({"hidden_size": 12.0}, "hidden_size=12.0 must be of type int"),
        ({"num_attention_heads": True}, "num_attention_heads=True must be of type int"),
        ({"intermediate_size": -1}, "intermediate_size=-1 must lie between 1"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_a_whole_number_may_stand_for_a_share_and_the_last_token_for_the_mask():
    assert ModelConfig(**{**SMALL, "dropout": 0, "mask_token_id": 18}).dropout == 0
