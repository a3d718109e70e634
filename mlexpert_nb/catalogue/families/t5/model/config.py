"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: D width, I width of all heads, F hidden width of the feed-forward layer, L layers of each stack.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        vocab_size: Different tokens, of source and target alike.
        d_model: Width of a token.
        d_kv: Width of an attention head; all heads together need not be as wide as a token.
        d_ff: Hidden width of the feed-forward layer.
        num_layers: Layers of the encoder, and of the decoder.
        num_heads: Attention heads.
        relative_attention_num_buckets: Different relative positions that are told apart; a multiple of 4.
        relative_attention_max_distance: Distance from which on all positions share a bucket.
        feed_forward: "relu" as in the paper, "gated-gelu" as in T5 1.1.
        tie_word_embeddings: Whether the embedding is the output matrix, as in the paper; not in T5 1.1.
        dropout: Share of activations, and of attention probabilities, that training drops.
        layer_norm_epsilon: Added to the mean square in RMSNorm.
    """

    vocab_size: int = 32128
    d_model: int = 256
    d_kv: int = 64
    d_ff: int = 1024
    num_layers: int = 4
    num_heads: int = 4
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    feed_forward: str = "relu"
    tie_word_embeddings: bool = True
    dropout: float = 0.1
    layer_norm_epsilon: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        kinds = ", ".join(map(repr, FEED_FORWARDS))
        _require(self.feed_forward in FEED_FORWARDS, "feed_forward", self.feed_forward, f"must be one of {kinds}")
        buckets, distance = self.relative_attention_num_buckets, self.relative_attention_max_distance
        _require(buckets % 4 == 0, "relative_attention_num_buckets", buckets, "must be a multiple of 4")
        rule = f"must exceed half of relative_attention_num_buckets={buckets}"
        _require(distance > buckets // 2, "relative_attention_max_distance", distance, rule)


FEED_FORWARDS = ("relu", "gated-gelu")
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("d_model", "d_kv", "d_ff", "num_heads"), (1, 2**20)),
    "vocab_size": (2, 2**31),
    "num_layers": (1, 1000),
    "relative_attention_num_buckets": (4, 2**20),
    "relative_attention_max_distance": (3, 2**31),
    "dropout": (0.0, 0.99),
    "layer_norm_epsilon": (1e-12, 1.0),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    D, I, L = config.d_model, config.num_heads * config.d_kv, config.num_layers
    feed_forward = (3 if config.feed_forward == "gated-gelu" else 2) * D * config.d_ff
    positions = config.relative_attention_num_buckets * config.num_heads
    rows = (
        ("embedding", config.vocab_size * D),
        ("encoder.position_bias", positions),
        ("encoder.layers.*.attention", L * (D + 4 * D * I)),
        ("encoder.layers.*.feed_forward", L * (D + feed_forward)),
        ("encoder.norm", D),
        ("decoder.position_bias", positions),
        ("decoder.layers.*.attention", L * (D + 4 * D * I)),
        ("decoder.layers.*.cross_attention", L * (D + 4 * D * I)),
        ("decoder.layers.*.feed_forward", L * (D + feed_forward)),
        ("decoder.norm", D),
        ("output", 0 if config.tie_word_embeddings else config.vocab_size * D),
    )
    return tuple((name, count) for name, count in rows if count)


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
