"""Root-mean-square norms and the SwiGLU feed-forward layer.

Papers: Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4 (RMSNorm); Shazeer 2020, arXiv:2002.05202, eq. 6 (SwiGLU).
Shapes: d width, F hidden width of SwiGLU; `...` stands for any leading dimensions.
"""

import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-6


def rms(x: Tensor) -> Tensor:
    """Scale the last dimension to root-mean-square 1, without parameters."""
    return F.rms_norm(x, x.shape[-1:], eps=NORM_EPS)


class RMSNorm(nn.RMSNorm):
    """Root-mean-square norm with a learnable scale a channel; under autocast it works in the scale's precision."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Scale the last dimension to root-mean-square 1, then by the learnable vector."""
        return super().forward(x.to(self.weight.dtype))


class SwiGLU(nn.Module):
    """Feed-forward layer `W_out (SiLU(x W_gate) * x W_up)`, `(..., d) -> (..., d)`; 3 d F parameters."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(dim, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position on its own."""
        gate, up = self.gate_up(x).chunk(2, -1)
        return self.out(F.silu(gate) * up)
