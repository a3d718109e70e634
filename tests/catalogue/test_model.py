"""The composed network inside the package: counts of what is built, front doors, halting with an attending core."""

import re

import pytest
import torch

from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.catalogue.families.trm_titans_mag.model import functional
from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import ModelConfig, parameter_table, state_bytes
from mlexpert_nb.catalogue.families.trm_titans_mag.model.full_model import TRMTitansMAG

SMALL = ENTRIES["trm-titans-mag"].solve(300_000, {"vocab_size": 64, "window": 4, "mem_chunk": 4, "core_window": 3})
IDS, ONES = torch.zeros(1, 3).long(), torch.ones(1, 2, 3, 4)
VARIANTS = {
    "default": {},
    "two-layer memory": {"mem_depth": 2, "mem_expand": 3},
    "product gate": {"gate": "product"},
    "attending core": {"core": "swa", "core_layers": 1},
    "untied": {"tie": False},
    "narrow memory": {"mem_heads": 3, "mem_head_dim": 8},
    "bare": {"n_persist": 0, "conv_kernel": 1},
}


def model_of(**changes):
    model = functional.build(**{**SMALL, **changes}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("changes", [*VARIANTS.values(), {"mem_exact": False}], ids=str)
def test_every_row_of_the_parameter_table_counts_what_is_built(changes):
    config = ModelConfig.from_mapping({**SMALL, **changes})
    with torch.device("meta"):
        parts = {name: parameter.numel() for name, parameter in TRMTitansMAG(config).named_parameters()}
    for row, count in parameter_table(config):
        pattern = re.compile(row.replace(".", r"\.").replace("*", "[^.]+") + r"\.")
        assert sum(size for name, size in parts.items() if pattern.match(name)) == count, row
    assert sum(parts.values()) == functional.count_parameters(config)


def test_the_default_network_has_the_published_size():
    with torch.device("meta"):
        model = functional.build()
    assert sum(parameter.numel() for parameter in model.parameters()) == 24_929_609


def tensors(state):
    if isinstance(state, torch.Tensor):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from tensors(part)


@pytest.mark.parametrize("changes", [*VARIANTS.values(), {"mem_exact": False}], ids=str)
def test_a_stream_carries_as_many_bytes_as_the_closed_form_says(changes):
    model = functional.build(**{**SMALL, **changes})
    _, state = functional.stream(model, torch.randint(64, (1, 9)))
    assert sum(part.nbytes for part in tensors(state)) == state_bytes(model.config)


@pytest.mark.parametrize("halting", ["qhalt", "ponder", "graves"])
@pytest.mark.parametrize("core", ["mlp", "swa"])
def test_each_halting_trains_its_head_and_streams_as_it_runs(halting, core):
    model, ids = model_of(halting=halting, core=core, lambda_ponder=0.1), torch.randint(64, (2, 9))
    functional.loss(model, ids, ids.roll(-1, 1)).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    first, state = functional.stream(model, ids[:, :4])
    second, _ = functional.stream(model, ids[:, 4:], state)
    with torch.no_grad():
        full = functional.logits(model, ids)
    torch.testing.assert_close(torch.cat([first, second], 1), full, rtol=0, atol=1e-11)


@torch.no_grad()
def test_an_attending_core_sees_a_halted_token_as_it_was_when_it_halted():
    model, ids = model_of(core="swa", halt_bias=0.0, n_sup=4), torch.randint(64, (2, 10))
    logits, steps = functional.adaptive(model, ids)
    assert steps.unique().numel() > 1
    for t in (1, 5, 9):
        other = torch.cat([ids[:, :t], (ids[:, t:] + 1) % 64], 1)
        other_logits, other_steps = functional.adaptive(model, other)
        assert torch.equal(other_steps[:, :t], steps[:, :t])
        torch.testing.assert_close(other_logits[:, :t], logits[:, :t], rtol=0, atol=1e-10)
    never, all_steps = functional.adaptive(model, ids, threshold=1.0)
    assert all_steps.eq(4).all()
    torch.testing.assert_close(never, functional.logits(model, ids), rtol=0, atol=1e-10)


def test_gradients_step_by_step_equal_those_at_once():
    model, ids = model_of(n_sup=3), torch.randint(64, (2, 7))
    labels = torch.where(torch.rand(2, 7) < 0.3, -100, ids)
    at_once = functional.loss(model, ids, labels)
    expected = torch.autograd.grad(at_once, list(model.parameters()))
    torch.testing.assert_close(model.backward_by_step(ids, labels), at_once.detach(), rtol=0, atol=1e-12)
    for parameter, grad in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=0, atol=1e-12)


