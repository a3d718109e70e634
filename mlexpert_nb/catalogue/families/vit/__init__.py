"""Vision Transformer: an image as a sequence of patches."""

from mlexpert_nb.catalogue.families.vit.entry import VIT

__all__ = ["VIT"]
