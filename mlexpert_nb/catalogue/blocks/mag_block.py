"""Memory as a gate: window attention and long-term memory side by side, mixed channel by channel.

Paper: Behrouz, Zhong & Mirrokni 2025 (Titans), arXiv:2501.00663, sec. 4.2, eq. 26 to 28.

    u = RMSNorm_1(x),  y = RMSNorm_y(attention(u)),  m = RMSNorm_m(memory(u))
    convex   g = sigmoid([y; m] W_g + b),  o = g y + (1 - g) m
    product  o = y sigmoid(m)                                       the paper's gate read literally; learns far slower
    x <- x + o W_o,  x <- x + SwiGLU(RMSNorm_2(x))

Shapes: B batch, T tokens, d width.
"""

from typing import NamedTuple

from torch import Tensor

from mlexpert_nb.catalogue.blocks.long_term_memory import LongTermMemory, MemoryShape, MemoryState
from mlexpert_nb.catalogue.blocks.memory_gate import MemoryGate
from mlexpert_nb.catalogue.blocks.norms import RMSNorm, SwiGLU
from mlexpert_nb.catalogue.blocks.sliding_window import AttentionShape, SlidingWindowAttention, WindowState


class BlockState(NamedTuple):
    """What one block remembers of a stream."""

    attention: WindowState
    memory: MemoryState


class MemoryAsGate(MemoryGate):
    """One Titans block, `(B, T, d) -> (B, T, d)`, pre-norm and residual."""

    def __init__(self, attention: AttentionShape, memory: MemoryShape, hidden: int, *, is_convex: bool = True) -> None:
        dim = attention.dim
        super().__init__(dim, RMSNorm(dim), RMSNorm(dim))
        self.norm_in, self.norm_ff = RMSNorm(dim), RMSNorm(dim)
        self.attention, self.memory = SlidingWindowAttention(attention), LongTermMemory(memory)
        self.feed_forward = SwiGLU(dim, hidden)
        self.is_convex = is_convex
        if not is_convex:
            del self.gate  # the product needs no weights

    def forward(self, x_BTd: Tensor, state: BlockState | None = None) -> tuple[Tensor, BlockState]:
        """Mix what the window sees with what the memory recalls; pass the state on to continue a stream."""
        u_BTd = self.norm_in(x_BTd)
        y_BTd, window = self.attention(u_BTd, state and state.attention)
        m_BTd, memory = self.memory(u_BTd, state and state.memory)
        x_BTd = x_BTd + self.gated(y_BTd, m_BTd)
        return x_BTd + self.feed_forward(self.norm_ff(x_BTd)), BlockState(window, memory)

    def mix(self, y_BTd: Tensor, m_BTd: Tensor) -> Tensor:
        """Mix the normalised branches by the gate, or by their product."""
        if self.is_convex or self.override is not None:
            return super().mix(y_BTd, m_BTd)
        return y_BTd * m_BTd.sigmoid()
