"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: D width, E inner width, N state size, R rank of the step size, K kernel, V vocabulary, L layers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        vocab_size: Different tokens.
        hidden_size: Width of a token.
        num_hidden_layers: Mamba blocks.
        intermediate_size: Inner width of a block: channels of the convolution and of the state space.
        state_size: Numbers that each channel remembers.
        conv_kernel: Tokens that the causal convolution sees.
        time_step_rank: Rank of the projection that gives the step size of each channel.
        time_step_min: Least step size at the start of training.
        time_step_max: Largest step size at the start of training.
        layer_norm_eps: Added to the mean square in RMSNorm.
    """

    vocab_size: int = 32000
    hidden_size: int = 256
    num_hidden_layers: int = 8
    intermediate_size: int = 512
    state_size: int = 16
    conv_kernel: int = 4
    time_step_rank: int = 16
    time_step_min: float = 0.001
    time_step_max: float = 0.1
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        least, most = self.time_step_min, self.time_step_max
        _require(least <= most, "time_step_min", least, f"must not exceed time_step_max={most}")


BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("hidden_size", "intermediate_size", "state_size", "time_step_rank"), (1, 2**20)),
    "vocab_size": (2, 2**31),
    "num_hidden_layers": (1, 1000),
    "conv_kernel": (1, 64),
    "time_step_min": (1e-4, 10.0),
    "time_step_max": (1e-4, 10.0),
    "layer_norm_eps": (1e-12, 1.0),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    D, E, L = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    N, R = config.state_size, config.time_step_rank
    return (
        ("embedding", config.vocab_size * D),
        ("layers.*.norm", L * D),
        ("layers.*.in_proj", L * 2 * D * E),
        ("layers.*.conv", L * (E * config.conv_kernel + E)),
        ("layers.*.x_proj", L * E * (R + 2 * N)),
        ("layers.*.dt_proj", L * (R * E + E)),
        ("layers.*.A_log", L * E * N),
        ("layers.*.D", L * E),
        ("layers.*.out_proj", L * E * D),
        ("norm", D),
    )


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
