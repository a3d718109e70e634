"""Where each token halts, and the answer that it halts with.

Paper: Jolicoeur-Martineau 2025 (Tiny Recursive Model), arXiv:2510.04871, sec. 4.6; Graves 2016, arXiv:1603.08983 (ACT).
Shapes: N steps, B batch, T tokens, D width.
"""

import torch
from torch import Tensor

from mlexpert_nb.catalogue.blocks.halting_head import HaltingHead

HALT_BIAS, HALT_STD = -2.0, 0.02  # a fresh head goes on


def halting_head(dim: int) -> HaltingHead:
    """Build a fresh head."""
    return HaltingHead(dim, bias=HALT_BIAS, std=HALT_STD)


def halted(y_NBTD: Tensor, q_NBT: Tensor) -> tuple[Tensor, Tensor]:
    """Give each token's answer at the first step with a halting logit above zero, else at the last; and that step.

    A token decides by its own logits alone, so the past stays blind to the future, and rows to each other.
    """
    halts_NBT = torch.cat([q_NBT[:-1] > 0, torch.ones_like(q_NBT[-1:], dtype=torch.bool)])
    step_BT = halts_NBT.int().argmax(0)
    index_1BTD = step_BT[None, ..., None].expand(1, *y_NBTD.shape[1:])
    return y_NBTD.gather(0, index_1BTD)[0], step_BT + 1
