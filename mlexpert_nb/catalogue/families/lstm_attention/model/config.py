"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: E width of an embedding, H hidden size, L layers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        source_vocab_size: Different tokens that are read.
        target_vocab_size: Different tokens that are written.
        embedding_size: Width of an embedding.
        hidden_size: Width of the decoder; half of it for each direction of the encoder, so it is even.
        num_layers: LSTM layers of the encoder, and of the decoder.
        attention: "bahdanau" additive, before the step; "luong" by a matrix, after it; "dot" the same without matrix.
        input_feeding: Whether a step reads what the last one made of its attention; not with "bahdanau".
        dropout: Share of activations that training drops, after embeddings, between layers and before the output.
    """

    source_vocab_size: int = 8000
    target_vocab_size: int = 8000
    embedding_size: int = 256
    hidden_size: int = 512
    num_layers: int = 1
    attention: str = "bahdanau"
    input_feeding: bool = False
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        kinds = ", ".join(map(repr, ATTENTIONS))
        _require(self.attention in ATTENTIONS, "attention", self.attention, f"must be one of {kinds}")
        _require(self.hidden_size % 2 == 0, "hidden_size", self.hidden_size, "must be even: half for each direction")
        rule = "goes with attention='luong' or 'dot'; a step of 'bahdanau' reads its attention already"
        both = self.input_feeding and self.attention == "bahdanau"
        _require(not both, "input_feeding", self.input_feeding, rule)

    @property
    def reads_attention(self) -> bool:
        """Whether a step of the decoder reads an attention beside its token, so that steps follow one another."""
        return self.input_feeding or self.attention == "bahdanau"


ATTENTIONS = ("bahdanau", "luong", "dot")
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("source_vocab_size", "target_vocab_size"), (2, 2**31)),
    **dict.fromkeys(("embedding_size", "hidden_size"), (1, 2**20)),
    "num_layers": (1, 100),
    "dropout": (0.0, 0.99),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part."""
    E, H, L = config.embedding_size, config.hidden_size, config.num_layers
    read = E + H * config.reads_attention
    scores = {"bahdanau": 2 * H * H + H, "luong": H * H, "dot": 0}
    rows = (
        ("source_embedding", config.source_vocab_size * E),
        ("encoder", 2 * (_lstm(E, H // 2) + (L - 1) * _lstm(H, H // 2))),
        ("target_embedding", config.target_vocab_size * E),
        ("decoder", _lstm(read, H) + (L - 1) * _lstm(H, H)),
        ("attention", scores[config.attention]),
        ("combine", 2 * H * H + H),
        ("output", H * config.target_vocab_size + config.target_vocab_size),
    )
    return tuple((name, count) for name, count in rows if count)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _lstm(inputs: int, hidden: int) -> int:
    """Count a layer in one direction: four gates, each with weights for inputs and state, and two biases."""
    return 4 * hidden * (inputs + hidden + 2)


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
