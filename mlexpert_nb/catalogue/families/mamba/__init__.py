"""Mamba: a language model whose memory is a selective state space."""

from mlexpert_nb.catalogue.families.mamba.entry import MAMBA

__all__ = ["MAMBA"]
