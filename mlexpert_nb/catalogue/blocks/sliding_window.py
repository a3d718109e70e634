"""Causal sliding-window attention: rotary positions, grouped keys and values, persistent slots, streaming.

Papers: Beltagy et al. 2020, arXiv:2004.05150, sec. 3.1 (window); Su et al. 2021, arXiv:2104.09864, eq. 34 (RoPE);
Ainslie et al. 2023, arXiv:2305.13245 (grouped-query attention); Behrouz et al. 2025, arXiv:2501.00663, eq. 19 and 26
(persistent memory, here as key/value slots that are always visible and never rotated).

    attend(i) = persistent slots + { j : i - w < j <= i },    y_i = softmax(q_i k_j / sqrt(D)) v_j

The window w counts the query's own position. Work and memory are O(T w): queries go in blocks, and a block meets only
the keys that one of its queries may see.
Shapes: B batch, T new tokens, P remembered tokens, S = P + T, H query heads, G key/value heads, D head size, d width,
N persistent slots.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

QUERY_BLOCK = 64  # queries that share one slice of keys; 32 to 64 is fastest on a CPU


@dataclass(frozen=True, slots=True)
class AttentionShape:
    """Sizes of a sliding-window attention layer; `window` counts the token itself."""

    dim: int
    num_heads: int
    num_kv_heads: int
    window: int
    num_persist: int = 0
    rope_theta: float = 10_000.0


class WindowState(NamedTuple):
    """What attention remembers of a stream: the last `window - 1` rotated keys and values, and the position."""

    k_BGPD: Tensor
    v_BGPD: Tensor
    position: int


class SlidingWindowAttention(nn.Module):
    """Window attention without an output projection, `(B, T, d) -> (B, T, d)`."""

    def __init__(self, shape: AttentionShape) -> None:
        super().__init__()
        self.shape = shape
        self.head_dim = shape.dim // shape.num_heads
        self.qkv = nn.Linear(shape.dim, (shape.num_heads + 2 * shape.num_kv_heads) * self.head_dim, bias=False)
        slots = torch.randn(2, shape.num_kv_heads, shape.num_persist, self.head_dim)
        self.persistent_kv = nn.Parameter(slots * self.head_dim**-0.5) if shape.num_persist else None

    def forward(self, x_BTd: Tensor, state: WindowState | None = None) -> tuple[Tensor, WindowState]:
        """Attend over the window; pass the state on to go on where the last call stopped."""
        start, end = (state.position if state else 0), (state.position if state else 0) + x_BTd.shape[1]
        q_BHTD, k_BGTD, v_BGTD = self.project(x_BTd, torch.arange(start, end, device=x_BTd.device))
        k_BGSD = k_BGTD if state is None else torch.cat([state.k_BGPD, k_BGTD], 2)
        v_BGSD = v_BGTD if state is None else torch.cat([state.v_BGPD, v_BGTD], 2)
        keep = slice(max(k_BGSD.shape[2] - self.shape.window + 1, 0), None)
        after = WindowState(k_BGSD[:, :, keep].contiguous(), v_BGSD[:, :, keep].contiguous(), end)
        return self.attend(q_BHTD, k_BGSD, v_BGSD), after

    def project(self, x_BTd: Tensor, position_T: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give queries and keys, rotated to their positions, and values."""
        num_heads, num_kv_heads = self.shape.num_heads, self.shape.num_kv_heads
        heads_BhTD = self.qkv(x_BTd).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        qk_BhTD, v_BGTD = heads_BhTD.split([num_heads + num_kv_heads, num_kv_heads], 1)
        q_BHTD, k_BGTD = rotate(qk_BhTD, position_T, self.shape.rope_theta).split([num_heads, num_kv_heads], 1)
        return q_BHTD, k_BGTD, v_BGTD

    def attend(self, q_BHTD: Tensor, k_BGSD: Tensor, v_BGSD: Tensor) -> Tensor:
        """Read the window and the persistent slots, and join the heads to `(B, T, d)`."""
        o_BHTD = window_attention(q_BHTD, k_BGSD, v_BGSD, self.shape.window, persistent_kv=self.persistent_kv)
        return o_BHTD.transpose(1, 2).flatten(2)