def test_halting_that_ties_the_steps_together_refuses_to_go_step_by_step():
    with pytest.raises(ValueError, match=r"halting='graves' needs all steps at once; call loss\(\)\.backward\(\)"):
        model_of(halting="graves").backward_by_step(torch.zeros(1, 2).long(), torch.zeros(1, 2).long())


def test_a_long_batch_has_the_loss_and_gradient_of_its_pieces():
    model, ids = functional.build(**{**SMALL, "n_layers": 1, "n_sup": 1}).double(), torch.randint(64, (1, 1100))
    x = torch.randn(1, 1100, model.config.d_model).double()
    ce, correct = model.token_losses(x, ids)
    direct = torch.nn.functional.cross_entropy(model.logits(x)[0], ids[0], reduction="none")
    torch.testing.assert_close(ce[0], direct, rtol=0, atol=1e-12)
    assert torch.equal(correct, model.logits(x).argmax(-1) == ids)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab": 3}, r"no configuration key 'vocab'; did you mean 'vocab_size'"),
        ({"zzz": 3}, r"no configuration key 'zzz'; known: vocab_size"),
        ({"window": 2.0}, r"window=2.0 must be of type int"),
        ({"tie": 1}, r"tie=1 must be of type bool"),
        ({"halt_bias": float("nan")}, r"halt_bias=nan must be finite"),
        ({"theta_max": 2.0}, r"theta_max=2.0 must lie between"),
        ({"gate": "open"}, r"gate='open' must be one of 'convex', 'product'"),
        ({"n_kv_heads": 4, "n_heads": 6}, r"n_kv_heads=4 must divide n_heads=6"),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        functional.build(**changes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: functional.logits(model, IDS, n_sup=0), "n_sup=0 must be at least 1"),
        (lambda model: functional.logits(model, IDS[:, :0]), "ids_BT has no tokens"),
        (lambda model: functional.set_gate(model, 1.5), r"gate=1\.5 must lie between 0 and 1"),
        (lambda _: functional.swa_op(ONES, ONES, ONES, 0), "window=0 must be at least 1"),
        (lambda _: functional.memory_op(ONES, ONES, ONES, *[ONES[..., 0]] * 3, chunk=0), "chunk=0 must be at least 1"),
    ],
)
def test_a_call_that_asks_for_nothing_is_refused(call, message):
    model = model_of()
    with pytest.raises(ValueError, match=message):
        call(model)


def test_a_bfloat16_copy_runs_with_its_memory_in_float32():
    model, ids = functional.build(**SMALL).bfloat16(), torch.randint(64, (2, 9))
    loss = functional.loss(model, ids, ids)
    loss.backward()
    assert loss.isfinite()
    logits, state = functional.stream(model, ids)
    assert logits.dtype == torch.bfloat16
    assert state.backbone[0].memory.memory.weights[0].dtype == torch.float32


@torch.no_grad()
def test_bfloat16_autocast_stays_close_without_a_warning():
    model, ids = functional.build(**SMALL), torch.randint(64, (2, 9))
    with torch.autocast("cpu", torch.bfloat16):
        low = functional.logits(model, ids)
    assert (low - functional.logits(model, ids)).abs().max() < 0.3
