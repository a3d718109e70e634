"""Layers of the decoder: rotary positions, causal attention with a cache, SwiGLU, and the block of them.

Papers: Su et al. 2021, arXiv:2104.09864, eq. 34 (RoPE); Vaswani et al. 2017, arXiv:1706.03762, eq. 1 (attention);
Shazeer 2020, arXiv:2002.05202, eq. 6 (SwiGLU); Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4 (RMSNorm).
Shapes: B batch, T new tokens, S tokens seen so far with the new ones, D width, H heads, K channels of a head.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.config import ModelConfig

Cache = tuple[Tensor, Tensor]
"""Rotated keys and values of one layer, each `(B, H, S, K)`."""


def rope(x_BHTK: Tensor, start: int, theta: float) -> Tensor:
    """Rotate the pairs `(i, i + K/2)` of every head by angles that grow with the position.

    Args:
        x_BHTK: Queries or keys.
        start: Position of the first of them; with a cache, the number of tokens before.
        theta: Base of the frequencies.
    """
    T, K = x_BHTK.shape[-2:]
    wide = torch.promote_types(x_BHTK.dtype, torch.float32)  # bfloat16 cannot tell positions above 256 apart
    frequency_K = theta ** (-torch.arange(0, K, 2, device=x_BHTK.device, dtype=wide) / K)
    angle_TK = torch.arange(start, start + T, device=x_BHTK.device, dtype=wide)[:, None] * frequency_K
    cos_TK, sin_TK = angle_TK.cos(), angle_TK.sin()
    left, right = x_BHTK.to(wide).chunk(2, -1)
    return torch.cat([left * cos_TK - right * sin_TK, right * cos_TK + left * sin_TK], -1).to(x_BHTK.dtype)


class Attention(nn.Module):
    """Causal multi-head attention, `(B, T, D) -> (B, T, D)`; the cache goes in and comes out, never into the module."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads, self.theta = config.num_heads, config.rope_theta
        self.qkv = nn.Linear(config.dim, 3 * config.dim, bias=False)
        self.out = nn.Linear(config.dim, config.dim, bias=False)

    def forward(self, x_BTD: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """Attend to the cached tokens and to the new ones up to each."""
        start = 0 if cache is None else cache[0].shape[2]
        q, k, v = self.qkv(x_BTD).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k = rope(q, start, self.theta), rope(k, start, self.theta)
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        y_BHTK = F.scaled_dot_product_attention(q, k, v, attn_mask=_mask(q, start), is_causal=start == 0)
        return self.out(y_BHTK.transpose(1, 2).flatten(2)), (k, v)


class SwiGLU(nn.Module):
    """Gated feed-forward layer, `(B, T, D) -> (B, T, D)`; gate and up are one matrix, gate first."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.dim, 2 * config.hidden_dim, bias=False)
        self.down = nn.Linear(config.hidden_dim, config.dim, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Give `down(silu(gate) * up)`."""
        gate, up = self.gate_up(x_BTD).chunk(2, -1)
        return self.down(F.silu(gate) * up)


class Block(nn.Module):
    """One pre-norm block, `(B, T, D) -> (B, T, D)`: a residual attention, then a residual SwiGLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm_attention = nn.RMSNorm(config.dim, eps=config.norm_eps)
        self.attention = Attention(config)
        self.norm_feed_forward = nn.RMSNorm(config.dim, eps=config.norm_eps)
        self.feed_forward = SwiGLU(config)

    def forward(self, x_BTD: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """Give the new residual stream and the layer's cache after it."""
        y_BTD, cache = self.attention(self.norm_attention(x_BTD), cache)
        x_BTD = x_BTD + y_BTD
        return x_BTD + self.feed_forward(self.norm_feed_forward(x_BTD)), cache


def _mask(q_BHTK: Tensor, start: int) -> Tensor | None:
    """Give what each new token may see of a cache and of the new tokens; None where `is_causal` says it already."""
    T = q_BHTK.shape[2]
    if start == 0 or T == 1:  # a single new token sees everything
        return None
    return torch.ones(T, start + T, dtype=torch.bool, device=q_BHTK.device).tril(start)
