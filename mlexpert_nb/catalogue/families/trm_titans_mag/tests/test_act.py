"""Halting: distributions, Graves' remainder, and the loss that trains the halting head."""

import math

import pytest
import torch
from references import graves_by_hand
from torch.nn import functional as F

from model.functional import act_loss, graves, halting_distribution


def logits_and_targets(steps=4, batch=2, tokens=5):
    q = torch.randn(steps, batch, tokens, dtype=torch.float64)
    correct = (torch.rand(steps, batch, tokens) < 0.5).double()
    return q, correct, torch.ones(batch, tokens, dtype=torch.bool)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_halting_probabilities_sum_to_one(steps):
    p = halting_distribution(torch.rand(steps, 3, 4, dtype=torch.float64))
    torch.testing.assert_close(p.sum(0), torch.ones(3, 4, dtype=torch.float64))
    assert (p >= 0).all()


def test_each_step_takes_its_share_of_what_is_left():
    lam = torch.tensor([0.5, 0.2, 0.9], dtype=torch.float64)
    expected = torch.tensor([0.5, 0.5 * 0.2, 0.5 * 0.8], dtype=torch.float64)
    torch.testing.assert_close(halting_distribution(lam), expected)


def test_the_last_step_takes_the_remainder_whatever_its_own_value():
    lam = torch.rand(4, 6, dtype=torch.float64)
    other = torch.cat([lam[:-1], torch.rand(1, 6, dtype=torch.float64)])
    torch.testing.assert_close(halting_distribution(lam), halting_distribution(other))


@pytest.mark.parametrize("certain", [0, 1, 2])
def test_a_certain_halt_puts_all_mass_on_its_step(certain):
    lam = torch.zeros(3, dtype=torch.float64)
    lam[certain] = 1
    assert halting_distribution(lam).tolist() == [float(n == certain) for n in range(3)]


def test_the_halting_distribution_passes_a_numerical_gradient_check():
    assert torch.autograd.gradcheck(halting_distribution, torch.rand(4, 2, dtype=torch.float64).requires_grad_())


@pytest.mark.parametrize("eps", [0.01, 0.2])
def test_graves_equals_the_definition_token_by_token(eps):
    h = torch.rand(6, 40, dtype=torch.float64) * torch.rand(40, dtype=torch.float64)
    p, num_steps, remainder, ponder = graves(h, eps)
    for i in range(40):
        by_hand = graves_by_hand(h[:, i].tolist(), eps)
        assert p[:, i].tolist() == pytest.approx(by_hand[0])
        assert int(num_steps[i]) == by_hand[1]
        assert (float(remainder[i]), float(ponder[i])) == pytest.approx(by_hand[2:])
    assert num_steps.unique().numel() > 2


def test_graves_on_numbers_worked_out_by_hand():
    p, num_steps, remainder, ponder = graves(torch.tensor([0.3, 0.4, 0.5, 0.9], dtype=torch.float64))
    assert p.tolist() == pytest.approx([0.3, 0.4, 0.3, 0.0])
    assert (float(num_steps), float(remainder), float(ponder)) == pytest.approx((3, 0.3, 3.3))


@pytest.mark.parametrize(
    ("h", "steps"), [([0.995, 0.5, 0.5], 1), ([0.1, 0.1, 0.1], 3), ([0.5, 0.5, 0.5], 2), ([0.98, 0.0, 0.0], 3)]
)
def test_graves_stops_at_the_first_step_that_reaches_one_minus_eps(h, steps):
    p, num_steps, _, _ = graves(torch.tensor(h, dtype=torch.float64))
    assert int(num_steps) == steps
    assert float(p.sum()) == pytest.approx(1)


def test_graves_stops_where_the_sum_is_exactly_one_minus_eps():
    _, num_steps, _, _ = graves(torch.tensor([[0.25, 0.5], [0.25, 0.5], [0.5, 0.5]]), eps=0.5)
    assert num_steps.tolist() == [2, 1]


def test_the_ponder_cost_falls_by_one_for_each_early_halting_value():
    h = torch.tensor([[0.3, 0.7], [0.4, 0.9], [0.5, 0.2], [0.9, 0.9]], dtype=torch.float64).requires_grad_()
    _, num_steps, _, ponder = graves(h)
    (grad,) = torch.autograd.grad(ponder.sum(), h)
    early = torch.arange(1, 5)[:, None] < num_steps
    torch.testing.assert_close(grad, -early.double())


def test_the_halting_target_is_binary_cross_entropy_with_correctness():
    q, correct, mask = logits_and_targets()
    _, parts = act_loss(q, correct, mask)
    torch.testing.assert_close(parts["halt"], F.binary_cross_entropy_with_logits(q, correct))


def test_masked_tokens_have_no_say_in_any_part():
    q, correct, mask = logits_and_targets()
    mask[0, 1] = mask[1, 3:] = False
    noisy, flipped = q + 5 * torch.randn_like(q) * ~mask, torch.where(mask, correct, 1 - correct)
    weights = {"lambda_halt": 0.5, "lambda_div": 0.3, "lambda_ponder": 0.2}
    loss, parts = act_loss(q, correct, mask, **weights)
    other, other_parts = act_loss(noisy, flipped, mask, **weights)
    torch.testing.assert_close(loss, other)
    torch.testing.assert_close(parts, other_parts)
    kept = act_loss(q[:, mask][:, None], correct[:, mask][:, None], torch.ones(1, int(mask.sum()), dtype=torch.bool))
    torch.testing.assert_close(act_loss(q, correct, mask)[0], kept[0])


