"""Networks, losses and advantages against their formulas, written out step by step."""

import math

import pytest
import torch
from torch import nn

from model import ModelConfig, advantages, build_model, dqn_loss, functional, ppo_loss, td_targets
from model.agent import Judgement

SMALL = {
    "kind": "ppo",
    "num_observations": 3,
    "num_actions": 4,
    "hidden_size": 8,
    "num_layers": 2,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "value_weight": 0.5,
    "entropy_weight": 0.01,
    "double": True,
}


def batch_of(size, config):
    inputs, targets = functional.example_batch(config, size, 0)
    return inputs, {name: each.double() if each.is_floating_point() else each for name, each in targets.items()}


def mlp(network, x, activation):
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    for layer in layers[:-1]:
        x = activation(x @ layer.weight.T + layer.bias)
    return x @ layers[-1].weight.T + layers[-1].bias


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@torch.no_grad()
def test_the_actor_critic_is_two_tanh_networks(num_layers):
    model = build_model(**{**SMALL, "num_layers": num_layers}).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(model(x).logits, mlp(model.policy, x, torch.tanh))
    torch.testing.assert_close(model(x).values, mlp(model.value, x, torch.tanh)[:, 0])
    assert sum(isinstance(layer, nn.Linear) for layer in model.policy) == num_layers + 1


@torch.no_grad()
def test_the_q_network_is_a_relu_network():
    model = build_model(**{**SMALL, "kind": "dqn"}).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(model(x), mlp(model.q, x, lambda y: y.clamp(min=0)))


