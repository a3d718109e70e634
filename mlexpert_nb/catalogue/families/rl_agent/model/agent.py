"""PPO and DQN: what the two agents compute, their losses, and advantages by GAE.

Papers: PPO, Schulman et al. 2017, arXiv:1707.06347, eq. 7 and 9 (`ppo_loss`); GAE, Schulman et al. 2015,
arXiv:1506.02438, eq. 16 (`advantages`); DQN, Mnih et al. 2013, arXiv:1312.5602, eq. 2; Double DQN, van Hasselt et al.
2015, arXiv:1509.06461, eq. 4 (`td_targets`).
Shapes: B batch, T steps, N environments, O observations, A actions.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.rl_agent.model.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an actor-critic makes of states: `logits` (B, A) of the actions, `values` (B,) of the states."""

    logits: Tensor
    values: Tensor


class ActorCritic(nn.Module):
    """Policy and value of PPO as two networks, `(B, O) -> (B, A), (B,)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.policy = _mlp(config, config.num_actions, nn.Tanh)
        self.value = _mlp(config, 1, nn.Tanh)
        _orthogonal(self.policy, head=0.01)  # the first policy is nearly uniform
        _orthogonal(self.value, head=1.0)

    def forward(self, observations: Tensor) -> Judgement:
        """Give the logits of the actions and the value of each state."""
        return Judgement(self.policy(observations), self.value(observations).squeeze(-1))

    @torch.no_grad()
    def act(self, observations: Tensor) -> Tensor:
        """Draw an action for each state from the policy."""
        return torch.distributions.Categorical(logits=self.policy(observations)).sample()


class QNetwork(nn.Module):
    """The value of each action, `(B, O) -> (B, A)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.q = _mlp(config, config.num_actions, nn.ReLU)

    def forward(self, observations: Tensor) -> Tensor:
        """Give the value of each action in each state."""
        return self.q(observations)

    @torch.no_grad()
    def act(self, observations: Tensor, epsilon: float = 0.0) -> Tensor:
        """Choose the best action of each state, or any with the chance epsilon."""
        best = self.q(observations).argmax(-1)
        chance = torch.rand(best.shape, device=best.device)
        return torch.where(chance < epsilon, torch.randint_like(best, self.config.num_actions), best)


def build_model(**config: Any) -> ActorCritic | QNetwork:
    """Build the agent's network; keys that are not given take the defaults of `ModelConfig`."""
    checked = ModelConfig(**config)
    return QNetwork(checked) if checked.kind == "dqn" else ActorCritic(checked)


def advantages(  # noqa: PLR0913 - the symbols of the paper
    rewards_TN: Tensor,
    values_TN: Tensor,
    dones_TN: Tensor,
    last_values_N: Tensor,
    *,
    gamma: float,
    gae_lambda: float,
) -> tuple[Tensor, Tensor]:
    """Estimate advantages and returns of a rollout (GAE eq. 16), both (T, N).

    Args:
        rewards_TN: Reward of each step.
        values_TN: Value of the state before it.
        dones_TN: Whether the episode ended with it: nothing after it counts.
        last_values_N: Value of the states after the last step.
        gamma: Discount of a later reward.
        gae_lambda: How far to look ahead.
    """
    found, later_N, next_N = [], torch.zeros_like(last_values_N), last_values_N
    steps = zip(rewards_TN.unbind(), values_TN.unbind(), dones_TN.unbind(), strict=True)
    for reward_N, value_N, done_N in reversed(list(steps)):
        goes_on_N = 1 - done_N.to(value_N.dtype)
        delta_N = reward_N + gamma * next_N * goes_on_N - value_N
        later_N = delta_N + gamma * gae_lambda * goes_on_N * later_N
        next_N = value_N
        found.append(later_N)
    advantages_TN = torch.stack(found[::-1])
    return advantages_TN, advantages_TN + values_TN


def ppo_loss(judged: Judgement, batch: dict[str, Tensor], config: ModelConfig) -> Tensor:
    """Give the clipped surrogate loss with value and entropy terms (PPO eq. 7 and 9).

    Args:
        judged: What the network makes of the states now.
        batch: `actions` (B,), `old_log_probs` (B,), `advantages` (B,) and `returns` (B,).
        config: Weights of the terms.
    """
    log_probs_BA = judged.logits.log_softmax(-1)
    log_probs_B = log_probs_BA.gather(1, batch["actions"][:, None]).squeeze(1)
    ratio_B = (log_probs_B - batch["old_log_probs"]).exp()
    clipped_B = ratio_B.clamp(1 - config.clip_range, 1 + config.clip_range)
    surrogate = torch.minimum(ratio_B * batch["advantages"], clipped_B * batch["advantages"]).mean()
    entropy = -(log_probs_BA.exp() * log_probs_BA).sum(-1).mean()
    value_error = F.mse_loss(judged.values, batch["returns"])
    return config.value_weight * value_error - surrogate - config.entropy_weight * entropy


@torch.no_grad()
def td_targets(online: QNetwork, target: QNetwork, batch: dict[str, Tensor]) -> Tensor:
    """Give what the values of the actions taken should be, (B,) (DQN eq. 2, Double DQN eq. 4).

    Args:
        online: The network that learns.
        target: An older copy of it.
        batch: `rewards` (B,), `dones` (B,) and `next_observations` (B, O).
    """
    next_BA = target(batch["next_observations"])
    chooser_BA = online(batch["next_observations"]) if online.config.double else next_BA
    next_B = next_BA.gather(1, chooser_BA.argmax(1, keepdim=True)).squeeze(1)
    return batch["rewards"] + online.config.gamma * (1 - batch["dones"].to(next_B.dtype)) * next_B


def dqn_loss(values_BA: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """Give the Huber loss of the values of the actions that were taken.

    Args:
        values_BA: Values of all actions.
        batch: `actions` (B,) and `td_targets` (B,).
    """
    taken_B = values_BA.gather(1, batch["actions"][:, None]).squeeze(1)
    return F.smooth_l1_loss(taken_B, batch["td_targets"])


def _mlp(config: ModelConfig, num_outputs: int, activation: type[nn.Module]) -> nn.Sequential:
    sizes = [config.num_observations, *[config.hidden_size] * config.num_layers]
    layers: list[nn.Module] = []
    for num_inputs, width in pairwise(sizes):
        layers += [nn.Linear(num_inputs, width), activation()]
    return nn.Sequential(*layers, nn.Linear(config.hidden_size, num_outputs))


def _orthogonal(network: nn.Sequential, head: float) -> None:
    """Draw orthogonal weights, small ones for the head, and biases of zero."""
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    for layer in layers:
        if not layer.weight.is_meta:  # a network that is only counted has no values to draw
            nn.init.orthogonal_(layer.weight, head if layer is layers[-1] else math.sqrt(2))
        nn.init.zeros_(layer.bias)
