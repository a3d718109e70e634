"""Configuration of the agent, checked when it is made, and its parameter count in closed form.

Letters of the count: O observations, D width, L hidden layers, A actions.
"""

from dataclasses import dataclass

KINDS = ("ppo", "dqn")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        kind: "ppo" learns a policy and a value, "dqn" the value of each action.
        num_observations: Numbers that describe a state.
        num_actions: Actions to choose from.
        hidden_size: Width of the hidden layers.
        num_layers: Hidden layers of each network.
        gamma: Discount of a later reward.
        gae_lambda: PPO: how far advantages look ahead; 0 is one step, 1 the whole episode.
        clip_range: PPO: how far the chance of an action may move in an update.
        value_weight: PPO: weight of the value's error.
        entropy_weight: PPO: weight of the policy's entropy.
        double: DQN: whether the online network chooses the action that the target network values.
    """

    kind: str = "ppo"
    num_observations: int = 4
    num_actions: int = 2
    hidden_size: int = 64
    num_layers: int = 2
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    value_weight: float = 0.5
    entropy_weight: float = 0.01
    double: bool = True

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}")
        least = {"num_observations": 1, "num_actions": 2, "hidden_size": 1, "num_layers": 1}
        for key, smallest in least.items():
            if getattr(self, key) < smallest:
                raise ValueError(f"{key}={getattr(self, key)} must be at least {smallest}")
        for key in ("gamma", "gae_lambda"):
            if not 0 <= getattr(self, key) <= 1:
                raise ValueError(f"{key}={getattr(self, key)} must be between 0 and 1")
        if not 0 < self.clip_range < 1:
            raise ValueError(f"clip_range={self.clip_range} must be above 0 and below 1")
        for key in ("value_weight", "entropy_weight"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key}={getattr(self, key)} must not be negative")


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters: L hidden layers of width D and a head, for each network."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each network."""
    if config.kind == "dqn":
        return (("q", _mlp(config, config.num_actions)),)
    return (("policy", _mlp(config, config.num_actions)), ("value", _mlp(config, 1)))


def _mlp(config: ModelConfig, num_outputs: int) -> int:
    D = config.hidden_size
    return (config.num_observations + 1) * D + (config.num_layers - 1) * (D + 1) * D + (D + 1) * num_outputs
