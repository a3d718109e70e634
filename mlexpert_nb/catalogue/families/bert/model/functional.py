"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, T tokens, V vocabulary.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.bert.model.bert import IGNORED, mask_tokens
from mlexpert_nb.catalogue.families.bert.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent", "padding_invariant:input_ids_BT:attention_mask_BT")
LONGEST = 24  # tokens of an example


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random sequences of two segments, masked and padded; the labels are the masked tokens."""
    generator = torch.Generator().manual_seed(seed)
    length = min(LONGEST, config.max_position_embeddings)
    ids_BT = torch.randint(config.vocab_size, (batch_size, length), generator=generator)
    lengths_B1 = torch.randint((length + 1) // 2, length, (batch_size, 1), generator=generator)
    place_T = torch.arange(length)
    mask_BT = place_T < lengths_B1
    types_BT = (place_T >= lengths_B1 // 2).long() % config.type_vocab_size
    read_BT, labels_BT = mask_tokens(ids_BT, mask_BT, config, generator)
    inputs = {"input_ids_BT": read_BT, "attention_mask_BT": mask_BT, "token_type_ids_BT": types_BT}
    return inputs, {"labels_BT": labels_BT}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the masked tokens, averaged over them."""
    logits_BTV = module(**inputs)
    return F.cross_entropy(logits_BTV.flatten(0, 1), targets["labels_BT"].flatten(), ignore_index=IGNORED)
