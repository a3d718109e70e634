"""The network against the paper's equations, and what follows from them."""

import math

import pytest
import torch
from references import SMALL, block, logits, random_ids, small_model

from model import build_model, functional

VARIANTS = [
    {},
    {"conv_kernel": 1},
    {"conv_kernel": 2},
    {"state_size": 1},
    {"time_step_rank": 5},
    {"num_hidden_layers": 1},
]


def close(left, right, atol=1e-11):
    torch.testing.assert_close(left, right, rtol=0, atol=atol)


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_logits_are_those_of_the_equations(changes):
    model, ids = small_model(**changes), random_ids(2)
    found = model(ids)
    assert found.shape == (2, 9, 17)
    close(found, torch.stack([logits(row, model) for row in ids]))


def test_a_block_is_that_of_the_equations():
    model, x = small_model(), torch.randn(2, 9, 8, dtype=torch.float64)
    found, state = model.layers[0](x)
    close(found, torch.stack([block(row, model.layers[0], model.config) for row in x]))
    assert (state.inputs_BKE.shape, state.h_BEN.shape) == ((2, 3, 10), (2, 10, 3))


@pytest.mark.parametrize("kernel", [1, 2, 4])
@pytest.mark.parametrize("parts", [[1] * 9, [4, 5], [2, 1, 6], [9]])
def test_tokens_may_come_in_parts(kernel, parts):
    model, ids = small_model(conv_kernel=kernel), random_ids(2)
    state, found = None, []
    for part in ids.split(parts, dim=1):
        out, state = functional.stream(model, part, state)
        found.append(out)
    close(torch.cat(found, 1), model(ids))


def test_the_state_does_not_grow_and_the_given_one_is_left_as_it_was():
    model, ids = small_model(), random_ids(2)
    _, state = functional.stream(model, ids)
    kept = [each.clone() for layer in state for each in layer]
    _, later = functional.stream(model, ids, state)
    assert all(torch.equal(left, right) for left, right in zip((t for s in state for t in s), kept, strict=True))
    assert [t.shape for s in later for t in s] == [t.shape for t in kept]
    assert not torch.equal(later[0].h_BEN, state[0].h_BEN)
    assert not torch.equal(later[1].h_BEN, later[0].h_BEN)


def test_a_state_of_another_depth_is_refused():
    _, state = functional.stream(small_model(), random_ids(1))
    with pytest.raises(ValueError, match="shorter"):
        functional.stream(small_model(), random_ids(1), state[:1])


def test_the_past_matters_and_the_future_does_not():
    model, ids = small_model(), random_ids(1)
    for t in range(9):
        changed = ids.clone()
        changed[0, t] = (changed[0, t] + 1) % 17
        moved = (model(changed) - model(ids)).abs().amax(-1)[0]
        assert not moved[:t].any()
        assert (moved[t:] > 1e-9).all()
    assert "causal" in functional.CLAIMS


def test_memory_reaches_further_than_the_convolutions():
    model = build_model(**SMALL).double().eval()
    ids = random_ids(1, 100)
    changed = ids.clone()
    changed[0, 0] = (changed[0, 0] + 1) % 17
    assert (model(changed) - model(ids))[0, -1].abs().max() > 1e-9


def test_the_embedding_is_the_output_matrix():
    model, ids = small_model(), random_ids(1)
    before, absent = model(ids), next(token for token in range(17) if token not in ids)
    with torch.no_grad():
        model.embedding.weight[absent] += 1.0
    moved = (model(ids) - before).abs().amax((0, 1)) > 1e-9
    assert moved.nonzero().flatten().tolist() == [absent]


def test_rates_start_as_whole_numbers_and_steps_spread_over_orders_of_magnitude():
    layer = build_model(**{**SMALL, "intermediate_size": 2000}).layers[0]
    torch.testing.assert_close(layer.A_log.exp(), torch.tensor([1.0, 2.0, 3.0]).expand(2000, 3))
    assert torch.equal(layer.D, torch.ones(2000))
    steps = torch.log1p(layer.dt_proj.bias.exp())
    assert 0.00099 < steps.min() < 0.0012
    assert 0.085 < steps.max() < 0.101
    assert steps.log10().mean().item() == pytest.approx(-2, abs=0.05)
    assert layer.dt_proj.weight.abs().max().item() == pytest.approx(1 / math.sqrt(2), abs=0.01)
    assert layer.dt_proj.weight.std().item() == pytest.approx(1 / math.sqrt(6), abs=0.02)
    assert not layer.conv.bias.any()


@pytest.mark.parametrize("depth", [1, 9])
def test_the_residual_branches_start_smaller_the_deeper_the_network_is(depth):
    model = build_model(**{**SMALL, "num_hidden_layers": depth, "intermediate_size": 400})
    bound = 1 / math.sqrt(400) / math.sqrt(depth)
    for layer in model.layers:
        assert layer.out_proj.weight.abs().max().item() == pytest.approx(bound, rel=0.02)
    assert 0.01 < model.embedding.weight.std() < 0.03
    assert torch.equal(model.norm.weight, torch.ones(8))
