"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, H height, W width.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.vae.model.config import ModelConfig
from mlexpert_nb.catalogue.families.vae.model.vae import VAEOutput, vae_loss, vqvae_loss

CLAIMS = ("batch_independent",)
DETAIL = 4  # side of the noise that smooth images are made of


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw smooth `images` (B, C, H, W), noise of few pixels enlarged; they are the targets too."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(batch_size, config.num_channels, DETAIL, DETAIL, generator=generator)
    images_BCHW = F.interpolate(noise, size=config.image_size, mode="bilinear")
    return {"images": images_BCHW}, {"images": images_BCHW.clone()}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the loss of the kind of autoencoder that this is."""
    output = module(**inputs)
    config: Any = module.config
    if isinstance(output, VAEOutput):
        return vae_loss(targets["images"], output, config.beta)
    return vqvae_loss(targets["images"], output, config.commitment_cost)
