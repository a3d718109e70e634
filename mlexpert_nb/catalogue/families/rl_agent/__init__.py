"""Agents that learn by acting: PPO and DQN."""

from mlexpert_nb.catalogue.families.rl_agent.entry import RL_AGENT

__all__ = ["RL_AGENT"]
