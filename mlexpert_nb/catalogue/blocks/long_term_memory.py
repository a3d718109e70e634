"""Neural long-term memory: a network whose weights are the memory, written by gradient descent while it reads.

Paper: Behrouz, Zhong & Mirrokni 2025 (Titans), arXiv:2501.00663, eq. 8 to 16 and sec. 4.4 (convolution, normalisation).

    q, k, v = SiLU(conv(x W)),  q and k of length 1;  alpha = sigmoid(a), eta = sigmoid(h), theta = theta_max sigmoid(r)

The write rule is in `Writes` and the functions around it. The initial weights are learnable; rows of a batch share
nothing, and a call without a state starts fresh and leaves no trace in the module.
Shapes: B batch, T tokens, d width, H memory heads, G = B H, D memory head size, K taps, C = 3 H D channels.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.blocks.memory_rule import (
    MIN_LOG,
    ChunkState,
    Writes,
    chunk_memory,
    linear_memory,
)

FORGET_BIAS = -6.0  # sigmoid(-6) = 0.0025: a new memory hardly forgets
CONV_STD = 0.02


@dataclass(frozen=True, slots=True)
class MemoryShape:
    """Sizes and rule of a long-term memory.

    Attributes:
        dim: Width of the network around it.
        num_heads: Independent memories side by side.
        head_dim: Size of keys and values.
        depth: 1 is a matrix, 2 a two-layer network.
        expand: Hidden size of the two-layer network, in units of `head_dim`.
        chunk: Tokens that are written together; a matter of speed only when the rule is exact.
        is_exact: Whether a matrix memory takes true per-token errors.
        theta_max: Upper bound of the inner learning rate.
        conv_kernel: Taps of the causal convolution.
    """

    dim: int
    num_heads: int
    head_dim: int
    depth: int = 1
    expand: int = 2
    chunk: int = 64
    is_exact: bool = True
    theta_max: float = 0.1
    conv_kernel: int = 4


class MemoryState(NamedTuple):
    """What the layer carries on: the last K - 1 inputs of the convolution, and the memory itself."""

    tail_BKC: Tensor
    memory: ChunkState


class LongTermMemory(nn.Module):
    """Memory layer, `(B, T, d) -> (B, T, d)`: writes each token, then reads it back."""

    def __init__(self, shape: MemoryShape) -> None:
        super().__init__()
        self.shape = shape
        inner = shape.num_heads * shape.head_dim
        self.qkv = nn.Linear(shape.dim, 3 * inner, bias=False)
        self.conv = nn.Parameter(CONV_STD * torch.randn(3 * inner, 1, 1, shape.conv_kernel))
        self.gates = nn.Linear(shape.dim, 3 * shape.num_heads)
        self.initial = nn.ParameterList(_initial_weights(shape))
        self.out = nn.Identity() if inner == shape.dim else nn.Linear(inner, shape.dim, bias=False)
        with torch.no_grad():
            self.conv[..., -1] += 1.0
            self.gates.bias.view(3, -1)[0] = FORGET_BIAS
            self.gates.bias.view(3, -1)[1:] = 0.0

    def forward(self, x_BTd: Tensor, state: MemoryState | None = None) -> tuple[Tensor, MemoryState]:
        """Write and read the tokens in order; pass the state on to go on where the last call stopped."""
        qkv_BTC, tail_BKC = self._mix(x_BTd, state)
        memory = state.memory if state else self._fresh(x_BTd)
        o_GTD, memory = self._write(self._writes(x_BTd, qkv_BTC), memory)
        o_BHTD = o_GTD.unflatten(0, (x_BTd.shape[0], -1)).to(x_BTd.dtype)
        return self.out(o_BHTD.transpose(1, 2).flatten(2)), MemoryState(tail_BKC, memory)

    def _mix(self, x_BTd: Tensor, state: MemoryState | None) -> tuple[Tensor, Tensor]:
        """Project to queries, keys and values and mix the last K tokens; a depthwise conv2d is fastest on a CPU."""
        qkv_BTC = self.qkv(x_BTd)
        batch, length, channels = qkv_BTC.shape
        tail_BKC = state.tail_BKC if state else qkv_BTC.new_zeros(batch, self.shape.conv_kernel - 1, channels)
        padded_BTC = torch.cat([tail_BKC, qkv_BTC], 1)
        mixed_BC1T = F.conv2d(padded_BTC.mT.unsqueeze(2), self.conv, groups=channels)
        return F.silu(mixed_BC1T.squeeze(2).mT), padded_BTC[:, length:].clone()

    def _writes(self, x_BTd: Tensor, qkv_BTC: Tensor) -> Writes:
        """Split heads, normalise and open the gates, in float32 at least."""
        dtype = torch.promote_types(x_BTd.dtype, torch.float32)
        num_heads = self.shape.num_heads
        qkv_3GTD = qkv_BTC.to(dtype).unflatten(2, (3, num_heads, -1)).permute(2, 0, 3, 1, 4).flatten(1, 2)
        gates_3GT = self.gates(x_BTd).to(dtype).unflatten(2, (3, num_heads)).permute(2, 0, 3, 1).flatten(1, 2)
        q_GTD, k_GTD = F.normalize(qkv_3GTD[:2], dim=-1)
        return Writes(
            q_GTD,
            k_GTD,
            qkv_3GTD[2],
            F.logsigmoid(-gates_3GT[0]).clamp_min(MIN_LOG),
            F.logsigmoid(gates_3GT[1]).clamp_min(MIN_LOG),
            self.shape.theta_max * gates_3GT[2].sigmoid(),
        )

    def _fresh(self, x_BTd: Tensor) -> ChunkState:
        """Start every row of the batch from the learnable weights, with no momentum."""
        dtype = torch.promote_types(x_BTd.dtype, torch.float32)
        weights = tuple(w.to(dtype).repeat(x_BTd.shape[0], 1, 1) for w in self.initial)
        return ChunkState(weights, tuple(map(torch.zeros_like, weights)), () if self.is_exact else weights, 0)

    def _write(self, writes: Writes, memory: ChunkState) -> tuple[Tensor, ChunkState]:
        if not self.is_exact:
            return chunk_memory(writes, memory, self.shape.chunk)
        o_GTD, M_GDD, S_GDD = linear_memory(writes, memory.weights[0], memory.momenta[0], self.shape.chunk)
        return o_GTD, ChunkState((M_GDD,), (S_GDD,), (), 0)

    @property
    def is_exact(self) -> bool:
        """Whether each token's write takes the true error; a two-layer memory never does."""
        return self.shape.is_exact and self.shape.depth == 1


def _initial_weights(shape: MemoryShape) -> list[nn.Parameter]:
    """Start a matrix at zero; at zero a two-layer network gets no gradient, so it starts at 1/sqrt(fan in)."""
    num_heads, dim, hidden = shape.num_heads, shape.head_dim, shape.expand * shape.head_dim
    if shape.depth == 1:
        return [nn.Parameter(torch.zeros(num_heads, dim, dim))]
    up = torch.randn(num_heads, dim, hidden) * dim**-0.5
    return [nn.Parameter(up), nn.Parameter(torch.randn(num_heads, hidden, dim) * hidden**-0.5)]
