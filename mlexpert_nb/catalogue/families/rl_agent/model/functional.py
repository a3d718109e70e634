"""The agent as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, O observations, A actions.
"""

import torch
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.rl_agent.model.agent import ActorCritic, dqn_loss, ppo_loss
from mlexpert_nb.catalogue.families.rl_agent.model.config import ModelConfig

CLAIMS = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random `observations` (B, O), and what was done there and what came of it."""
    generator = torch.Generator().manual_seed(seed)
    observations_BO = torch.randn(batch_size, config.num_observations, generator=generator)
    actions_B = torch.randint(config.num_actions, (batch_size,), generator=generator)
    returns_B, advantages_B = torch.randn(2, batch_size, generator=generator).unbind()
    if config.kind == "dqn":
        return {"observations": observations_BO}, {"actions": actions_B, "td_targets": returns_B + 3}
    uniform_B = torch.full((batch_size,), 1 / config.num_actions).log()
    targets = {"actions": actions_B, "old_log_probs": uniform_B, "advantages": advantages_B, "returns": returns_B + 3}
    return {"observations": observations_BO}, targets


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the loss of the agent's kind."""
    output = module(**inputs)
    if isinstance(module, ActorCritic):
        return ppo_loss(output, targets, module.config)
    return dqn_loss(output, targets)
