"""The training objective: deep supervision, labels as given, ignored tokens, a halting head that learns."""

import pytest
import torch
from references import random_ids, small_model
from torch.nn import functional as F

from model import full_model, functional
from model.trm_wrapper import Tape


def batch(rows=2, tokens=10):
    ids = random_ids(rows, tokens + 1)
    return ids[:, :-1], ids[:, 1:].clone()


def answers_and_halting(model, ids):
    answers = list(model.answers(model.backbone(ids)[0], Tape()))
    return torch.stack(answers), torch.stack([model.halting(y) for y in answers])


def cross_entropies(model, answers, labels):
    return torch.stack([F.cross_entropy(model.logits(y).transpose(1, 2), labels, reduction="none") for y in answers])


def gradients(model, loss):
    grads = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return {name: grad for (name, _), grad in zip(model.named_parameters(), grads, strict=True)}


def test_the_loss_is_the_mean_over_all_steps_plus_the_halting_loss():
    model, (ids, labels) = small_model(lambda_halt=0.4, lambda_div=0.7, lambda_ponder=0.3), batch()
    labels[0, 2:5] = -100
    mask, (answers, q) = labels != -100, answers_and_halting(model, ids)
    ce = cross_entropies(model, answers, labels)[:, mask].mean()
    correct = torch.stack([model.logits(y).argmax(-1) == labels for y in answers])
    act, _ = functional.act_loss(q, correct, mask, lambda_halt=0.4, lambda_div=0.7, lambda_ponder=0.3)
    torch.testing.assert_close(functional.loss(model, ids, labels), ce + act)


def test_with_ponder_halting_each_step_counts_by_its_chance_to_be_the_last():
    model, (ids, labels) = small_model(halting="ponder", lambda_ponder=0.3, halt_prior=0.4, halt_bias=0.0), batch()
    labels[1, :4] = -100
    mask, (answers, q) = labels != -100, answers_and_halting(model, ids)
    h = q.sigmoid()
    p = torch.stack([h[0], h[1] * (1 - h[0]), (1 - h[0]) * (1 - h[1])])
    prior = torch.tensor([0.4, 0.24, 0.36], dtype=torch.float64)[:, None, None]
    expected = (p * cross_entropies(model, answers, labels) + 0.3 * p * (p / prior).log()).sum(0)[mask].mean()
    torch.testing.assert_close(functional.loss(model, ids, labels), expected)


def test_with_graves_halting_the_mixture_of_answers_is_scored_and_thinking_has_a_price():
    model, (ids, labels) = small_model(halting="graves", lambda_ponder=0.3, halt_bias=0.0), batch()
    labels[1, :4] = -100
    mask, (answers, q) = labels != -100, answers_and_halting(model, ids)
    p, _, _, ponder = functional.graves(q.sigmoid())
    mixed = (p[..., None] * answers).sum(0)
    expected = (cross_entropies(model, [mixed], labels)[0] + 0.3 * ponder)[mask].mean()
    torch.testing.assert_close(functional.loss(model, ids, labels), expected)
    torch.testing.assert_close(functional.logits(model, ids), model.logits(mixed))


@pytest.mark.parametrize("halting", ["qhalt", "ponder", "graves"])
def test_ignored_labels_and_what_follows_them_do_not_count(halting):
    model, (ids, labels) = small_model(halting=halting, lambda_ponder=0.1), batch()
    whole = functional.loss(model, ids, labels).item()
    labels[:, 6:] = -100
    torch.testing.assert_close(functional.loss(model, ids, labels), functional.loss(model, ids[:, :6], labels[:, :6]))
    assert functional.loss(model, ids, labels).item() != pytest.approx(whole)


@pytest.mark.parametrize("halting", ["qhalt", "ponder", "graves"])
def test_nothing_supervised_gives_a_finite_zero_that_can_be_differentiated(halting):
    model, (ids, labels) = small_model(halting=halting, lambda_ponder=0.1), batch()
    loss = functional.loss(model, ids, torch.full_like(labels, -100))
    assert loss.item() == 0
    loss.backward()
    assert all(p.grad is None or p.grad.eq(0).all() for p in model.parameters())


