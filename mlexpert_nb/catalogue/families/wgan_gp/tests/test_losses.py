"""The losses against closed forms, whom their gradients reach, and the steps of training."""

import pytest
import torch
from references import KINDS, SMALL, random_inputs, small_model
from torch import nn

from model import functional


class Bowl(nn.Module):
    """The critic x A x / 2, whose gradient at x is (A + A^T) x / 2."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size, size, dtype=torch.float64))

    def forward(self, x):
        """Score points (B, F)."""
        return (x @ self.weight * x).sum(1) / 2


def pairs(*shape):
    return (torch.randn(*shape, dtype=torch.float64) for _ in range(2))


def test_the_penalty_of_a_linear_critic_is_that_of_its_weights():
    critic = nn.Sequential(nn.Flatten(), nn.Linear(12, 1).double())
    real, generated = pairs(4, 3, 2, 2)
    penalty = functional.gradient_penalty(critic, real, generated)
    weight = critic[1].weight
    torch.testing.assert_close(penalty, (weight.norm() - 1) ** 2)
    penalty.backward()
    torch.testing.assert_close(weight.grad, 2 * (weight.norm() - 1) * weight.detach() / weight.norm())


def test_the_penalty_is_taken_between_pairs_at_a_share_of_each():
    critic = Bowl(3)
    real, generated = pairs(5, 3)
    torch.manual_seed(4)
    penalty = functional.gradient_penalty(critic, real, generated)
    (ours,) = torch.autograd.grad(penalty, critic.weight)
    torch.manual_seed(4)
    share = torch.rand(5, 1, dtype=torch.float64)
    expected = 0.0
    for u, x, y in zip(share, real, generated, strict=True):
        slope = (((1 - u) * x + u * y) @ (critic.weight + critic.weight.T) / 2).square().sum().sqrt()
        expected += (slope - 1) ** 2 / 5
    torch.testing.assert_close(penalty, expected)
    torch.testing.assert_close(ours, torch.autograd.grad(expected, critic.weight)[0])


def test_the_penalty_has_one_share_for_all_pixels_of_an_image():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    functional.gradient_penalty(critic, torch.zeros(50, 2, 3, 3), torch.ones(50, 2, 3, 3))
    share = seen[0][:, 0, 0, 0]
    assert torch.equal(seen[0], share.view(-1, 1, 1, 1).expand(50, 2, 3, 3))
    assert 0 <= share.min() < 0.1
    assert 0.9 < share.max() <= 1
    assert len(share.unique()) > 40


def test_the_penalty_has_its_value_where_gradients_are_off_and_no_graph():
    critic = Bowl(3)
    real, generated = pairs(5, 3)
    values = []
    for is_on in (True, False):
        torch.manual_seed(4)
        with torch.set_grad_enabled(is_on):
            values.append(functional.gradient_penalty(critic, real, generated))
            assert torch.is_grad_enabled() is is_on
    assert torch.equal(values[0].detach(), values[1])
    assert [value.requires_grad for value in values] == [True, False]


@pytest.mark.parametrize("share", ["gradient_penalty", "critic_loss"])
def test_the_losses_of_the_critic_leave_the_generator_alone(share):
    critic = Bowl(3)
    real, generated = (each.requires_grad_() for each in pairs(5, 3))
    given = (critic, real.detach(), generated) + ((2.0,) if share == "critic_loss" else ())
    getattr(functional, share)(*given).backward()
    assert critic.weight.grad.abs().max() > 0
    assert generated.grad is None


def test_the_loss_of_the_critic_is_a_difference_of_scores_with_a_weighted_penalty():
    critic = Bowl(3)
    real, generated = pairs(5, 3)
    torch.manual_seed(2)
    loss = functional.critic_loss(critic, real, generated, 7.0)
    torch.manual_seed(2)
    penalty = functional.gradient_penalty(critic, real, generated)
    torch.testing.assert_close(loss, critic(generated).mean() - critic(real).mean() + 7 * penalty)


def test_the_loss_of_the_generator_is_a_negative_score_and_leaves_the_critic_alone():
    critic, (_, generated) = Bowl(3), pairs(5, 3)
    generated.requires_grad_()
    loss = functional.generator_loss(critic, generated)
    torch.testing.assert_close(loss, -critic(generated).mean())
    loss.backward()
    assert critic.weight.grad is None
    assert critic.weight.requires_grad
    symmetric = (critic.weight + critic.weight.T).detach() / 2
    torch.testing.assert_close(generated.grad, -(generated.detach() @ symmetric) / 5)


@pytest.mark.parametrize("config", KINDS, ids=["none", "layer"])
def test_the_loss_of_both_has_the_value_of_one_and_the_gradients_of_each(config):
    model, inputs = small_model({**config, "penalty_weight": 3.0}), random_inputs(config)
    targets = {"images": random_inputs(config)["images"]}
    torch.manual_seed(6)
    loss = functional.loss(model, inputs, targets)
    ours = torch.autograd.grad(loss, list(model.parameters()))
    torch.manual_seed(6)
    images = model.generator(inputs["latents"])
    critics = functional.critic_loss(model.critic, targets["images"], images, 3.0)
    torch.testing.assert_close(loss, critics)
    theirs = [
        *torch.autograd.grad(-model.critic(images).mean(), list(model.generator.parameters()), retain_graph=True),
        *torch.autograd.grad(critics, list(model.critic.parameters())),
    ]
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


def test_a_step_of_training_is_that_of_the_algorithm():
    config = {**SMALL, "num_critic_steps": 3, "penalty_weight": 2.0}
    ours, theirs = (small_model(config).train() for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    batches = [random_inputs(config, size)["images"] for size in (4, 5, 6)]
    torch.manual_seed(9)
    waiting = iter(batches)
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.1) for part in (ours.critic, ours.generator)]
    said = functional.train_step(ours, lambda: next(waiting), *optimizers)
    torch.manual_seed(9)
    for images in batches:
        generated = theirs.generator(torch.randn(len(images), 3, dtype=torch.float64)).detach()
        critics = functional.critic_loss(theirs.critic, images, generated, 2.0)
        _descend(theirs.critic, critics)
    generated = theirs.generator(torch.randn(6, 3, dtype=torch.float64))
    _descend(theirs.generator, -theirs.critic(generated).mean())
    assert next(waiting, None) is None
    torch.testing.assert_close(said, critics.detach())
    assert not said.requires_grad
    for (name, mine), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, other, msg=name)


def test_critic_steps_build_no_graph_of_the_generator():
    model = small_model({**SMALL, "num_critic_steps": 2}).train()
    seen = []
    model.generator.register_forward_hook(lambda _module, _inputs, output: seen.append(output.requires_grad))
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.1) for part in (model.critic, model.generator)]
    functional.train_step(model, lambda: random_inputs(SMALL)["images"], *optimizers)
    assert seen == [False, False, True]


def _descend(part, loss):
    parameters = list(part.parameters())
    with torch.no_grad():
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.sub_(0.1 * gradient)
