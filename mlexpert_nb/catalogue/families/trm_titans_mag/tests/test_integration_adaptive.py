"""Halting at inference: per token, on its own past, without changing the answer it halts with, and saving work."""

import pytest
import torch
from references import adaptive_by_token, changed_from, random_ids, small_model

from model import functional
from model.trm_wrapper import Tape


def halting_model(**changes):
    """Build a network whose head would halt half of all tokens after the first step, at a threshold of one half."""
    model = small_model(**{"halt_bias": 0.0, "n_sup": 4, **changes})
    with torch.no_grad():
        model.halting.score.weight.mul_(3)
        first = next(model.answers(model.backbone(random_ids(8, 12))[0], Tape()))
        model.halting.score.bias.sub_(model.halting(first).median())
    return model


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
@torch.no_grad()
def test_a_halted_token_answers_as_the_fixed_pass_did_at_its_step(threshold):
    model, ids = halting_model(), random_ids(3, 10)
    logits, steps = functional.adaptive(model, ids, threshold)
    fixed = torch.stack([functional.logits(model, ids, n_sup=n) for n in range(1, 5)])
    chosen = fixed.gather(0, (steps - 1)[None, ..., None].expand(1, -1, -1, 13))[0]
    torch.testing.assert_close(logits, chosen, rtol=0, atol=1e-7)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
@torch.no_grad()
def test_a_token_halts_at_the_first_step_above_the_threshold(threshold):
    model, ids = halting_model(), random_ids(3, 10)
    x = model.backbone(ids)[0]
    y, z = model.recursion.start(x)
    expected = torch.full((3, 10), 4)
    for step in (1, 2, 3):
        for _ in range(2):
            y, z = model.recursion.latent_recursion(x, y, z, Tape())
        expected[(torch.sigmoid(model.halting(y)) > threshold) & (expected == 4)] = step
    assert torch.equal(functional.adaptive(model, ids, threshold)[1], expected)
    assert expected.unique().numel() > 1


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
@torch.no_grad()
def test_with_an_attending_core_halted_tokens_stay_visible_as_they_halted(threshold):
    model, ids = halting_model(core="swa", n_latent=1), random_ids(2, 9)
    logits, steps = functional.adaptive(model, ids, threshold)
    for b in range(2):
        expected_logits, expected_steps = adaptive_by_token(model, ids[b], threshold)
        assert torch.equal(steps[b], expected_steps)
        torch.testing.assert_close(logits[b], expected_logits, rtol=0, atol=1e-7)
    assert steps.unique().numel() > 1


@pytest.mark.parametrize("core", ["mlp", "swa"])
@torch.no_grad()
def test_thresholds_at_the_limits_run_one_step_or_all(core):
    model, ids = halting_model(core=core), random_ids(2, 7)
    logits, steps = functional.adaptive(model, ids, 0.0)
    assert steps.eq(1).all()
    torch.testing.assert_close(logits, functional.logits(model, ids, n_sup=1), rtol=0, atol=1e-7)
    logits, steps = functional.adaptive(model, ids, 1.0)
    assert steps.eq(4).all()
    torch.testing.assert_close(logits, functional.logits(model, ids), rtol=0, atol=1e-7)


@torch.no_grad()
def test_a_higher_threshold_never_halts_a_token_earlier():
    model, ids = halting_model(), random_ids(4, 12)
    steps = torch.stack([functional.adaptive(model, ids, t)[1] for t in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)])
    assert (steps.diff(dim=0) >= 0).all()
    assert steps.double().mean((1, 2)).unique().numel() > 3


@pytest.mark.parametrize("core", ["mlp", "swa"])
@torch.no_grad()
def test_the_decision_of_a_token_does_not_depend_on_later_tokens(core):
    model, ids = halting_model(core=core), random_ids(1, 12)[0]
    logits, steps = functional.adaptive(model, ids[None])
    for t in (1, 4, 7, 11):
        other_logits, other_steps = functional.adaptive(model, changed_from(ids, t)[None])
        assert torch.equal(other_steps[:, :t], steps[:, :t])
        torch.testing.assert_close(other_logits[:, :t], logits[:, :t], rtol=0, atol=1e-7)
    assert steps.unique().numel() > 1


@pytest.mark.parametrize("core", ["mlp", "swa"])
@torch.no_grad()
def test_the_decision_of_a_row_does_not_depend_on_other_rows(core):
    model, ids = halting_model(core=core), random_ids(4, 9)
    logits, steps = functional.adaptive(model, ids)
    alone = [functional.adaptive(model, row[None]) for row in ids]
    assert torch.equal(torch.cat([each[1] for each in alone]), steps)
    torch.testing.assert_close(logits, torch.cat([each[0] for each in alone]), rtol=0, atol=1e-7)
    assert steps.unique().numel() > 1


@pytest.mark.parametrize("core", ["mlp", "swa"])
@torch.no_grad()
def test_halted_tokens_cost_no_further_work(core):
    model, ids, rows = halting_model(core=core), random_ids(3, 10), []
    hook = model.recursion.layers[0].register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0][..., 0].numel()))
    _, steps = functional.adaptive(model, ids)
    hook.remove()
    assert sum(rows) == int(steps.sum()) * 2 * 3  # cycles x calls of one cycle
    assert steps.sum() < 4 * 30


@torch.no_grad()
def test_with_graves_halting_the_answer_is_the_mixture_and_stops_when_its_weights_add_up():
    model, ids = halting_model(halting="graves"), random_ids(3, 10)
    logits, steps = functional.adaptive(model, ids)
    torch.testing.assert_close(logits, functional.logits(model, ids), rtol=0, atol=1e-7)
    y = torch.stack(list(model.answers(model.backbone(ids)[0], Tape())))
    p, num_steps, _, _ = functional.graves(torch.sigmoid(model.halting(y)))
    assert torch.equal(steps, num_steps)
    torch.testing.assert_close(logits, model.logits((p[..., None] * y).sum(0)))
    assert steps.unique().numel() > 1
