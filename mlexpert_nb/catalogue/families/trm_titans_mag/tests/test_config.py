"""Every impossible configuration is refused with a message that names the key."""

import pytest
import torch
from references import SMALL, random_ids, small_model

from model import ModelConfig, build_model, functional

WRONG = {
    "vocab_size": [0, -1, 2.5],
    "d_model": [0, 30],
    "n_layers": [0, -2],
    "n_heads": [0, 3],
    "n_kv_heads": [0, 3],
    "d_ff": [0],
    "window": [0, -4],
    "n_persist": [-1],
    "rope_theta": [0.0, -1.0],
    "mem_heads": [0],
    "mem_head_dim": [0],
    "mem_depth": [0, 3],
    "mem_chunk": [0],
    "theta_max": [0.0, -0.1, 1.5],
    "conv_kernel": [0],
    "gate": ["open", ""],
    "core": ["rnn", ""],
    "core_layers": [0],
    "core_d_ff": [0],
    "core_window": [0],
    "n_latent": [0],
    "n_cycles": [0],
    "n_sup": [0],
    "halt_init_std": [-0.1],
    "halting": ["never"],
    "halt_prior": [0.0, 1.0],
    "lambda_halt": [-0.1],
    "lambda_div": [-0.1],
    "lambda_ponder": [-0.1],
    "mem_expand": [0],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_an_impossible_value_is_refused_by_name(key, value):
    with pytest.raises(ValueError, match=key):
        functional.build(**{**SMALL, key: value})


def test_an_odd_head_size_is_refused_because_rotation_needs_pairs():
    with pytest.raises(ValueError, match=r"n_heads|d_model"):
        functional.build(**{**SMALL, "d_model": 12, "n_heads": 4, "n_kv_heads": 2})


@pytest.mark.parametrize(
    ("key", "value"), [("n_layers", True), ("tie", 1), ("window", 3.0), ("gate", 1), ("core", None)]
)
def test_a_value_of_the_wrong_type_is_refused_by_name(key, value):
    with pytest.raises(ValueError, match=key):
        functional.build(**{**SMALL, key: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_name(value):
    with pytest.raises(ValueError, match="rope_theta"):
        functional.build(**{**SMALL, "rope_theta": value})


def test_a_whole_number_may_stand_for_a_real_one():
    assert ModelConfig(**{**SMALL, "rope_theta": 500}).rope_theta == 500


def test_a_misspelled_key_is_answered_with_the_nearest_one():
    with pytest.raises(ValueError, match="did you mean 'n_layers'"):
        functional.build(**{**SMALL, "n_layer": 2})
    with pytest.raises(ValueError, match=r"xyzzy.*known: vocab_size"):
        functional.build(**{**SMALL, "xyzzy": 2})


@pytest.mark.parametrize(
    "edge",
    [
        {"window": 1, "core": "swa", "core_window": 1},
        {"n_persist": 0},
        {"mem_chunk": 1},
        {"conv_kernel": 1},
        {"n_heads": 1, "n_kv_heads": 1},
        {"n_layers": 1, "n_latent": 1, "n_cycles": 1, "n_sup": 1},
        {"theta_max": 1.0},
        {"vocab_size": 2},
    ],
    ids=str,
)
def test_the_smallest_allowed_values_build_and_run(edge):
    model = functional.build(**{**SMALL, **edge})
    logits = functional.logits(model, random_ids(1, 3, edge.get("vocab_size", 13)))
    assert logits.shape == (1, 3, model.config.vocab_size)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    "change",
    [
        {"window": 3},
        {"rope_theta": 50.0},
        {"theta_max": 0.05},
        {"n_latent": 3},
        {"n_cycles": 3},
        {"n_sup": 2},
        {"core_window": 2},
        {"halting": "graves"},
    ],
    ids=str,
)
@torch.no_grad()
def test_a_key_that_changes_no_weight_changes_the_answer(change):
    ids, first, second = random_ids(2, 9), small_model(core="swa"), small_model(core="swa", **change)
    second.load_state_dict(first.state_dict())
    assert (functional.logits(first, ids) - functional.logits(second, ids)).abs().max() > 1e-4


def test_the_delivered_defaults_build_a_network_of_the_counted_size():
    with torch.device("meta"):
        model = build_model()
    assert sum(p.numel() for p in model.parameters()) == functional.count_parameters(ModelConfig())


def test_the_configuration_cannot_be_changed_after_it_was_checked():
    with pytest.raises(AttributeError):
        ModelConfig(**SMALL).window = 0


def test_the_class_and_both_builders_agree():
    by_class = ModelConfig(**SMALL)
    counts = [functional.count_parameters(c) for c in (SMALL, by_class)]
    built = [sum(p.numel() for p in build(**SMALL).parameters()) for build in (build_model, functional.build)]
    assert len({*counts, *built}) == 1
    assert by_class.vocab_size == SMALL["vocab_size"]


@torch.no_grad()
def test_two_builds_from_one_seed_are_the_same_network():
    ids, out = random_ids(1, 5), []
    for _ in range(2):
        torch.manual_seed(3)
        out.append(functional.logits(build_model(**SMALL), ids))
    assert torch.equal(*out)
