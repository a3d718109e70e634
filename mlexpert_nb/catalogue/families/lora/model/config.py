"""Configuration of the adapted network, checked when it is made, and its parameter count in closed form.

Letters of the count: I input features, D width, E = 4 D hidden features, L blocks, C classes, r rank.
"""

from dataclasses import dataclass

KINDS = ("lora", "dora")
TARGETS = ("fc1", "fc2", "stem", "head")
EXPANSION = 4  # hidden features of a block in units of its width


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        in_features: Numbers in an example.
        hidden_size: Width of the network that is adapted.
        num_layers: Its residual blocks.
        num_classes: Classes that it tells apart.
        kind: "lora" adds a low-rank matrix to each weight, "dora" also learns the length of its rows.
        rank: Rank of the matrix.
        alpha: Its scale is `alpha / rank`.
        dropout: Share of an adapter's inputs that is dropped in training.
        targets: Layers that get an adapter, among "fc1", "fc2", "stem" and "head"; everything else stays frozen.
    """

    in_features: int = 64
    hidden_size: int = 256
    num_layers: int = 4
    num_classes: int = 10
    kind: str = "lora"
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ("fc1", "fc2")

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        least = {"in_features": 1, "hidden_size": 1, "num_layers": 1, "rank": 1, "num_classes": 2}
        for key, smallest in least.items():
            if getattr(self, key) < smallest:
                raise ValueError(f"{key}={getattr(self, key)} must be at least {smallest}")
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}")
        if self.alpha <= 0:
            raise ValueError(f"alpha={self.alpha} must be positive, or the adapters do nothing")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must be at least 0 and below 1")
        unknown = [name for name in self.targets if name not in TARGETS]
        if unknown or not self.targets:
            raise ValueError(f"targets={self.targets!r} must name layers among {', '.join(TARGETS)}, at least one")
        narrowest = min(min(shape) for shape in _target_shapes(self))
        if self.rank > narrowest:
            raise ValueError(f"rank={self.rank} is above {narrowest}, the narrowest side of an adapted layer")


def count_parameters(config: ModelConfig) -> int:
    """Count all parameters, the frozen ones too."""
    return sum(count for _, count in parameter_table(config))


def count_trained(config: ModelConfig) -> int:
    """Count the parameters that training changes: those of the adapters."""
    return sum(_adapter(config, *shape) for shape in _target_shapes(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every block."""
    D, E = config.hidden_size, EXPANSION * config.hidden_size
    return (
        ("stem (frozen)", (config.in_features + 1) * D),
        ("blocks.* (frozen)", config.num_layers * (2 * D + (D + 1) * E + (E + 1) * D)),
        ("norm (frozen)", 2 * D),
        ("head (frozen)", (D + 1) * config.num_classes),
        ("adapters", count_trained(config)),
    )


def _target_shapes(config: ModelConfig) -> list[tuple[int, int]]:
    """Give (outputs, inputs) of every adapted layer."""
    D, E = config.hidden_size, EXPANSION * config.hidden_size
    every = {
        "stem": [(D, config.in_features)],
        "fc1": config.num_layers * [(E, D)],
        "fc2": config.num_layers * [(D, E)],
        "head": [(config.num_classes, D)],
    }
    return [shape for name in TARGETS if name in config.targets for shape in every[name]]


def _adapter(config: ModelConfig, num_outputs: int, num_inputs: int) -> int:
    magnitude = num_outputs if config.kind == "dora" else 0
    return config.rank * (num_inputs + num_outputs) + magnitude
