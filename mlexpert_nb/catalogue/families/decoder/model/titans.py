"""Titans' memory as a gate: a long-term memory beside attention, mixed with it channel by channel.

Paper: Behrouz, Zhong & Mirrokni 2025 (Titans), arXiv:2501.00663, sec. 4.2, eq. 26 to 28. Both branches read the same
normalised tokens; what they give takes the place of attention alone in a block:

    x <- x + gated(attention(norm(x)), memory(norm(x)))

Shapes: B batch, T tokens, D width.
"""

from typing import Any, NamedTuple

from torch import Tensor, nn

from mlexpert_nb.catalogue.blocks.long_term_memory import LongTermMemory, MemoryShape, MemoryState
from mlexpert_nb.catalogue.blocks.memory_gate import MemoryGate
from mlexpert_nb.catalogue.families.decoder.model.config import TAPS, ModelConfig


class Remembered(NamedTuple):
    """What a block remembers of a stream: what its attention does, and its long-term memory."""

    attention: Any
    memory: MemoryState


class AttentionAndMemory(MemoryGate):
    """Attention of any kind with a long-term memory beside it, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, attention: nn.Module, norms: tuple[nn.Module, nn.Module], config: ModelConfig) -> None:
        super().__init__(config.hidden_size, *norms)
        self.attention = attention
        self.memory = LongTermMemory(
            MemoryShape(
                dim=config.hidden_size,
                num_heads=config.num_heads,
                head_dim=config.head_dim,
                depth=config.memory_depth,
                chunk=config.memory_chunk,
                conv_kernel=TAPS,
            )
        )

    def forward(self, x_BTD: Tensor, start: int, state: Remembered | None) -> tuple[Tensor, Remembered]:
        """Attend, write and recall, from tokens at positions `start` on; give the mixture and what is remembered."""
        y_BTD, cache = self.attention(x_BTD, start, state and state.attention)
        m_BTD, memory = self.memory(x_BTD, state and state.memory)
        return self.gated(y_BTD, m_BTD), Remembered(cache, memory)
