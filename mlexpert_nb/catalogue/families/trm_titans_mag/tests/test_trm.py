"""The tiny recursion: how often the small network runs, on what, and what is differentiated."""

from itertools import pairwise

import pytest
import torch
from references import SMALL, random_ids, small_model, swiglu, unit

from model import functional
from model.trm_wrapper import Tape


def recorded(model, ids, n_sup=None):
    """Run the network and note input, output and gradient mode of every call of the core's first layer."""
    calls = []
    core = model.recursion.layers

    def before(_module, inputs):
        calls.append({"input": inputs[0], "grad": torch.is_grad_enabled()})

    def after(_module, _inputs, output):
        calls[-1]["output"] = output

    handles = [core[0].register_forward_pre_hook(before), core[-1].register_forward_hook(after)]
    logits = functional.logits(model, ids, n_sup=n_sup)
    for handle in handles:
        handle.remove()
    return logits, calls


@pytest.mark.parametrize(("n_sup", "n_cycles", "n_latent"), [(1, 1, 1), (3, 2, 2), (2, 3, 4), (4, 1, 2)])
def test_the_core_runs_once_per_update(n_sup, n_cycles, n_latent):
    model = small_model(n_sup=n_sup, n_cycles=n_cycles, n_latent=n_latent)
    _, calls = recorded(model, random_ids(1, 4))
    assert len(calls) == n_sup * n_cycles * (n_latent + 1)


def test_only_the_last_cycle_of_a_step_keeps_a_gradient():
    model = small_model(n_sup=2, n_cycles=3, n_latent=2)
    _, calls = recorded(model, random_ids(1, 4))
    assert [call["grad"] for call in calls] == ([False] * 6 + [True] * 3) * 2


@pytest.mark.parametrize("core", ["mlp", "swa"])
def test_latent_updates_see_the_text_and_answer_updates_do_not(core):
    model, ids = small_model(n_cycles=2, n_latent=2, n_sup=2, core=core), random_ids(2, 5)
    x = model.backbone(ids)[0]
    _, calls = recorded(model, ids)
    y, z = (start.expand_as(x) for start in (model.recursion.y0_d, model.recursion.z0_d))
    for number, call in enumerate(calls):
        if number % 3 < 2:
            torch.testing.assert_close(call["input"], z + y + x)
            z = call["output"]
        else:
            torch.testing.assert_close(call["input"], y + z)
            y = call["output"]
    torch.testing.assert_close(functional.logits(model, ids), model.logits(y))


def test_a_core_layer_is_post_norm_swiglu_with_a_residual_path():
    model, h = small_model(core_layers=1), torch.randn(2, 5, 16, dtype=torch.float64)
    layer = model.recursion.layers[0]
    torch.testing.assert_close(run_core(model, h), unit(h + swiglu(h, layer.feed_forward)))


def test_an_attending_core_layer_mixes_first_and_normalises_twice():
    model, h = small_model(core_layers=1, core="swa"), torch.randn(2, 5, 16, dtype=torch.float64)
    layer = model.recursion.layers[0]
    mixed = unit(h + layer.attention(h)[0] @ layer.out.weight.T)
    torch.testing.assert_close(run_core(model, h), unit(mixed + swiglu(mixed, layer.feed_forward)))


def test_the_layers_of_the_core_follow_each_other():
    model, h = small_model(core_layers=3), torch.randn(2, 5, 16, dtype=torch.float64)
    expected = h
    for layer in model.recursion.layers:
        expected = unit(expected + swiglu(expected, layer.feed_forward))
    torch.testing.assert_close(run_core(model, h), expected)


def run_core(model, h):
    return model.recursion.net(h, Tape())


def test_no_gradient_flows_from_one_supervision_step_into_an_earlier_one():
    model = small_model(n_sup=3, n_cycles=1, n_latent=2)
    logits, calls = recorded(model, random_ids(1, 4))
    outputs = [call["output"] for call in calls]
    grads = torch.autograd.grad(logits.sum(), outputs, allow_unused=True)
    assert [grad is not None and bool(grad.any()) for grad in grads] == [False] * 6 + [True] * 3


def test_no_gradient_flows_through_earlier_cycles_of_the_same_step():
    model = small_model(n_sup=1, n_cycles=3, n_latent=1)
    _, calls = recorded(model, random_ids(1, 4))
    assert [call["output"].requires_grad for call in calls] == [False] * 4 + [True] * 2


@torch.no_grad()
def test_fewer_supervision_steps_are_a_prefix_of_more():
    ids = random_ids(2, 6)
    short, long = small_model(n_sup=2), small_model(n_sup=5)
    long.load_state_dict(short.state_dict())
    torch.testing.assert_close(functional.logits(long, ids, n_sup=2), functional.logits(short, ids))
    assert (functional.logits(long, ids, n_sup=3) - functional.logits(short, ids)).abs().max() > 1e-3


def test_no_supervision_step_at_all_is_refused():
    with pytest.raises(ValueError, match="n_sup=0 must be at least 1"):
        functional.logits(small_model(), random_ids(1, 3), n_sup=0)


@torch.no_grad()
def test_every_supervision_step_starts_where_the_last_one_ended():
    model, ids = small_model(), random_ids(2, 6)
    steps = [functional.logits(model, ids, n_sup=n) for n in (1, 2, 3)]
    assert all((a - b).abs().max() > 1e-3 for a, b in pairwise(steps))


@torch.no_grad()
def test_with_a_token_wise_core_equal_hidden_vectors_give_equal_answers():
    model = small_model()
    x = torch.randn(1, 6, 16, dtype=torch.float64)
    x[:, 4] = x[:, 1]
    *_, y = model.answers(x, Tape())
    torch.testing.assert_close(y[:, 4], y[:, 1])
    assert (y[:, 4] - y[:, 2]).abs().max() > 1e-3


def test_a_fresh_halting_head_has_the_configured_bias_and_spread():
    head = functional.build(**{**SMALL, "d_model": 512, "halt_bias": -1.5, "halt_init_std": 0.05}).halting
    assert head(torch.zeros(3, 512)).tolist() == [-1.5] * 3
    assert head(torch.eye(512)).std().item() == pytest.approx(0.05, rel=0.15)


def test_answer_and_latent_start_from_two_fixed_vectors_of_normal_size():
    recursion = functional.build(**{**SMALL, "d_model": 512}).recursion
    starts = torch.stack([recursion.y0_d, recursion.z0_d])
    assert not starts.requires_grad
    assert starts.std(-1).tolist() == pytest.approx([0.9, 0.9], abs=0.15)
    assert (starts[0] - starts[1]).abs().max() > 0.1
