"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: I inputs, D size of the state, M width within the equation, L its layers, C classes.
"""

from dataclasses import dataclass

METHODS = ("euler", "midpoint", "rk4", "dopri5")
GRADIENTS = ("backprop", "adjoint")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        in_features: Numbers in an example.
        num_classes: Classes that it tells apart.
        hidden_size: Size of the state that the equation moves.
        mlp_dim: Width between the layers of the equation.
        num_layers: Layers of the equation.
        end_time: The state moves from time 0 to this time.
        method: Solver: "euler", "midpoint" and "rk4" take equal steps, "dopri5" chooses them by their error.
        num_steps: Equal steps; "dopri5" does not use it.
        rtol: Error of a step of "dopri5" that is accepted, relative to the state.
        atol: The same, absolute.
        gradient: "backprop" goes back through the solver, "adjoint" solves a second equation and keeps no step.
    """

    in_features: int = 64
    num_classes: int = 10
    hidden_size: int = 256
    mlp_dim: int = 256
    num_layers: int = 3
    end_time: float = 1.0
    method: str = "rk4"
    num_steps: int = 4
    rtol: float = 1e-3
    atol: float = 1e-3
    gradient: str = "backprop"

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        least = {"in_features": 1, "hidden_size": 1, "mlp_dim": 1, "num_steps": 1, "num_layers": 2, "num_classes": 2}
        for key, smallest in least.items():
            if getattr(self, key) < smallest:
                raise ValueError(f"{key}={getattr(self, key)} must be at least {smallest}")
        for key in ("end_time", "rtol", "atol"):
            if getattr(self, key) <= 0:
                raise ValueError(f"{key}={getattr(self, key)} must be positive")
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r} must be one of {', '.join(METHODS)}")
        if self.gradient not in GRADIENTS:
            raise ValueError(f"gradient={self.gradient!r} must be one of {', '.join(GRADIENTS)}")
        if self.gradient == "adjoint" and self.method == "dopri5":
            raise ValueError("gradient='adjoint' takes equal steps back, which method='dopri5' has not; choose 'rk4'")


def count_parameters(config: ModelConfig) -> int:
    """Count all parameters without building the network."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; every layer of the equation has a weight for time and a bias."""
    D, M, L = config.hidden_size, config.mlp_dim, config.num_layers
    return (
        ("stem", (config.in_features + 1) * D),
        ("dynamics", (D + 2) * M + (L - 2) * (M + 2) * M + (M + 2) * D),
        ("head", (D + 1) * config.num_classes),
    )
