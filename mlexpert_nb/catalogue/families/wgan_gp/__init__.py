"""Wasserstein GAN with gradient penalty."""

from mlexpert_nb.catalogue.families.wgan_gp.entry import WGAN_GP

__all__ = ["WGAN_GP"]
