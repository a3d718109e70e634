"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: D width, M hidden width of the MLP, P patch size, C channels, T tokens, K classes, L layers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        image_size: Height and width of an image, in pixels.
        patch_size: Height and width of a patch, in pixels; divides `image_size`.
        num_channels: Channels of an image.
        num_classes: Classes.
        hidden_size: Width of a token.
        num_layers: Encoder layers.
        num_heads: Attention heads; divides `hidden_size`.
        mlp_dim: Hidden width of the MLP in a layer.
        dropout: Share of activations that training drops after every dense layer except queries, keys and values.
        pool: What is classified: "cls" an extra class token, "mean" the mean over the patches.
        layer_norm_eps: Added to the variance in LayerNorm.
    """

    image_size: int = 224
    patch_size: int = 16
    num_channels: int = 3
    num_classes: int = 1000
    hidden_size: int = 192
    num_layers: int = 12
    num_heads: int = 3
    mlp_dim: int = 768
    dropout: float = 0.0
    pool: str = "cls"
    layer_norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        _require(self.pool in POOLS, "pool", self.pool, f"must be one of {', '.join(map(repr, POOLS))}")
        image, width = self.image_size, self.hidden_size
        _require(image % self.patch_size == 0, "patch_size", self.patch_size, f"must divide image_size={image}")
        _require(width % self.num_heads == 0, "num_heads", self.num_heads, f"must divide hidden_size={width}")

    @property
    def num_patches(self) -> int:
        """Patches of an image."""
        return (self.image_size // self.patch_size) ** 2

    @property
    def num_tokens(self) -> int:
        """Tokens that the encoder sees: the patches, and the class token if there is one."""
        return self.num_patches + (self.pool == "cls")


POOLS = ("cls", "mean")
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("image_size", "patch_size", "num_channels", "hidden_size", "num_heads", "mlp_dim"), (1, 2**20)),
    "num_layers": (1, 1000),
    "num_classes": (2, 2**31),
    "dropout": (0.0, 0.99),
    "layer_norm_eps": (1e-12, 1.0),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    D, M, L = config.hidden_size, config.mlp_dim, config.num_layers
    pixels = config.num_channels * config.patch_size**2
    rows = (
        ("patch_embedding", pixels * D + D),
        ("class_token", D if config.pool == "cls" else 0),
        ("position_embedding", config.num_tokens * D),
        ("layers.*.norm_attention", L * 2 * D),
        ("layers.*.attention", L * (4 * D * D + 4 * D)),
        ("layers.*.norm_mlp", L * 2 * D),
        ("layers.*.mlp", L * (2 * D * M + M + D)),
        ("norm", 2 * D),
        ("head", D * config.num_classes + config.num_classes),
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
