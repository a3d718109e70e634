"""BERT: an encoder that reads both sides of a masked token."""

from mlexpert_nb.catalogue.families.bert.entry import BERT

__all__ = ["BERT"]
