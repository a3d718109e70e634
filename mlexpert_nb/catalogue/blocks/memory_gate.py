"""Memory as a gate: what attention sees and what a memory recalls, each normalised, mixed channel by channel.

Paper: Behrouz, Zhong & Mirrokni 2025 (Titans), arXiv:2501.00663, sec. 4.2, eq. 26 to 28.

    g = sigmoid([norm_y(y); norm_m(m)] W_g + b),  o = (g norm_y(y) + (1 - g) norm_m(m)) W_o

Shapes: B batch, T tokens, d width.
"""

import torch
from torch import Tensor, nn


class MemoryGate(nn.Module):
    """Two norms, the gate between them and the projection after it, for a layer that has both branches.

    Attributes:
        override: A number in [0, 1] that replaces the learned gate: 1 closes the memory, 0 closes attention.
    """

    def __init__(self, dim: int, norm_attention: nn.Module, norm_memory: nn.Module) -> None:
        super().__init__()
        self.norm_attention, self.norm_memory = norm_attention, norm_memory
        self.gate = nn.Linear(2 * dim, dim)
        self.out = nn.Linear(dim, dim, bias=False)
        self.override: float | None = None

    def gated(self, y_BTd: Tensor, m_BTd: Tensor) -> Tensor:
        """Give the projected mixture of what attention (y) and memory (m) say."""
        mixed_BTd: Tensor = self.out(self.mix(self.norm_attention(y_BTd), self.norm_memory(m_BTd)))
        return mixed_BTd

    def mix(self, y_BTd: Tensor, m_BTd: Tensor) -> Tensor:
        """Mix the normalised branches by the gate."""
        g_BTd = self.gate(torch.cat([y_BTd, m_BTd], -1)).sigmoid() if self.override is None else self.override
        return g_BTd * y_BTd + (1 - g_BTd) * m_BTd
