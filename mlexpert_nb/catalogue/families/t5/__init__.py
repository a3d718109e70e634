"""T5: an encoder-decoder Transformer that turns text into text."""

from mlexpert_nb.catalogue.families.t5.entry import T5

__all__ = ["T5"]
