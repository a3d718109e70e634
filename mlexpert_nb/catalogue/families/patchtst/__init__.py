"""Forecasting: PatchTST, and DLinear beside it."""

from mlexpert_nb.catalogue.families.patchtst.entry import PATCHTST

__all__ = ["PATCHTST"]
