"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: L steps that are seen, H steps that are forecast, P steps of a patch, T patches, D width, F hidden
width of the feed-forward network, N layers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        kind: "patchtst" or its linear baseline "dlinear".
        num_channels: Series that run side by side; each is forecast from itself alone, by the same weights.
        context_length: Steps that are seen.
        prediction_length: Steps that are forecast.
        patch_length: Steps of a patch ("patchtst" only, as all below down to `head_dropout`).
        patch_stride: Steps from one patch to the next; divides `context_length - patch_length`.
        pad_end: Whether the last step is repeated until one more patch is full, as the authors do.
        hidden_size: Width of a token.
        num_layers: Encoder layers.
        num_heads: Attention heads; divides `hidden_size`.
        ffn_size: Hidden width of the feed-forward network in a layer.
        norm: "batch" normalises each number of a token over batch and patches, "layer" over the token.
        pre_norm: Whether a layer normalises what it reads, instead of what it gives as the authors do.
        dropout: Share of activations that training drops, after positions and every part of a layer.
        head_dropout: Share of the inputs of the last layer that training drops.
        instance_norm: Whether a series is scaled by its own mean and deviation, and its forecast scaled back.
        kernel_size: Steps of the moving average that is the trend ("dlinear" only); odd.
    """

    kind: str = "patchtst"
    num_channels: int = 7
    context_length: int = 336
    prediction_length: int = 96
    patch_length: int = 16
    patch_stride: int = 8
    pad_end: bool = True
    hidden_size: int = 128
    num_layers: int = 3
    num_heads: int = 16
    ffn_size: int = 256
    norm: str = "batch"
    pre_norm: bool = False
    dropout: float = 0.2
    head_dropout: float = 0.0
    instance_norm: bool = True
    kernel_size: int = 25

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            _require(getattr(self, key) in choices, key, getattr(self, key), f"must be one of {', '.join(choices)}")
        if self.kind == "dlinear":
            _require(self.kernel_size % 2 == 1, "kernel_size", self.kernel_size, "must be odd, to have a middle")
            return
        width, rest = self.hidden_size, self.context_length - self.patch_length
        _require(width % self.num_heads == 0, "num_heads", self.num_heads, f"must divide hidden_size={width}")
        rule = f"must be at most context_length={self.context_length}"
        _require(rest >= 0, "patch_length", self.patch_length, rule)
        rule = f"must divide context_length - patch_length = {rest}: no step may be lost"
        _require(rest % self.patch_stride == 0, "patch_stride", self.patch_stride, rule)

    @property
    def num_patches(self) -> int:
        """Patches of a series."""
        return (self.context_length - self.patch_length) // self.patch_stride + 1 + self.pad_end


CHOICES: Mapping[str, tuple[str, ...]] = {"kind": ("patchtst", "dlinear"), "norm": ("batch", "layer")}
_LENGTHS = ("context_length", "prediction_length", "patch_length", "patch_stride", "kernel_size")
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("num_channels", *_LENGTHS, "hidden_size", "num_heads", "ffn_size"), (1, 2**20)),
    "num_layers": (1, 1000),
    "dropout": (0.0, 0.99),
    "head_dropout": (0.0, 0.99),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    L, H = config.context_length, config.prediction_length
    if config.kind == "dlinear":
        return (("core.trend", L * H + H), ("core.season", L * H + H))
    D, F, N, T = config.hidden_size, config.ffn_size, config.num_layers, config.num_patches
    return (
        ("core.patch_embedding", config.patch_length * D + D),
        ("core.position_embedding", T * D),
        ("core.layers.*.attention", N * (4 * D * D + 4 * D)),
        ("core.layers.*.norm_attention", N * 2 * D),
        ("core.layers.*.ffn", N * (2 * D * F + F + D)),
        ("core.layers.*.norm_ffn", N * 2 * D),
        ("core.head", T * D * H + H),
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
