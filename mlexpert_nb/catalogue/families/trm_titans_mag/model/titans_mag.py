"""Titans backbone: an embedding, memory-as-gate blocks and a final norm.

Paper: Behrouz, Zhong & Mirrokni 2025 (Titans: Learning to Memorize at Test Time), arXiv:2501.00663, sec. 4.2.
With the memory closed, token t sees exactly the last `L (w - 1) + 1` tokens.
Shapes: B batch, T tokens, d width, L blocks, w window.
"""

from collections.abc import Sequence
from typing import TypeAlias

from torch import Tensor, nn

from mlexpert_nb.catalogue.blocks.mag_block import BlockState, MemoryAsGate
from mlexpert_nb.catalogue.blocks.norms import RMSNorm

BackboneState: TypeAlias = tuple[BlockState, ...]


class TitansMAG(nn.Module):
    """Token ids to hidden vectors, `(B, T) -> (B, T, d)`, causal, with a state of constant size."""

    def __init__(self, vocab_size: int, dim: int, blocks: Sequence[MemoryAsGate]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        self.blocks = nn.ModuleList(blocks)
        self.norm = RMSNorm(dim)

    def forward(self, ids_BT: Tensor, state: BackboneState | None = None) -> tuple[Tensor, BackboneState]:
        """Read the tokens in order; pass the state on to continue a stream.

        Raises:
            ValueError: There is no token to read.
        """
        if ids_BT.shape[1] == 0:
            raise ValueError("ids_BT has no tokens; give at least one position")
        x_BTd = self.embedding(ids_BT) * self.embedding.embedding_dim**0.5
        after = []
        for number, block in enumerate(self.blocks):
            x_BTd, block_state = block(x_BTd, state and state[number])
            after.append(block_state)
        return self.norm(x_BTd), tuple(after)
