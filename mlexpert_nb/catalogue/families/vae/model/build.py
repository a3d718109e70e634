"""Convolutional autoencoders of small images: `kind="vae"` (variational) and `kind="vqvae"` (vector-quantised)."""

from mlexpert_nb.catalogue.families.vae.model.config import ModelConfig, count_parameters, parameter_table
from mlexpert_nb.catalogue.families.vae.model.vae import VAE, VQVAE, VAEOutput, VQVAEOutput, build_model

__all__ = [
    "VAE",
    "VQVAE",
    "ModelConfig",
    "VAEOutput",
    "VQVAEOutput",
    "build_model",
    "count_parameters",
    "parameter_table",
]
