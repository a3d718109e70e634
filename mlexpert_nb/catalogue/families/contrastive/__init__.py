"""Contrastive learning: SimCLR compares views of images, CLIP compares images with texts."""

from mlexpert_nb.catalogue.families.contrastive.entry import CONTRASTIVE

__all__ = ["CONTRASTIVE"]