def test_the_diversity_term_has_the_value_of_its_formula():
    q, correct, mask = logits_and_targets()
    mask[1, 2] = False
    lam = torch.sigmoid(0.2 * q / 0.5)
    p = torch.stack([lam[n] * (1 - lam[:n]).prod(0) for n in range(3)])
    p = torch.cat([p, 1 - p.sum(0, keepdim=True)])
    expected_step = sum((n + 1) * p[n] for n in range(4))[mask]
    spread = ((expected_step - expected_step.mean()).square().mean() + 1e-8).sqrt()
    _, parts = act_loss(0.2 * q, correct, mask)
    assert 0 < float(spread) < 0.5
    torch.testing.assert_close(parts["div"], (0.5 - spread) / 0.5)


def test_the_diversity_term_is_full_for_equal_tokens_and_gone_for_spread_ones():
    _, correct, mask = logits_and_targets(steps=3, batch=1, tokens=2)
    same, spread = torch.zeros(3, 1, 2, dtype=torch.float64), torch.zeros(3, 1, 2, dtype=torch.float64)
    spread[:, :, 0], spread[:, :, 1] = 9, -9
    assert float(act_loss(same, correct, mask)[1]["div"]) == pytest.approx(1, abs=1e-3)
    assert float(act_loss(spread, correct, mask)[1]["div"]) == 0


def test_the_pull_towards_diversity_does_not_fade_as_tokens_become_alike():
    direction, pulls = torch.randn(4, 2, 5, dtype=torch.float64), []
    _, correct, mask = logits_and_targets()
    for scale in (1e-1, 1e-3):
        q = (scale * direction).requires_grad_()
        (grad,) = torch.autograd.grad(act_loss(q, correct, mask)[1]["div"], q)
        pulls.append(float(grad.norm()))
    assert pulls[1] == pytest.approx(pulls[0], rel=0.2)
    assert pulls[1] > 0.01


@pytest.mark.parametrize("valid", [0, 1])
def test_fewer_than_two_tokens_give_no_diversity_term_and_no_nan(valid):
    q, correct, mask = logits_and_targets()
    mask[:] = False
    mask[0, :valid] = True
    loss, parts = act_loss(q.requires_grad_(), correct, mask, lambda_ponder=0.1)
    (grad,) = torch.autograd.grad(loss, q)
    assert parts["div"].item() == 0
    assert grad.isfinite().all()
    assert (loss.item() == 0) is (valid == 0)


def test_the_loss_is_the_weighted_sum_of_its_parts():
    q, correct, mask = logits_and_targets()
    q = 0.2 * q
    alone = {
        name: float(act_loss(q, correct, mask, **{"lambda_halt": 0, "lambda_div": 0, "lambda_ponder": 0, name: 1})[0])
        for name in ("lambda_halt", "lambda_div", "lambda_ponder")
    }
    both, _ = act_loss(q, correct, mask, lambda_halt=0.5, lambda_div=0.2, lambda_ponder=0.3)
    expected = 0.5 * alone["lambda_halt"] + 0.2 * alone["lambda_div"] + 0.3 * alone["lambda_ponder"]
    assert float(both) == pytest.approx(expected)
    assert all(abs(value) > 1e-3 for value in alone.values())


def test_by_default_halting_weighs_a_half_and_diversity_a_tenth():
    q, correct, mask = logits_and_targets()
    default = act_loss(0.1 * q, correct, mask)[0]
    torch.testing.assert_close(
        default, act_loss(0.1 * q, correct, mask, lambda_halt=0.5, lambda_div=0.1, lambda_ponder=0.0)[0]
    )
    assert float(default) != pytest.approx(float(act_loss(0.1 * q, correct, mask, lambda_div=0.0)[0]))


def test_the_ponder_cost_is_the_mean_of_the_expected_steps():
    _, correct, mask = logits_and_targets(steps=3, batch=1, tokens=2)
    chance = torch.tensor([[0.5, 0.1], [0.5, 0.2], [0.9, 0.9]], dtype=torch.float64)[:, None]
    _, parts = act_loss(torch.logit(chance), correct, mask)
    expected = (0.5 * 1 + 0.25 * 2 + 0.25 * 3, 0.1 * 1 + 0.18 * 2 + 0.72 * 3)
    assert parts["ponder"].item() == pytest.approx(sum(expected) / 2)


def test_a_later_halt_costs_more_ponder():
    _, correct, mask = logits_and_targets()
    costs = [
        float(act_loss(torch.full((4, 2, 5), q), correct, mask, lambda_ponder=1)[1]["ponder"]) for q in (4.0, -4.0)
    ]
    assert costs[0] < costs[1]


def test_a_correct_step_pulls_its_halting_logit_up_and_a_wrong_one_down():
    q, correct, mask = logits_and_targets()
    (grad,) = torch.autograd.grad(act_loss(q.requires_grad_(), correct, mask, lambda_div=0.0)[0], q)
    assert torch.equal(grad < 0, correct.bool())


def test_the_target_may_be_boolean_and_the_batch_larger_than_one():
    q, correct, mask = logits_and_targets(batch=3)
    torch.testing.assert_close(act_loss(q, correct.bool(), mask)[0], act_loss(q, correct, mask)[0])


def test_the_gamma_and_tau_of_the_diversity_term_can_be_set():
    q, correct, mask = logits_and_targets()
    base, wide, soft = (
        float(act_loss(0.2 * q, correct, mask, **w)[1]["div"]) for w in ({}, {"gamma": 1.0}, {"tau": 5.0})
    )
    assert 1 - wide == pytest.approx((1 - base) / 2)
    assert soft > base


def test_one_supervision_step_leaves_nothing_to_decide():
    q, correct, mask = logits_and_targets(steps=1)
    loss, parts = act_loss(q, correct, mask)
    assert math.isfinite(float(loss))
    assert float(parts["div"]) == pytest.approx(1, abs=1e-3)
