"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, T tokens, V vocabulary.
"""

from torch import Tensor

from mlexpert_nb.catalogue.families.decoder.model.decoder import Decoder, State


def loss(module: Decoder, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
    """Give the training loss; labels are already shifted, -100 is ignored."""
    return module.loss(ids_BT, labels_BT)


def stream(module: Decoder, ids_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """Give the logits of new tokens and the state after them; the state that came in is left as it was."""
    return module.stream(ids_BT, state)
