"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: I features that enter a layer, O features that leave it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        layer: How a node reads its neighbours: "gcn", "gat" or "sage".
        in_features: Numbers that describe a node.
        hidden_size: Numbers that describe it between the layers; all heads together where there are heads.
        num_layers: Layers; a node sees the nodes that are as many steps away.
        num_classes: Classes.
        num_heads: Attention heads of the hidden layers, side by side ("gat" only); divides `hidden_size`.
        num_output_heads: Attention heads of the last layer, averaged ("gat" only).
        residual: Whether a hidden layer adds what it was given; needs a layer between two hidden ones.
        readout: How the nodes of a graph become one row where graphs are classified: "mean", "sum" or "max".
        dropout: Share of the inputs of a layer, and of its attention weights, that training drops.
    """

    layer: str = "gcn"
    in_features: int = 1433
    hidden_size: int = 16
    num_layers: int = 2
    num_classes: int = 7
    num_heads: int = 8
    num_output_heads: int = 1
    residual: bool = False
    readout: str = "mean"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            _require(getattr(self, key) in choices, key, getattr(self, key), f"must be one of {', '.join(choices)}")
        if self.layer == "gat":
            rule = f"must divide hidden_size={self.hidden_size}, which the heads share"
            _require(self.hidden_size % self.num_heads == 0, "num_heads", self.num_heads, rule)
        if self.residual:
            rule = f"needs num_layers of 3 or more, not {self.num_layers}: no layer keeps the width that it is given"
            _require(self.num_layers > MIN_OF_WIDTHS, "residual", self.residual, rule)

    @property
    def widths(self) -> tuple[int, ...]:
        """Features before the first layer, between the layers and after the last one."""
        return (self.in_features, *[self.hidden_size] * (self.num_layers - 1), self.num_classes)


CHOICES: Mapping[str, tuple[str, ...]] = {"layer": ("gcn", "gat", "sage"), "readout": ("mean", "sum", "max")}
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("in_features", "hidden_size", "num_heads", "num_output_heads"), (1, 2**20)),
    "num_layers": (1, 1000),
    "num_classes": (2, 2**20),
    "dropout": (0.0, 0.99),
}
MIN_OF_WIDTHS = 2  # layers that change the width: the first and the last


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each layer."""
    pairs = enumerate(pairwise(config.widths))
    return tuple((f"layers.{index}", _count(config, I, O, index)) for index, (I, O) in pairs)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _count(config: ModelConfig, I: int, O: int, index: int) -> int:
    """Count one layer: its matrix, its bias, and the second matrix or the attention vectors."""
    if config.layer == "gcn":
        return I * O + O
    if config.layer == "sage":
        return 2 * I * O + O
    wide = O * config.num_output_heads if index == config.num_layers - 1 else O
    return I * wide + 2 * wide + O


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
