"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, S source tokens, T target tokens, V target tokens that there are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.lstm_attention.model.config import ModelConfig

CLAIMS: tuple[str, ...] = (
    "batch_independent",
    "causal:decoder_input_ids_BT",
    "padding_invariant:input_ids_BS:attention_mask_BS",
)
SOURCE_LENGTH, TARGET_LENGTH = 11, 8  # tokens of an example


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random pairs of sequences; sources are padded, and the decoder reads the target one token later."""
    generator = torch.Generator().manual_seed(seed)
    source_BS = torch.randint(config.source_vocab_size, (batch_size, SOURCE_LENGTH), generator=generator)
    target_BT = torch.randint(config.target_vocab_size, (batch_size, TARGET_LENGTH + 1), generator=generator)
    lengths_B1 = torch.randint(SOURCE_LENGTH // 2, SOURCE_LENGTH, (batch_size, 1), generator=generator)
    inputs = {
        "input_ids_BS": source_BS,
        "decoder_input_ids_BT": target_BT[:, :-1],
        "attention_mask_BS": torch.arange(SOURCE_LENGTH) < lengths_B1,
    }
    return inputs, {"labels_BT": target_BT[:, 1:]}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the target tokens, averaged over them; -100 is ignored."""
    logits_BTV = module(**inputs)
    return F.cross_entropy(logits_BTV.flatten(0, 1), targets["labels_BT"].flatten(), ignore_index=-100)
