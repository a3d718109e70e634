"""Halting: which answer a token takes, how the head learns, and that nobody else has a say in it."""

import copy

import pytest
import torch
from networks import KINDS, SMALL, network, options, tokens
from torch.nn import functional as F

from model import ModelConfig, build_model, count_parameters, functional, parameter_table
from model.halting import ActWeights, halted, halting_distribution, halting_loss

EACH = [{**kind, "halting": "act"} for kind in KINDS[::9]]
EACH += [{"halting": "act", "memory": "titans", "attention": "sliding"}]  # only memory=titans
each_kind = pytest.mark.parametrize("kind", EACH, ids=lambda kind: "-".join(map(str, kind.values())))


def deciding(**changes):
    """Build a network whose tokens halt at different steps."""
    model = network(**{"halting": "act", **changes})
    with torch.no_grad():
        model.halting.score.weight.mul_(8)
        model.halting.score.bias.zero_()
    return model


def drawn(steps=4, batch=2, length=5):
    q = torch.randn(steps, batch, length, dtype=torch.float64)
    correct = torch.rand(steps, batch, length) < 0.5
    return q, correct, torch.ones(batch, length, dtype=torch.bool)


def test_a_token_takes_the_answer_of_the_first_step_at_which_it_halts():
    y = torch.arange(1.0, 4.0)[:, None, None, None].expand(3, 1, 4, 2)
    q = torch.tensor([[1.0, -1, -1, 0], [1.0, 2, -1, -1], [-1.0, 2, -1, -1]])[:, None]
    answer, steps = halted(y, q)
    assert steps.tolist() == [[1, 2, 3, 3]]
    assert answer.tolist() == [[[1.0] * 2, [2.0] * 2, [3.0] * 2, [3.0] * 2]]


@torch.no_grad()
def test_the_network_answers_as_if_it_had_run_only_until_each_token_halts():
    model, ids = deciding(), tokens(2, 12)
    logits, steps = model.adaptive(ids)
    assert steps.unique().tolist() == [1, 2, 3]
    torch.testing.assert_close(model(ids), logits)
    for number in (1, 2, 3):
        fewer = build_model(**options(recursion="trm", num_latent=1, num_steps=number)).double()
        fewer.load_state_dict(model.state_dict(), strict=False)
        torch.testing.assert_close(fewer(ids)[steps == number], logits[steps == number])


@torch.no_grad()
def test_the_recursion_ends_where_all_tokens_have_halted():
    model, ids, calls = network(halting="act"), tokens(2, 6), []
    model.blocks[0].register_forward_hook(lambda *_: calls.append(1))
    for bias, number in ((9.0, 1), (-9.0, 3)):
        model.halting.score.weight.zero_()
        model.halting.score.bias.fill_(bias)
        calls.clear()
        logits, steps = model.adaptive(ids)
        assert steps.eq(number).all()
        assert len(calls) == number * 2 * 2  # cycles, and the latent and the answer
        torch.testing.assert_close(logits, model(ids))


@each_kind
@torch.no_grad()
def test_who_halts_when_depends_on_the_past_of_the_own_row_alone(kind):
    model, ids = deciding(**kind), tokens(2, 11)
    changed = ids.clone()
    changed[0, 6:] = (changed[0, 6:] + 1) % 13
    (logits, steps), (moved, other) = model.adaptive(ids), model.adaptive(changed)
    assert torch.equal(steps[0, :6], other[0, :6])
    assert torch.equal(steps[1], other[1])
    assert (moved - logits)[0, :6].abs().max() < 1e-12
    assert (moved - logits)[1].abs().max() < 1e-12


@each_kind
@torch.no_grad()
def test_a_stream_halts_where_a_whole_pass_does_and_leaves_its_states_alone(kind):
    model, ids = deciding(**kind), tokens(2, 11)
    state, found = None, []
    for piece in ids.split([1, 5, 1, 4], 1):
        before = copy.deepcopy(state)
        logits, after = functional.stream(model, piece, state)
        assert torch.equal(functional.stream(model, piece, before)[0], logits)
        found.append(logits)
        state = after
    torch.testing.assert_close(torch.cat(found, 1), model(ids))


@each_kind
def test_the_head_is_counted_and_the_loss_reaches_every_parameter(kind):
    model, config = network(**kind), ModelConfig(**options(**kind))
    assert count_parameters(config) == sum(p.numel() for p in model.parameters())
    assert dict(parameter_table(config))["halting"] == sum(p.numel() for p in model.halting.parameters())
    waiting = dict(model.named_parameters())
    for _ in range(3):
        ids = tokens(2, 20)
        functional.loss(model, ids[:, :-1], ids[:, 1:]).backward()
        waiting = {name: p for name, p in waiting.items() if p.grad is None or p.grad.eq(0).all()}
    assert not waiting


def test_the_loss_adds_to_that_of_the_steps_what_the_head_has_to_learn():
    model, ids, labels = deciding(), tokens(2, 8), tokens(2, 8)
    labels[0, :3] = -100
    answers = []
    handle = model.halting.register_forward_pre_hook(lambda _module, inputs: answers.append(inputs[0]))
    model(ids)
    handle.remove()
    y = answers.pop()
    logits = (y / (y.square().mean(-1, keepdim=True) + 1e-6).sqrt() * model.norm.weight) @ model.embedding.weight.T
    steps = F.cross_entropy(logits.flatten(0, 2), labels.repeat(3, 1).flatten(), ignore_index=-100)
    right, head = logits.argmax(-1) == labels, model.halting(y.detach())
    halting, _ = halting_loss(model.halting(y), right, labels != -100, ActWeights(), head_logit_NBT=head)
    ours = functional.loss(model, ids, labels)
    torch.testing.assert_close(ours, steps + halting)
    parameters = list(model.parameters())
    mine, expected = (torch.autograd.grad(each, parameters) for each in (ours, steps + halting))
    torch.testing.assert_close(mine, expected)
    assert halting > 0.01
    assert not model.adaptive(ids)[0].requires_grad