def rotate(x_BHTD: Tensor, position_T: Tensor, theta: float) -> Tensor:
    """Rotate channel i with channel i + D/2 by the angle `position * theta**(-2i/D)`."""
    half = x_BHTD.shape[-1] // 2
    dtype = torch.promote_types(x_BHTD.dtype, torch.float32)
    steps = torch.arange(half, device=x_BHTD.device, dtype=dtype)
    angle_TF = torch.outer(position_T.to(dtype), theta ** (-steps / half))
    cos_TF, sin_TF = angle_TF.cos(), angle_TF.sin()
    a, b = x_BHTD.to(dtype).chunk(2, -1)
    return torch.cat([a * cos_TF - b * sin_TF, b * cos_TF + a * sin_TF], -1).to(x_BHTD.dtype)


def window_attention(
    q_BHTD: Tensor, k_BGSD: Tensor, v_BGSD: Tensor, window: int, *, persistent_kv: Tensor | None = None
) -> Tensor:
    """Attend from the last T of S positions over a causal window, plus the persistent slots `(2, G, N, D)`.

    At most `window - 1` keys may come before the first query.
    """
    num_kv_heads, head_dim = k_BGSD.shape[1], k_BGSD.shape[3]
    kv_2BGSD = torch.stack([k_BGSD, v_BGSD])
    slots_2GND = kv_2BGSD.new_empty(2, num_kv_heads, 0, head_dim) if persistent_kv is None else persistent_kv
    q_BGrTD = q_BHTD.unflatten(1, (num_kv_heads, -1))
    past, total = k_BGSD.shape[2] - q_BHTD.shape[2], k_BGSD.shape[2]
    if total <= max(2 * window, QUERY_BLOCK):
        return _attend_block(q_BGrTD, kv_2BGSD, slots_2GND, window).flatten(1, 2)
    first = _attend_block(q_BGrTD[..., :window, :], kv_2BGSD[..., : past + window, :], slots_2GND, window)
    rest = _attend_blocks(q_BGrTD[..., window:, :], kv_2BGSD[..., past + 1 :, :], slots_2GND, window)
    return torch.cat([first, rest], 3).flatten(1, 2)


def _attend_blocks(q_BGrTD: Tensor, kv_2BGSD: Tensor, slots_2GND: Tensor, window: int) -> Tensor:
    """Fold blocks of queries into the batch, each with its `window - 1 + QUERY_BLOCK` keys; S = T + window - 1."""
    batch, length = q_BGrTD.shape[0], q_BGrTD.shape[3]
    padding = (0, 0, 0, -length % QUERY_BLOCK)
    q = F.pad(q_BGrTD, padding).unflatten(3, (-1, QUERY_BLOCK)).movedim(3, 1).flatten(0, 1)
    kv = F.pad(kv_2BGSD, padding).unfold(3, window - 1 + QUERY_BLOCK, QUERY_BLOCK)
    kv = kv.movedim(3, 2).flatten(1, 2).transpose(-1, -2)
    o = _attend_block(q, kv, slots_2GND, window).unflatten(0, (batch, -1))
    return o.movedim(1, 3).flatten(3, 4)[..., :length, :]


def _attend_block(q_BGrTD: Tensor, kv_2BGSD: Tensor, slots_2GND: Tensor, window: int) -> Tensor:
    """Attend over one dense band; the r query heads of a group become rows, so keys and values are never repeated."""
    batch, num_slots = kv_2BGSD.shape[1], slots_2GND.shape[2]
    slots = slots_2GND.to(kv_2BGSD.dtype).unsqueeze(1).expand(-1, batch, -1, -1, -1)
    k, v = torch.cat([slots, kv_2BGSD], 3)
    mask_TS = _band(q_BGrTD.shape[3], kv_2BGSD.shape[3], window, device=q_BGrTD.device)
    mask = F.pad(mask_TS, (num_slots, 0), value=True).repeat(q_BGrTD.shape[2], 1)
    o = F.scaled_dot_product_attention(q_BGrTD.flatten(2, 3), k, v, attn_mask=mask)
    return o.unflatten(2, q_BGrTD.shape[2:4])


def _band(num_queries: int, num_keys: int, window: int, *, device: torch.device) -> Tensor:
    """Say which key each query sees; the queries are the last of the keys' positions."""
    query = torch.arange(num_keys - num_queries, num_keys, device=device).unsqueeze(1)
    key = torch.arange(num_keys, device=device)
    return (key <= query) & (key > query - window)
