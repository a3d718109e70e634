"""Configuration of the detector, checked when it is made, and its parameter count in closed form.

Letters of the count: D width, M hidden width of the MLP, Q queries, K classes with "no object".
"""

from dataclasses import dataclass
from itertools import pairwise

GROUPS = 8  # of a GroupNorm in the backbone
LEAST = {
    "image_size": 1,
    "num_channels": 1,
    "num_classes": 1,
    "num_queries": 1,
    "hidden_size": 4,
    "encoder_layers": 0,
    "decoder_layers": 1,
    "num_heads": 1,
    "ffn_dim": 1,
}


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        image_size: Height and width of the images that it is meant for, in pixels; other sizes run too.
        num_channels: Channels of an image.
        num_classes: Classes of objects; "no object" is one more.
        num_queries: Detections that an image gets, at least as many as it has objects.
        backbone_channels: Channels of each convolutional stage; every stage halves height and width.
        hidden_size: Width of a token.
        encoder_layers: Layers that mix the places of the image.
        decoder_layers: Layers in which the queries read them.
        num_heads: Attention heads; divides `hidden_size`.
        ffn_dim: Hidden width of the MLP in a layer.
        dropout: Share of activations that training drops in every layer of the transformer.
        no_object_weight: Weight of "no object" in the cross entropy, where most queries find nothing.
        l1_weight: Weight of the distance between boxes, in the loss and in the matching.
        giou_weight: Weight of the generalised overlap, in the loss and in the matching.
    """

    image_size: int = 64
    num_channels: int = 3
    num_classes: int = 10
    num_queries: int = 10
    backbone_channels: tuple[int, ...] = (32, 64, 128)
    hidden_size: int = 64
    encoder_layers: int = 2
    decoder_layers: int = 2
    num_heads: int = 4
    ffn_dim: int = 256
    dropout: float = 0.0
    no_object_weight: float = 0.1
    l1_weight: float = 5.0
    giou_weight: float = 2.0

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        for key, smallest in LEAST.items():
            value = getattr(self, key)
            if value < smallest:
                raise ValueError(f"{key}={value} must be at least {smallest}")
        channels = self.backbone_channels
        if not channels or any(each < 2 * GROUPS or each % GROUPS for each in channels):
            raise ValueError(
                f"backbone_channels={channels!r} must name a multiple of {GROUPS} above {GROUPS} for each stage"
            )
        if self.hidden_size % 4:
            raise ValueError(f"hidden_size={self.hidden_size} must be a multiple of 4: sines and cosines of two axes")
        if self.hidden_size % self.num_heads:
            raise ValueError(f"num_heads={self.num_heads} must divide hidden_size={self.hidden_size}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must be at least 0 and below 1")
        for key in ("no_object_weight", "l1_weight", "giou_weight"):
            if getattr(self, key) <= 0:
                raise ValueError(f"{key}={getattr(self, key)} must be positive")


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every stage or layer."""
    D, M, Q, K = config.hidden_size, config.ffn_dim, config.num_queries, config.num_classes + 1
    widths = (config.num_channels, *config.backbone_channels)
    stages = sum(9 * (low * high + high * high) + 4 * high for low, high in pairwise(widths))
    norm, attention, mlp = 2 * D, 4 * D * D + 4 * D, 2 * D * M + M + D
    layers = config.decoder_layers
    return (
        ("backbone.*", stages),
        ("projection", (widths[-1] + 1) * D),
        ("encoder.*", config.encoder_layers * (attention + mlp + 2 * norm)),
        ("queries", Q * D),
        ("decoder.*", (2 * layers - 1) * (attention + norm) + layers * (mlp + norm)),
        ("norm", norm),
        ("class_head", (D + 1) * K),
        ("box_head", 2 * (D * D + D) + 4 * D + 4),
    )
