"""PPO and DQN: networks, losses and advantages of two agents, with CartPole to try them on."""

from mlexpert_nb.catalogue.families.rl_agent.model.agent import (
    ActorCritic,
    QNetwork,
    advantages,
    build_model,
    dqn_loss,
    ppo_loss,
    td_targets,
)
from mlexpert_nb.catalogue.families.rl_agent.model.cartpole import CartPole
from mlexpert_nb.catalogue.families.rl_agent.model.config import ModelConfig, count_parameters, parameter_table

__all__ = [
    "ActorCritic",
    "CartPole",
    "ModelConfig",
    "QNetwork",
    "advantages",
    "build_model",
    "count_parameters",
    "dqn_loss",
    "parameter_table",
    "ppo_loss",
    "td_targets",
]
