"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import SMALL, VARIANTS

from model import ModelConfig, build_model, count_parameters, parameter_table


@pytest.mark.parametrize("changes", [*VARIANTS, {"num_layers": 3, "embedding_size": 9}])
def test_the_table_counts_what_is_built_part_by_part(changes):
    config = ModelConfig(**{**SMALL, **changes})
    built = dict(build_model(**{**SMALL, **changes}).named_parameters())
    for part, count in parameter_table(config):
        assert count == sum(p.numel() for name, p in built.items() if fnmatch(name, part) or fnmatch(name, f"{part}.*"))
    assert count_parameters(config) == sum(p.numel() for p in built.values())


def test_the_count_of_luong_s_network_is_that_of_its_published_sizes():
    sizes = {"source_vocab_size": 50000, "target_vocab_size": 50000, "embedding_size": 1000, "hidden_size": 1000}
    config = ModelConfig(**sizes, num_layers=4, attention="luong", input_feeding=True)
    encoder = 2 * (4 * 500 * 1502 + 3 * 4 * 500 * 1502)
    decoder = 4 * 1000 * 3002 + 3 * 4 * 1000 * 2002
    assert count_parameters(config) == 100_000_000 + encoder + decoder + 1_000_000 + 2_001_000 + 50_050_000


def test_the_delivered_configuration_is_the_default():
    with torch.device("meta"):
        model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "cosine"}, "attention='cosine' must be one of 'bahdanau', 'luong', 'dot'"),
        ({"hidden_size": 7}, "hidden_size=7 must be even: half for each direction"),
        ({"input_feeding": True}, "input_feeding=True goes with attention='luong' or 'dot'"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 100"),
        ({"source_vocab_size": 1}, "source_vocab_size=1 must lie between 2"),
        ({"target_vocab_size": 1}, "target_vocab_size=1 must lie between 2"),
        ({"embedding_size": 0}, "embedding_size=0 must lie between 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must lie between 0 and 0.99"),
        ({"dropout": float("nan")}, "dropout=nan must be finite"),
        ({"hidden_size": 6.0}, "hidden_size=6.0 must be of type int"),
        ({"num_layers": True}, "num_layers=True must be of type int"),
        ({"input_feeding": 1}, "input_feeding=1 must be of type bool"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_a_whole_number_may_stand_for_a_share():
    assert ModelConfig(**{**SMALL, "dropout": 0}).dropout == 0


@pytest.mark.parametrize(("changes", "reads"), [*zip(VARIANTS, [True, True, False, False, True, True], strict=True)])
def test_a_step_reads_an_attention_where_it_is_before_the_step_or_fed_back(changes, reads):
    assert ModelConfig(**{**SMALL, **changes}).reads_attention is reads