@pytest.mark.parametrize("halting", ["qhalt", "ponder", "graves"])
def test_the_halting_head_gets_a_gradient(halting):
    model, (ids, labels) = small_model(halting=halting, lambda_div=0.0), batch()
    grads = gradients(model, functional.loss(model, ids, labels))
    assert all(grads[name].abs().max() > 1e-6 for name in grads if name.startswith("halting."))


def test_the_halting_target_alone_teaches_the_head():
    model, (ids, labels) = small_model(), batch()
    with_target, without = (
        gradients(model, functional.loss(model, ids, labels, lambda_halt=weight, lambda_div=0.0)) for weight in (1, 0)
    )
    head = next(name for name in with_target if name.startswith("halting.") and "weight" in name)
    assert with_target[head].abs().max() > 1e-6
    assert not without[head].any()


def test_diversity_and_ponder_cost_train_the_head_and_nothing_else():
    model, (ids, labels) = small_model(noise=0.05), batch()
    plain, priced = (
        gradients(model, functional.loss(model, ids, labels, lambda_div=weight, lambda_ponder=weight))
        for weight in (0.0, 5.0)
    )
    for name, grad in plain.items():
        if name.startswith("halting."):
            assert (grad - priced[name]).abs().max() > 1e-4
        else:
            torch.testing.assert_close(grad, priced[name])


@pytest.mark.parametrize("core", ["mlp", "swa"])
def test_backward_step_by_step_gives_the_same_gradients_and_loss(core):
    model, (ids, labels) = small_model(core=core, lambda_ponder=0.2, lambda_div=0.5), batch()
    labels[0, 3:6] = -100
    loss = functional.loss(model, ids, labels)
    expected = gradients(model, loss)
    torch.testing.assert_close(model.backward_by_step(ids, labels), loss.detach())
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.grad, expected[name], rtol=1e-6, atol=1e-9)


def test_backward_step_by_step_adds_to_gradients_that_are_there():
    model, (ids, labels) = small_model(), batch()
    model.backward_by_step(ids, labels)
    once = [p.grad.clone() for p in model.parameters()]
    model.backward_by_step(ids, labels)
    torch.testing.assert_close([p.grad for p in model.parameters()], [2 * grad for grad in once])


@pytest.mark.parametrize("halting", ["ponder", "graves"])
def test_backward_step_by_step_is_refused_where_steps_depend_on_each_other(halting):
    with pytest.raises(ValueError, match=halting):
        small_model(halting=halting).backward_by_step(*batch())


def largest_saved(model, ids, labels):
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        functional.loss(model, ids, labels)
    return max(sizes)


@pytest.mark.parametrize("tokens_at_a_time", [1, 7, 64])
def test_scoring_in_pieces_changes_neither_loss_nor_gradients(monkeypatch, tokens_at_a_time):
    model, (ids, labels) = small_model(), batch()
    labels[1, :5] = -100
    loss = functional.loss(model, ids, labels)
    expected = gradients(model, loss)
    monkeypatch.setattr(full_model, "LOSS_TOKENS", tokens_at_a_time)
    pieced = functional.loss(model, ids, labels)
    torch.testing.assert_close(pieced, loss)
    torch.testing.assert_close(gradients(model, pieced), expected)


def test_scoring_in_pieces_keeps_no_logits_of_the_whole_batch(monkeypatch):
    model, (ids, labels) = small_model(vocab_size=600), batch(rows=4, tokens=16)
    assert largest_saved(model, ids, labels) == 600 * 64
    monkeypatch.setattr(full_model, "LOSS_TOKENS", 4)
    assert largest_saved(model, ids, labels) < 600 * 16


def test_a_perfect_answer_has_a_small_loss_and_counts_as_correct():
    model, (_, labels) = small_model(tie=False), batch()
    y = F.one_hot(labels, 16).double()
    with torch.no_grad():
        model.unembedding.weight.copy_(40 * torch.eye(13, 16))
    ce, correct = model.token_losses(y, labels)
    assert ce.max() < 1e-9
    assert correct.all()
    ce, correct = model.token_losses(y, (labels + 1) % 13)
    assert ce.min() > 10
    assert not correct.any()
