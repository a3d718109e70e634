"""The decoder: one causal language model with options, offered under the names by which people ask for it."""

from mlexpert_nb.catalogue.families.decoder.entry import (
    DELTA_RULE_DECODER,
    LLAMA_DECODER,
    MOE_DECODER,
    SLIDING_WINDOW_DECODER,
)

__all__ = ["DELTA_RULE_DECODER", "LLAMA_DECODER", "MOE_DECODER", "SLIDING_WINDOW_DECODER"]