def test_telling_tokens_apart_trains_the_head_alone():
    q, correct, mask = drawn(steps=3)
    head = (0.1 * torch.randn_like(q)).requires_grad_()
    q = q.requires_grad_()
    loss, parts = halting_loss(q, correct, mask, ActWeights(lambda_halt=0.0), head_logit_NBT=head)
    assert parts["div"].item() > 0.1
    on_answers, on_head = torch.autograd.grad(loss, (q, head), allow_unused=True)
    assert on_answers is None or on_answers.eq(0).all()
    assert on_head.abs().max() > 0


def test_a_fresh_head_goes_on():
    model = build_model(**options(halting="act", hidden_size=512))
    assert model.halting(torch.zeros(3, 512)).tolist() == [-2.0] * 3
    assert model.halting.score.weight.std().item() == pytest.approx(0.02, rel=0.15)


@pytest.mark.parametrize("certain", [0, 1, 2])
def test_each_step_takes_its_share_of_what_is_left_and_the_last_one_the_rest(certain):
    chance = torch.tensor([0.5, 0.2, 0.9], dtype=torch.float64)
    torch.testing.assert_close(halting_distribution(chance), torch.tensor([0.5, 0.1, 0.4], dtype=torch.float64))
    sure = torch.zeros(3, dtype=torch.float64)
    sure[certain] = 1
    assert halting_distribution(sure).tolist() == [float(n == certain) for n in range(3)]


def test_the_target_is_whether_the_answer_is_right_and_masked_tokens_have_no_say():
    q, correct, mask = drawn()
    _, parts = halting_loss(q, correct, mask, ActWeights())
    torch.testing.assert_close(parts["halt"], F.binary_cross_entropy_with_logits(q, correct.double()))
    mask[0, 1] = mask[1, 3:] = False
    noisy = q + 5 * torch.randn_like(q) * ~mask
    weights = ActWeights(lambda_ponder=0.2)
    flipped = torch.where(mask, correct, ~correct)
    torch.testing.assert_close(halting_loss(q, correct, mask, weights), halting_loss(noisy, flipped, mask, weights))


def test_the_spread_has_the_value_of_its_formula():
    q, correct, mask = drawn()
    mask[1, 2] = False
    chance = torch.sigmoid(0.2 * q / 0.5)
    p = torch.stack([chance[n] * (1 - chance[:n]).prod(0) for n in range(3)])
    p = torch.cat([p, 1 - p.sum(0, keepdim=True)])
    steps = sum((n + 1) * p[n] for n in range(4))[mask]
    spread = ((steps - steps.mean()).square().mean() + 1e-8).sqrt()
    _, parts = halting_loss(0.2 * q, correct, mask, ActWeights())
    assert 0 < float(spread) < 0.5
    torch.testing.assert_close(parts["div"], (0.5 - spread) / 0.5)


def test_tokens_that_spread_enough_or_are_too_few_add_nothing():
    _, correct, mask = drawn(steps=3, batch=1, length=2)
    spread = torch.zeros(3, 1, 2, dtype=torch.float64)
    spread[:, :, 0], spread[:, :, 1] = 9, -9
    assert float(halting_loss(spread, correct, mask, ActWeights())[1]["div"]) == 0
    mask[0, 1] = False
    assert float(halting_loss(torch.zeros_like(spread), correct, mask, ActWeights())[1]["div"]) == 0
    mask[0, 0] = False
    loss, _ = halting_loss(torch.zeros_like(spread), correct, mask, ActWeights())
    assert loss.item() == 0


def test_the_price_is_the_mean_of_the_expected_steps_and_the_loss_the_weighted_sum():
    _, correct, mask = drawn(steps=3, batch=1, length=2)
    chance = torch.tensor([[0.5, 0.1], [0.5, 0.2], [0.9, 0.9]], dtype=torch.float64)[:, None]
    weights = ActWeights(lambda_halt=0.4, lambda_div=0.3, lambda_ponder=0.2)
    loss, parts = halting_loss(torch.logit(chance), correct, mask, weights)
    expected = (0.5 * 1 + 0.25 * 2 + 0.25 * 3, 0.1 * 1 + 0.18 * 2 + 0.72 * 3)
    assert parts["ponder"].item() == pytest.approx(sum(expected) / 2)
    torch.testing.assert_close(loss, 0.4 * parts["halt"] + 0.3 * parts["div"] + 0.2 * parts["ponder"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"halting": "never"}, "halting='never' must be one of none, act"),
        ({"halting": "act"}, "halting='act' needs recursion='trm': without steps there is nothing to halt"),
        (
            {"halting": "act", "recursion": "trm", "num_latent": 1, "num_cycles": 1, "num_steps": 1},
            "num_steps=1 leaves nothing to decide with halting='act'; use 2 or more",
        ),
    ],
)
def test_what_halting_needs_is_asked_for(changes, said):
    with pytest.raises(ValueError, match=said):
        ModelConfig(**{**SMALL, **changes})
