"""Diffusion: images from noise, one small step at a time."""

from mlexpert_nb.catalogue.families.diffusion.entry import DIFFUSION

__all__ = ["DIFFUSION"]
