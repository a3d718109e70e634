"""Variational autoencoder and VQ-VAE."""

from mlexpert_nb.catalogue.families.vae.entry import VAE

__all__ = ["VAE"]
