"""Detection transformer: objects as a set, predicted in one pass."""

from mlexpert_nb.catalogue.families.detr.entry import DETR

__all__ = ["DETR"]
