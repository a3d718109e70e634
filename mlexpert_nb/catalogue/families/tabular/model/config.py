"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: N columns of numbers, C columns of categories, S categories in all of them, E width of a
category, D width, F hidden width of a layer, L layers, O outputs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import get_origin


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        kind: "ft_transformer" makes a token of each column, "resnet" reads the row as one vector.
        task: "classification" gives the logits of `num_outputs` classes, "regression" that many numbers.
        num_features: Columns of numbers.
        cardinalities: Categories of each column of categories, which are counted from 0.
        num_outputs: Classes, or numbers to predict.
        hidden_size: Width of a token, or of the row's vector.
        num_layers: Layers.
        num_heads: Attention heads ("ft_transformer" only); divides `hidden_size`.
        ffn_size: Hidden width of a layer; a Transformer's gate takes as much again.
        embedding_size: Width of a category ("resnet" only).
        attention_dropout: Share of attention weights that training drops ("ft_transformer" only).
        ffn_dropout: Share of hidden activations of a layer that training drops.
        residual_dropout: Share of what a layer adds that training drops.
    """

    kind: str = "ft_transformer"
    task: str = "classification"
    num_features: int = 6
    cardinalities: tuple[int, ...] = (9, 16, 7, 15, 6, 5, 2, 42)
    num_outputs: int = 2
    hidden_size: int = 192
    num_layers: int = 3
    num_heads: int = 8
    ffn_size: int = 256
    embedding_size: int = 8
    attention_dropout: float = 0.2
    ffn_dropout: float = 0.1
    residual_dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            _require(getattr(self, key) in choices, key, getattr(self, key), f"must be one of {', '.join(choices)}")
        columns = self.cardinalities
        possible = all(type(each) is int and each > 0 for each in columns)
        _require(possible, "cardinalities", columns, "must be whole numbers of at least 1")
        _require(self.num_features + len(columns) > 0, "num_features", 0, "needs cardinalities: there is no column")
        if self.kind == "ft_transformer":
            rule = f"must divide hidden_size={self.hidden_size}"
            _require(self.hidden_size % self.num_heads == 0, "num_heads", self.num_heads, rule)
        if self.task == "classification":
            rule = "must be at least 2 where task='classification': one output for each class"
            _require(self.num_outputs > 1, "num_outputs", self.num_outputs, rule)

    @property
    def num_columns(self) -> int:
        """Columns of the table, without the one that is predicted."""
        return self.num_features + len(self.cardinalities)


CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": ("ft_transformer", "resnet"),
    "task": ("classification", "regression"),
}
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("num_outputs", "hidden_size", "num_heads", "ffn_size", "embedding_size"), (1, 2**20)),
    "num_features": (0, 2**20),
    "num_layers": (1, 1000),
    **dict.fromkeys(("attention_dropout", "ffn_dropout", "residual_dropout"), (0.0, 0.99)),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    rows = _transformer_rows(config) if config.kind == "ft_transformer" else _resnet_rows(config)
    D, O = config.hidden_size, config.num_outputs
    return tuple((name, count) for name, count in (*rows, ("norm", 2 * D), ("head", D * O + O)) if count)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _transformer_rows(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    D, F, L = config.hidden_size, config.ffn_size, config.num_layers
    N, C, S = config.num_features, len(config.cardinalities), sum(config.cardinalities)
    return (
        ("tokens.class_token", D),
        ("tokens.weight", N * D),
        ("tokens.bias", (N + C) * D),
        ("tokens.categories", S * D),
        ("layers.*.norm_attention", (L - 1) * 2 * D),
        ("layers.*.attention", L * (4 * D * D + 4 * D)),
        ("layers.*.norm_ffn", L * 2 * D),
        ("layers.*.ffn", L * (2 * D * F + 2 * F + F * D + D)),
    )


def _resnet_rows(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    D, F, L, E = config.hidden_size, config.ffn_size, config.num_layers, config.embedding_size
    N, C, S = config.num_features, len(config.cardinalities), sum(config.cardinalities)
    return (
        ("categories", S * E),
        ("stem", (N + C * E) * D + D),
        ("layers.*.norm", L * 2 * D),
        ("layers.*.wide", L * (D * F + F)),
        ("layers.*.narrow", L * (F * D + D)),
    )


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (get_origin(kind) or kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
