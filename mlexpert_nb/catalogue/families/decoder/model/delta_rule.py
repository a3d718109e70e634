"""Linear attention by the gated delta rule: a matrix a head that forgets, corrects itself, and never grows.

Papers: Yang, Kautz & Hatamizadeh 2024, arXiv:2412.06464 (Gated DeltaNet), eq. 10; Yang et al. 2024, arXiv:2406.06484
(DeltaNet in parallel over a chunk), eq. 8 to 11.

    S_t = a_t S_{t-1} + b_t k_t (v_t - a_t S_{t-1}' k_t)'          o_t = S_t' q_t / sqrt(K)

with a_t in (0, 1) the share that is kept, b_t in (0, 1) how far an error is corrected, q and k of length 1.
Shapes: B batch, T tokens, D width, H heads, K head size, N chunks, C tokens of a chunk.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.decoder.model.config import TAPS, ModelConfig

CHUNK = 64


class Memory(NamedTuple):
    """What a layer remembers of a stream: the last inputs of the convolution (B, 3 D, 3) and S (B, H, K, K)."""

    tail: Tensor
    S: Tensor


class DeltaRule(nn.Module):
    """Gated delta rule with a short convolution, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        D, self.num_heads, self.head_dim = config.hidden_size, config.num_heads, config.head_dim
        self.qkv = nn.Linear(D, 3 * D, bias=False)
        self.conv = nn.Parameter(torch.randn(3 * D, 1, TAPS) * TAPS**-0.5)
        self.gates = nn.Linear(D, 2 * config.num_heads, bias=False)
        self.log_rate = nn.Parameter(torch.rand(config.num_heads).log())
        self.rate_bias = nn.Parameter(torch.full((config.num_heads,), -3.0))  # a new memory forgets slowly
        self.norm = nn.RMSNorm(config.head_dim, eps=config.norm_eps)
        self.out_gate = nn.Linear(D, D, bias=False)
        self.out = nn.Linear(D, D, bias=False)

    def forward(self, x_BTD: Tensor, start: int, memory: Memory | None) -> tuple[Tensor, Memory]:
        """Write and read the tokens in order; give the output and the memory after them."""
        del start  # the order is in the memory
        channels_BCT = self.qkv(x_BTD).mT
        tail = channels_BCT.new_zeros(*channels_BCT.shape[:2], TAPS - 1) if memory is None else memory.tail
        padded = torch.cat([tail, channels_BCT], 2)
        mixed_BTC = F.silu(F.conv1d(padded, self.conv, groups=len(self.conv))).mT
        q, k, v = mixed_BTC.unflatten(-1, (3, self.num_heads, self.head_dim)).permute(2, 0, 3, 1, 4)
        rate_BHT, write_BHT = self.gates(x_BTD).unflatten(-1, (2, self.num_heads)).permute(2, 0, 3, 1)
        log_keep_BHT = -self.log_rate.exp()[:, None] * F.softplus(rate_BHT + self.rate_bias[:, None])
        S = None if memory is None else memory.S
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        o_BHTK, S = delta_rule(q, k, v, log_keep_BHT, write_BHT.sigmoid(), S)
        o_BTHK = self.norm(o_BHTK.transpose(1, 2)) * F.silu(self.out_gate(x_BTD).unflatten(-1, (self.num_heads, -1)))
        return self.out(o_BTHK.flatten(2)), Memory(padded[:, :, x_BTD.shape[1] :], S)


def delta_rule(  # noqa: PLR0913, PLR0917 - the symbols of the paper
    q: Tensor, k: Tensor, v: Tensor, log_keep: Tensor, write: Tensor, S: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Run the rule a chunk at a time; the result is that of the recursion, token by token.

    Args:
        q: Queries (B, H, T, K), of length 1.
        k: Keys (B, H, T, K), of length 1.
        v: Values (B, H, T, K).
        log_keep: Logarithm of the share that is kept (B, H, T).
        write: How far an error is corrected (B, H, T).
        S: Memory (B, H, K, K), key x value; zeros if not given.

    Returns:
        What is read (B, H, T, K), and the memory after the last token.
    """
    dtype, length = torch.promote_types(q.dtype, torch.float32), q.shape[2]
    size = min(CHUNK, length)
    padding = -length % size  # tokens that write nothing and forget nothing
    wide = (F.pad(each.to(dtype), (0, 0, 0, padding)).unflatten(2, (-1, size)) for each in (q, k, v))
    narrow = (F.pad(each.to(dtype), (0, padding)).unflatten(2, (-1, size)) for each in (log_keep, write))
    (q_, k_, v_), (log_, write_) = wide, narrow
    total = log_.cumsum(-1)
    decay = (total[..., :, None] - total[..., None, :]).masked_fill(~_lower(size, q.device), -torch.inf).exp()
    system = torch.eye(size, dtype=dtype, device=q.device) + (write_[..., None] * (k_ @ k_.mT) * decay).tril(-1)
    right = torch.cat([v_, k_ * total.exp()[..., None]], -1) * write_[..., None]
    u, w = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True).chunk(2, -1)
    inside = (q_ @ k_.mT) * decay
    state = q_.new_zeros(*q.shape[:2], q.shape[3], v.shape[3]) if S is None else S.to(dtype)
    read = []
    q_in, k_out = q_ * total.exp()[..., None], k_ * (total[..., -1:] - total).exp()[..., None]
    for index in range(q_.shape[2]):
        errors = u[:, :, index] - w[:, :, index] @ state
        read.append(q_in[:, :, index] @ state + inside[:, :, index] @ errors)
        state = state * total[:, :, index, -1, None, None].exp() + k_out[:, :, index].mT @ errors
    o = torch.stack(read, 2).flatten(2, 3)[:, :, :length] * q.shape[3] ** -0.5
    return o.to(q.dtype), state


def _lower(size: int, device: torch.device) -> Tensor:
    return torch.ones(size, size, dtype=torch.bool, device=device).tril()
