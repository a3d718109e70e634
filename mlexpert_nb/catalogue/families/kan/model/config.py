"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: I inputs and O outputs of a layer, G intervals of the grid, k spline order, K = G + k bases.
"""

from dataclasses import dataclass
from itertools import pairwise

TASKS = ("classification", "regression")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        in_features: Numbers in an example.
        out_features: Classes, or numbers that a regression gives.
        hidden_size: Nodes between two layers.
        num_layers: Layers of edges.
        grid_size: Intervals G of the grid of every spline.
        spline_order: Degree k of the pieces of a spline; 3 is cubic.
        grid_limit: The grid reaches from `-grid_limit` to `grid_limit`; scale the inputs to lie within.
        task: What the loss is for: "classification" or "regression".
    """

    in_features: int = 784
    out_features: int = 10
    hidden_size: int = 64
    num_layers: int = 2
    grid_size: int = 5
    spline_order: int = 3
    grid_limit: float = 1.0
    task: str = "classification"

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        for key in ("in_features", "out_features", "hidden_size", "num_layers", "grid_size", "spline_order"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key}={getattr(self, key)} must be at least 1")
        if self.grid_limit <= 0:
            raise ValueError(f"grid_limit={self.grid_limit} must be positive, or the grid is empty")
        if self.task not in TASKS:
            raise ValueError(f"task={self.task!r} must be one of {', '.join(TASKS)}")
        if self.task == "classification" and self.out_features == 1:
            raise ValueError("out_features=1 leaves task='classification' nothing to choose; ask for 2 or more")

    @property
    def widths(self) -> tuple[int, ...]:
        """Nodes before, between and after the layers."""
        return (self.in_features, *[self.hidden_size] * (self.num_layers - 1), self.out_features)

    @property
    def num_bases(self) -> int:
        """B-splines that a curve is made of."""
        return self.grid_size + self.spline_order


def count_parameters(config: ModelConfig) -> int:
    """Count all parameters without building the network."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part: one SiLU weight and K spline coefficients on each of the I O edges."""
    pairs = enumerate(pairwise(config.widths))
    return tuple((f"layers.{index}", num_in * num_out * (1 + config.num_bases)) for index, (num_in, num_out) in pairs)
