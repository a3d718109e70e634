"""DETR: a transformer that detects objects as a set, with learned queries and no anchors.

Paper: Carion et al. 2020, "End-to-End Object Detection with Transformers", arXiv:2005.12872; section 3.2 and appendix
A.3 and A.4 (architecture). The convolutional backbone is a small one of its own, with the residual of He et al. 2015,
arXiv:1512.03385, eq. 1.

    attention(q + p_q, k + p_k, v)     positions join queries and keys, never values      `EncoderLayer`, `DecoderLayer`
    x <- LN(x + sublayer(x))           after each sublayer, as in Vaswani et al. 2017, arXiv:1706.03762
    p = [sin(y / f), cos(y / f); sin(x / f), cos(x / f)]     y, x from 0 to 2 pi           `sine_positions`
    box = sigmoid(MLP(LN(x)))          centre, width, height in units of the image         `DETR.forward`

Queries start at zero, where self-attention has nothing to mix: the first decoder layer goes without (appendix A.3).
Shapes: B batch, C channels, H height, W width, S places of the feature map, D width, Q queries, K classes with "no
object", which is the last, L decoder layers.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.detr.model.config import GROUPS, ModelConfig

TEMPERATURE = 10_000  # of the slowest wave against the fastest
EPSILON = 1e-6  # of the positions in the authors' code: the last place lies just below a whole turn


@dataclass(frozen=True)
class Detections:
    """What the queries found.

    Attributes:
        logits: Classes of each query, (B, Q, K); the last one is "no object".
        boxes: Boxes of each query, (B, Q, 4): centre x, centre y, width, height, in units of the image.
        early_logits: The same after each decoder layer but the last, (B, L - 1, Q, K); they are trained too.
        early_boxes: Their boxes, (B, L - 1, Q, 4).
    """

    logits: Tensor
    boxes: Tensor
    early_logits: Tensor
    early_boxes: Tensor


class DETR(nn.Module):
    """Object detector, `(B, C, H, W) -> Detections`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        widths, dim = (config.num_channels, *config.backbone_channels), config.hidden_size
        self.backbone = nn.Sequential(*(Stage(low, high) for low, high in pairwise(widths)))
        self.projection = nn.Conv2d(widths[-1], dim, 1)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.queries = nn.Parameter(torch.empty(config.num_queries, dim))
        self.decoder = nn.ModuleList(DecoderLayer(config, is_first=i == 0) for i in range(config.decoder_layers))
        self.norm = nn.LayerNorm(dim)
        self.class_head = nn.Linear(dim, config.num_classes + 1)
        self.box_head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 4))
        nn.init.normal_(self.queries)

    def forward(self, pixel_values: Tensor) -> Detections:
        """Detect the objects in images (B, C, H, W)."""
        x_BDHW = self.projection(self.backbone(pixel_values))
        places_SD = sine_positions(x_BDHW)
        memory_BSD = x_BDHW.flatten(2).transpose(1, 2)
        for layer in self.encoder:
            memory_BSD = layer(memory_BSD, places_SD)
        x_BQD = self.queries.new_zeros(len(memory_BSD), *self.queries.shape)
        found = []
        for layer in self.decoder:
            x_BQD = layer(x_BQD, self.queries, memory_BSD, memory_BSD + places_SD)
            found.append(self.norm(x_BQD))
        x_BLQD = torch.stack(found, dim=1)
        logits_BLQK, boxes_BLQ4 = self.class_head(x_BLQD), self.box_head(x_BLQD).sigmoid()
        return Detections(logits_BLQK[:, -1], boxes_BLQ4[:, -1], logits_BLQK[:, :-1], boxes_BLQ4[:, :-1])


