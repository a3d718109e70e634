"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: D width, M hidden width of the MLP, V vocabulary, P positions, L layers.
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
        num_hidden_layers: Encoder layers.
        num_attention_heads: Attention heads; divides `hidden_size`.
        intermediate_size: Hidden width of the MLP in a layer.
        max_position_embeddings: Longest sequence, in tokens.
        type_vocab_size: Kinds of segment, such as the first and the second sentence.
        mask_token_id: Token that stands where one was masked.
        dropout: Share of activations, and of attention probabilities, that training drops.
        layer_norm_eps: Added to the variance in LayerNorm.
    """

    vocab_size: int = 30522
    hidden_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    mask_token_id: int = 103
    dropout: float = 0.1
    layer_norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        width, heads = self.hidden_size, self.num_attention_heads
        _require(width % heads == 0, "num_attention_heads", heads, f"must divide hidden_size={width}")
        mask, tokens = self.mask_token_id, self.vocab_size
        _require(mask < tokens, "mask_token_id", mask, f"must be a token, less than vocab_size={tokens}")


BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("hidden_size", "num_attention_heads", "intermediate_size", "type_vocab_size"), (1, 2**20)),
    "vocab_size": (2, 2**31),
    "num_hidden_layers": (1, 1000),
    "max_position_embeddings": (2, 2**20),
    "mask_token_id": (0, 2**31),
    "dropout": (0.0, 0.99),
    "layer_norm_eps": (1e-15, 1.0),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    D, M, L = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    return (
        ("token_embedding", config.vocab_size * D),
        ("position_embedding", config.max_position_embeddings * D),
        ("type_embedding", config.type_vocab_size * D),
        ("norm", 2 * D),
        ("layers.*.attention", L * (4 * D * D + 4 * D)),
        ("layers.*.norm_attention", L * 2 * D),
        ("layers.*.mlp", L * (2 * D * M + M + D)),
        ("layers.*.norm_mlp", L * 2 * D),
        ("head.transform", D * D + D),
        ("head.norm", 2 * D),
        ("head.bias", config.vocab_size),
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
