"""U-Net: from pixels to pixels, for segmentation or for the steps of a diffusion model."""

from mlexpert_nb.catalogue.families.unet.entry import UNET

__all__ = ["UNET"]
