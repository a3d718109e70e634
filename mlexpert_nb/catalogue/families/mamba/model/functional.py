"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, T tokens, V vocabulary.
"""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.mamba.model.mamba import BlockState, Mamba

CLAIMS: tuple[str, ...] = ("causal", "batch_independent")


def loss(module: nn.Module, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
    """Give the cross entropy of the next tokens; labels are already shifted, -100 is ignored."""
    return F.cross_entropy(module(ids_BT).flatten(0, 1), labels_BT.flatten(), ignore_index=-100)


def stream(
    module: nn.Module, ids_BT: Tensor, state: tuple[BlockState, ...] | None = None
) -> tuple[Tensor, tuple[BlockState, ...]]:
    """Give the logits of more tokens, and what is remembered after them; the given state is left as it was."""
    return cast("Mamba", module).stream(ids_BT, state)