class Stage(nn.Module):
    """Halve height and width, then refine: `(B, C, H, W) -> (B, C', H / 2, W / 2)`."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1, bias=False)
        self.norm_down = nn.GroupNorm(GROUPS, out_channels)
        self.refine = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm_refine = nn.GroupNorm(GROUPS, out_channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Run two convolutions, the second one beside a residual."""
        x_BCHW = F.relu(self.norm_down(self.down(x_BCHW)))
        return F.relu(x_BCHW + self.norm_refine(self.refine(x_BCHW)))


class EncoderLayer(nn.Module):
    """Let the places of an image read each other, `(B, S, D) -> (B, S, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = _attention(config)
        self.norm_attention = nn.LayerNorm(config.hidden_size)
        self.mlp = _mlp(config)
        self.norm_mlp = nn.LayerNorm(config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BSD: Tensor, places_SD: Tensor) -> Tensor:
        """Mix the places, then the features of each."""
        placed_BSD = x_BSD + places_SD
        mixed_BSD = self.attention(placed_BSD, placed_BSD, x_BSD, need_weights=False)[0]
        x_BSD = self.norm_attention(x_BSD + self.dropout(mixed_BSD))
        return self.norm_mlp(x_BSD + self.dropout(self.mlp(x_BSD)))


class DecoderLayer(nn.Module):
    """Let the queries read each other, then the image, `(B, Q, D) -> (B, Q, D)`."""

    def __init__(self, config: ModelConfig, *, is_first: bool) -> None:
        super().__init__()
        self.self_attention = None if is_first else _attention(config)
        self.norm_self = None if is_first else nn.LayerNorm(config.hidden_size)
        self.cross_attention = _attention(config)
        self.norm_cross = nn.LayerNorm(config.hidden_size)
        self.mlp = _mlp(config)
        self.norm_mlp = nn.LayerNorm(config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BQD: Tensor, queries_QD: Tensor, memory_BSD: Tensor, placed_BSD: Tensor) -> Tensor:
        """Read from the encoded image; `placed_BSD` is the image with its positions, which only the keys carry."""
        if self.self_attention is not None and self.norm_self is not None:
            asked_BQD = x_BQD + queries_QD
            mixed_BQD = self.self_attention(asked_BQD, asked_BQD, x_BQD, need_weights=False)[0]
            x_BQD = self.norm_self(x_BQD + self.dropout(mixed_BQD))
        read_BQD = self.cross_attention(x_BQD + queries_QD, placed_BSD, memory_BSD, need_weights=False)[0]
        x_BQD = self.norm_cross(x_BQD + self.dropout(read_BQD))
        return self.norm_mlp(x_BQD + self.dropout(self.mlp(x_BQD)))


def sine_positions(x_BDHW: Tensor) -> Tensor:
    """Encode the places of a feature map, row by row, (S, D): rows in the first half of D, columns in the second."""
    dim, height, width = x_BDHW.shape[1:]
    dtype = torch.promote_types(x_BDHW.dtype, torch.float32)
    half = dim // 2
    steps = torch.arange(half, dtype=dtype, device=x_BDHW.device)
    periods = TEMPERATURE ** (2 * (steps // 2) / half)

    def encoded(length: int) -> Tensor:
        places = torch.arange(1, length + 1, dtype=dtype, device=x_BDHW.device)
        angles = 2 * math.pi * places[:, None] / (length + EPSILON) / periods
        return torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], dim=2).flatten(1)

    rows_HWE = encoded(height)[:, None].expand(-1, width, -1)
    columns_HWE = encoded(width).expand(height, -1, -1)
    return torch.cat([rows_HWE, columns_HWE], dim=2).flatten(0, 1).to(x_BDHW.dtype)


def _attention(config: ModelConfig) -> nn.MultiheadAttention:
    return nn.MultiheadAttention(config.hidden_size, config.num_heads, dropout=config.dropout, batch_first=True)


def _mlp(config: ModelConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(config.hidden_size, config.ffn_dim),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.ffn_dim, config.hidden_size),
    )


def build_model(**config: Any) -> DETR:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return DETR(ModelConfig(**config))