@torch.no_grad()
def test_the_first_weights_are_orthogonal_and_the_first_policy_nearly_uniform():
    model = build_model(**{**SMALL, "num_observations": 8})
    for network, head in ((model.policy, 0.01), (model.value, 1.0)):
        first, last = network[0].weight, network[-1].weight
        torch.testing.assert_close(first @ first.T, 2 * torch.eye(8), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(last @ last.T, head**2 * torch.eye(len(last)), atol=1e-5, rtol=1e-4)
        assert network[0].bias.eq(0).all()
    assert (model(torch.randn(9, 8)).logits.softmax(1) - 0.25).abs().max() < 0.05


@pytest.mark.parametrize(("gamma", "gae_lambda"), [(0.9, 0.8), (0.97, 0.0), (0.9, 1.0)])
def test_advantages_are_discounted_sums_of_errors_within_an_episode(gamma, gae_lambda):
    rewards, values = torch.randn(2, 6, 2, dtype=torch.float64).unbind()
    last = torch.randn(2, dtype=torch.float64)
    dones = torch.zeros(6, 2, dtype=torch.bool)
    dones[2, 0] = dones[5, 1] = True
    found, returns = advantages(rewards, values, dones, last, gamma=gamma, gae_lambda=gae_lambda)
    after = torch.cat([values[1:], last[None]])
    for n in range(2):
        for t in range(6):
            total, weight = 0.0, 1.0
            for k in range(t, 6):
                following = 0.0 if dones[k, n] else after[k, n]
                total += weight * (rewards[k, n] + gamma * following - values[k, n])
                if dones[k, n]:
                    break
                weight *= gamma * gae_lambda
            torch.testing.assert_close(found[t, n], torch.as_tensor(total, dtype=torch.float64))
    torch.testing.assert_close(returns, found + values)


def test_the_ppo_loss_is_its_formula_row_by_row():
    config = ModelConfig(**{**SMALL, "clip_range": 0.1, "value_weight": 0.3, "entropy_weight": 0.2})
    _, batch = batch_of(64, config)
    logits, values = torch.randn(64, 4, dtype=torch.float64), torch.randn(64, dtype=torch.float64)
    surrogate = entropy = error = 0.0
    for i in range(64):
        chances = logits[i].softmax(0)
        ratio = (chances[batch["actions"][i]].log() - batch["old_log_probs"][i]).exp()
        gain = batch["advantages"][i]
        surrogate += min(ratio * gain, max(0.9, min(1.1, ratio)) * gain) / 64
        entropy -= (chances * chances.log()).sum() / 64
        error += (values[i] - batch["returns"][i]) ** 2 / 64
    expected = 0.3 * error - surrogate - 0.2 * entropy
    torch.testing.assert_close(ppo_loss(Judgement(logits, values), batch, config), expected)


def test_an_action_whose_chance_moved_too_far_gives_no_gradient():
    config = ModelConfig(**{**SMALL, "num_actions": 2, "value_weight": 0.0, "entropy_weight": 0.0})
    logits = torch.tensor([[2.0, 0.0], [-2.0, 0.0]], requires_grad=True)
    batch = {"actions": torch.tensor([0, 0]), "old_log_probs": torch.full((2,), math.log(0.5))}
    batch |= {"advantages": torch.tensor([1.0, -1.0]), "returns": torch.zeros(2)}
    ppo_loss(Judgement(logits, torch.zeros(2)), batch, config).backward()
    assert logits.grad.eq(0).all()


@pytest.mark.parametrize("double", [False, True])
def test_the_target_of_an_action_is_its_reward_and_what_follows_unless_it_fell(double):
    changes = {"kind": "dqn", "double": double, "gamma": 0.9}
    online, target = (build_model(**{**SMALL, **changes}).double() for _ in range(2))
    batch = {
        "rewards": torch.randn(16, dtype=torch.float64),
        "dones": torch.arange(16) % 3 == 0,
        "next_observations": torch.randn(16, 3, dtype=torch.float64),
    }
    found = td_targets(online, target, batch)
    assert not found.requires_grad
    for i in range(16):
        values = target(batch["next_observations"][i])
        chosen = (online if double else target)(batch["next_observations"][i]).argmax()
        following = 0.0 if batch["dones"][i] else 0.9 * values[chosen].item()
        assert found[i].item() == pytest.approx(batch["rewards"][i].item() + following)


def test_the_dqn_loss_is_huber_at_the_action_taken():
    values = torch.tensor([[0.0, 5.0], [1.0, 9.0]], requires_grad=True)
    batch = {"actions": torch.tensor([1, 0]), "td_targets": torch.tensor([2.0, 1.5])}
    loss = dqn_loss(values, batch)
    assert loss.item() == pytest.approx((3 - 0.5 + 0.125) / 2)
    loss.backward()
    torch.testing.assert_close(values.grad, torch.tensor([[0.0, 0.5], [-0.25, 0.0]]))


def test_actions_are_drawn_from_the_policy():
    model = build_model(**{**SMALL, "num_observations": 1, "num_actions": 3})
    with torch.no_grad():
        model.policy[-1].weight.zero_()
        model.policy[-1].bias.copy_(torch.tensor([0.1, 0.2, 0.7]).log())
    actions = model.act(torch.zeros(4000, 1))
    assert ((actions.bincount() / 4000) - torch.tensor([0.1, 0.2, 0.7])).abs().max() < 0.03


def test_the_best_action_is_taken_except_by_chance():
    model = build_model(**{**SMALL, "kind": "dqn"})
    x = torch.randn(4000, 3)
    best = model(x).argmax(1)
    assert torch.equal(model.act(x), best)
    taken = model.act(x, epsilon=0.4)
    assert (taken != best).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert (model.act(x, epsilon=1.0).bincount(minlength=4) / 4000 - 0.25).abs().max() < 0.04


@pytest.mark.parametrize("kind", ["ppo", "dqn"])
def test_acting_keeps_no_graph_and_the_networks_pass_gradients_to_the_states(kind):
    model, watched = build_model(**{**SMALL, "kind": kind}), []
    network = model.q if kind == "dqn" else model.policy
    network.register_forward_hook(lambda *_: watched.append(torch.is_grad_enabled()))
    model.act(torch.randn(2, 3))
    assert watched == [False]
    states = torch.randn(2, 3, requires_grad=True)
    output = model(states)
    parts = [output] if kind == "dqn" else [output.logits, output.values]
    for part in parts:
        (grad,) = torch.autograd.grad(part.square().sum(), states, retain_graph=True)
        assert grad.ne(0).any(1).all()
