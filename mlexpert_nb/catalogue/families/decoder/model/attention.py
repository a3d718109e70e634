"""Causal attention, full or over a window: grouped heads, rotary positions or ALiBi, a cache of keys and values.

Papers: Vaswani et al. 2017, arXiv:1706.03762, eq. 1 (attention); Su et al. 2021, arXiv:2104.09864, eq. 34 (RoPE); Press
et al. 2021, arXiv:2108.12409, sec. 3 (ALiBi); Ainslie et al. 2023, arXiv:2305.13245 (grouped heads); Jiang et al. 2023,
arXiv:2310.06825, sec. 2 (sliding window; w counts the token itself).
Shapes: B batch, T new tokens, P remembered tokens, S = P + T, D width, H heads, G key/value heads, K head size, w
window, N blocks of w tokens.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig


class Cache(NamedTuple):
    """What attention remembers of a stream: keys, already turned, and values, both (B, G, P, K)."""

    k: Tensor
    v: Tensor


class Attention(nn.Module):
    """softmax(q k' / sqrt(K)) v over the past, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads, self.num_kv_heads, self.head_dim = config.num_heads, config.num_kv_heads, config.head_dim
        self.window = config.window
        self.theta = config.rope_theta if config.position == "rope" else None
        self.has_alibi = config.position == "alibi"
        width = (config.num_heads + 2 * config.num_kv_heads) * config.head_dim
        self.qkv = nn.Linear(config.hidden_size, width, bias=config.bias)
        self.out = nn.Linear(config.hidden_size, config.hidden_size, bias=config.bias)

    def forward(self, x_BTD: Tensor, start: int, cache: Cache | None) -> tuple[Tensor, Cache]:
        """Attend from tokens at positions `start` on; give the output and the cache after them."""
        heads_BhTK = self.qkv(x_BTD).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        num_turned = self.num_heads + self.num_kv_heads
        qk_BhTK, v_BGTK = heads_BhTK.split([num_turned, self.num_kv_heads], 1)
        if self.theta is not None:
            qk_BhTK = turn(qk_BhTK, start, self.theta)
        q_BHTK, k_BGTK = qk_BhTK.split([self.num_heads, self.num_kv_heads], 1)
        if cache is not None:
            k_BGTK, v_BGTK = torch.cat([cache.k, k_BGTK], 2), torch.cat([cache.v, v_BGTK], 2)
        y_BHTK = self._attend(q_BHTK, k_BGTK, v_BGTK)
        kept = slice(-(self.window - 1) if self.window > 1 else k_BGTK.shape[2] if self.window else None, None)
        after = Cache(k_BGTK[:, :, kept], v_BGTK[:, :, kept])
        return self.out(y_BHTK.transpose(1, 2).flatten(2)), after

    def _attend(self, q_BHTK: Tensor, k_BGSK: Tensor, v_BGSK: Tensor) -> Tensor:
        num_queries, num_keys = q_BHTK.shape[2], k_BGSK.shape[2]
        group = self.num_heads // self.num_kv_heads
        k_BHSK, v_BHSK = (each.repeat_interleave(group, 1) if group > 1 else each for each in (k_BGSK, v_BGSK))
        if self.has_alibi:
            bias = alibi(self.num_heads, num_queries, num_keys, self.window).to(q_BHTK)
            return F.scaled_dot_product_attention(q_BHTK, k_BHSK, v_BHSK, attn_mask=bias)
        if not self.window or num_keys <= self.window:
            if num_queries == num_keys:
                return F.scaled_dot_product_attention(q_BHTK, k_BHSK, v_BHSK, is_causal=True)
            mask = None if num_queries == 1 else visible(num_queries, num_keys, 0, q_BHTK.device)
            return F.scaled_dot_product_attention(q_BHTK, k_BHSK, v_BHSK, attn_mask=mask)
        if num_queries == num_keys and num_keys > 2 * self.window:
            return banded(q_BHTK, k_BHSK, v_BHSK, self.window)
        mask = visible(num_queries, num_keys, self.window, q_BHTK.device)
        return F.scaled_dot_product_attention(q_BHTK, k_BHSK, v_BHSK, attn_mask=mask)


def turn(x_BhTK: Tensor, start: int, theta: float) -> Tensor:
    """Turn channel i with channel i + K/2 by the angle `position * theta**(-2i/K)`."""
    half = x_BhTK.shape[-1] // 2
    dtype = torch.promote_types(x_BhTK.dtype, torch.float32)
    position_T = torch.arange(start, start + x_BhTK.shape[2], device=x_BhTK.device, dtype=dtype)
    rate_F = theta ** (-torch.arange(half, device=x_BhTK.device, dtype=dtype) / half)
    angle_TF = torch.outer(position_T, rate_F)
    cos_TK = angle_TF.cos().repeat(1, 2).to(x_BhTK.dtype)
    sin_TK = angle_TF.sin().repeat(1, 2).to(x_BhTK.dtype)
    a, b = x_BhTK.chunk(2, -1)
    return x_BhTK * cos_TK + torch.cat([-b, a], -1) * sin_TK


def visible(num_queries: int, num_keys: int, window: int, device: torch.device) -> Tensor:
    """Say which keys the last queries see, (T, S): the past, and of it the last `window` tokens if there is one."""
    key_S = torch.arange(num_keys, device=device)
    distance_TS = key_S[num_keys - num_queries :, None] - key_S
    return (distance_TS >= 0) & (distance_TS < window) if window else distance_TS >= 0


def alibi(num_heads: int, num_queries: int, num_keys: int, window: int) -> Tensor:
    """Give what is added to the scores, (H, T, S): minus a slope times the distance, minus infinity out of sight.

    The slopes fall from `2**(-8/H)` to `2**-8` in equal ratios.
    """
    slope_H = 2.0 ** (-8.0 * torch.arange(1, num_heads + 1) / num_heads)
    key_S = torch.arange(num_keys)
    distance_TS = key_S[num_keys - num_queries :, None] - key_S
    seen_TS = visible(num_queries, num_keys, window, key_S.device)
    return (-slope_H[:, None, None] * distance_TS).masked_fill(~seen_TS, -torch.inf)


def banded(q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor, window: int) -> Tensor:
    """Attend over a window in work that grows with T w: w queries meet their own w keys and the w before."""
    length = q_BHTK.shape[2]
    padding = -length % window
    q, k, v = (F.pad(each, (0, 0, 0, padding)).unflatten(2, (-1, window)) for each in (q_BHTK, k_BHTK, v_BHTK))
    k, v = (torch.cat([F.pad(each, (0, 0, 0, 0, 1, 0))[:, :, :-1], each], 3) for each in (k, v))
    mask_NTS = visible(window, 2 * window, window, q.device).repeat(q.shape[2], 1, 1)
    mask_NTS[0, :, :window] = False  # nothing comes before the first block
    y = F.scaled_dot_product_attention(
        q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask_NTS[:, None]
    )
    return y.transpose(1, 2).flatten(2, 3)[:, :, :length]
