"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: D width, M hidden width of the MLP, L layers, P pixels of a patch times channels.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

OBJECTIVES = (
    "simclr",  # only objective=simclr
    "clip",  # only objective=clip
)


@dataclass(frozen=True, kw_only=True)
class TowerConfig:
    """Sizes of one Transformer."""

    hidden_size: int
    num_layers: int
    num_heads: int
    mlp_dim: int
    layer_norm_eps: float
    is_causal: bool = False  # whether a token sees only itself and those before it  # only objective=clip


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        objective: "simclr" compares two views of each image.  # only objective=simclr
        objective: "clip" compares images with texts.  # only objective=clip
        image_size: Height and width of an image, in pixels.
        patch_size: Height and width of a patch, in pixels; divides `image_size`.
        num_channels: Channels of an image.
        hidden_size: Width of a patch's token.
        num_layers: Layers that read an image.
        num_heads: Their attention heads; divides `hidden_size`.
        mlp_dim: Hidden width of their MLP.
        layer_norm_eps: Added to the variance in LayerNorm.
        proj_out_dim: Numbers in an embedding.  # only objective=simclr
        temperature: Divides similarities in the loss.  # only objective=simclr
        projection_dim: Numbers in an embedding, of an image or a text.  # only objective=clip
        initial_temperature: Divides similarities in the loss; learned from this start.  # only objective=clip
        vocab_size: Different tokens of a text; the last one ends it.  # only objective=clip
        context_length: Longest text, in tokens.  # only objective=clip
        text_hidden_size: Width of a token of a text.  # only objective=clip
        text_num_layers: Layers that read a text.  # only objective=clip
        text_num_heads: Their attention heads; divides `text_hidden_size`.  # only objective=clip
        text_mlp_dim: Hidden width of their MLP.  # only objective=clip
    """

    objective: str = "simclr"
    image_size: int = 224
    patch_size: int = 32
    num_channels: int = 3
    hidden_size: int = 256
    num_layers: int = 10
    num_heads: int = 4
    mlp_dim: int = 1024
    layer_norm_eps: float = 1e-5
    proj_out_dim: int = 128  # only objective=simclr
    temperature: float = 0.1  # only objective=simclr
    projection_dim: int = 512  # only objective=clip
    initial_temperature: float = 0.07  # only objective=clip
    vocab_size: int = 49408  # only objective=clip
    context_length: int = 77  # only objective=clip
    text_hidden_size: int = 256  # only objective=clip
    text_num_layers: int = 3  # only objective=clip
    text_num_heads: int = 4  # only objective=clip
    text_mlp_dim: int = 1024  # only objective=clip

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        names = ", ".join(map(repr, OBJECTIVES))
        _require(self.objective in OBJECTIVES, "objective", self.objective, f"must be one of {names}")
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        image, width, heads = self.image_size, self.hidden_size, self.num_heads
        _require(image % self.patch_size == 0, "patch_size", self.patch_size, f"must divide image_size={image}")
        _require(width % heads == 0, "num_heads", heads, f"must divide hidden_size={width}")
        wide, parts = self.text_hidden_size, self.text_num_heads  # only objective=clip
        rule = f"must divide text_hidden_size={wide}"  # only objective=clip
        _require(wide % parts == 0, "text_num_heads", parts, rule)  # only objective=clip

    @property
    def num_patches(self) -> int:
        """Patches of an image."""
        return (self.image_size // self.patch_size) ** 2

    @property  # only objective=clip
    def eos_token_id(self) -> int:  # only objective=clip
        """Token that ends a text: the last one of the vocabulary."""
        return self.vocab_size - 1

    @property
    def image_tower(self) -> TowerConfig:
        """Sizes of the Transformer that reads images."""
        return TowerConfig(
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            mlp_dim=self.mlp_dim,
            layer_norm_eps=self.layer_norm_eps,
        )

    @property  # only objective=clip
    def text_tower(self) -> TowerConfig:  # only objective=clip
        """Sizes of the Transformer that reads texts."""
        return TowerConfig(
            hidden_size=self.text_hidden_size,
            num_layers=self.text_num_layers,
            num_heads=self.text_num_heads,
            mlp_dim=self.text_mlp_dim,
            layer_norm_eps=self.layer_norm_eps,
            is_causal=True,
        )


BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("image_size", "patch_size", "num_channels", "hidden_size", "num_heads", "mlp_dim"), (1, 2**20)),
    "num_layers": (1, 1000),
    "layer_norm_eps": (1e-12, 1.0),
    "proj_out_dim": (2, 2**20),  # only objective=simclr
    "temperature": (1e-3, 1e3),  # only objective=simclr
    **dict.fromkeys(("text_hidden_size", "text_num_heads", "text_mlp_dim"), (1, 2**20)),  # only objective=clip
    "text_num_layers": (1, 1000),  # only objective=clip
    "projection_dim": (2, 2**20),  # only objective=clip
    "initial_temperature": (0.01, 1e3),  # only objective=clip
    "vocab_size": (3, 2**31),  # only objective=clip
    "context_length": (2, 2**20),  # only objective=clip
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every layer."""
    D, P = config.hidden_size, config.num_channels * config.patch_size**2
    heads = {
        "simclr": _simclr_rows,  # only objective=simclr
        "clip": _clip_rows,  # only objective=clip
    }
    return (
        ("image_tower.patch_embedding", P * D),
        ("image_tower.class_token", D),
        ("image_tower.position_embedding", (config.num_patches + 1) * D),
        ("image_tower.norm_before", 2 * D),
        *_layer_rows("image_tower", config.image_tower),
        *heads[config.objective](config),
    )


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _layer_rows(name: str, tower: TowerConfig) -> tuple[tuple[str, int], ...]:
    D, M, L = tower.hidden_size, tower.mlp_dim, tower.num_layers
    return (
        (f"{name}.layers.*.norm_attention", L * 2 * D),
        (f"{name}.layers.*.attention", L * (4 * D * D + 4 * D)),
        (f"{name}.layers.*.norm_mlp", L * 2 * D),
        (f"{name}.layers.*.mlp", L * (2 * D * M + M + D)),
        (f"{name}.norm", 2 * D),
    )


def _simclr_rows(config: ModelConfig) -> tuple[tuple[str, int], ...]:  # only objective=simclr
    D = config.hidden_size
    return (("projection", D * D + D * config.proj_out_dim),)


def _clip_rows(config: ModelConfig) -> tuple[tuple[str, int], ...]:  # only objective=clip
    D = config.text_hidden_size
    return (
        ("image_projection", config.hidden_size * config.projection_dim),
        ("text_tower.token_embedding", config.vocab_size * D),
        ("text_tower.position_embedding", config.context_length * D),
        *_layer_rows("text_tower", config.text_tower),
        ("text_projection", D * config.projection_dim),
        ("logit_scale", 1),
    )


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
