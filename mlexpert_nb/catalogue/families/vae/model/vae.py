"""Convolutional autoencoders of small images: variational (Gaussian latent) and vector-quantised (discrete latent).

Papers: VAE, Kingma and Welling 2013, arXiv:1312.6114, section 2.4 (`sample_latent`) and appendix B (`kl_divergence`);
VQ-VAE, van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, eq. 1-2 (`Codebook`), eq. 3 (`vqvae_loss`) and
section 4.1 (the convolutions).
Shapes: B batch, C channels, H height, W width, D hidden channels, S side of the latent grid, Z latent size, K codes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.vae.model.config import WINDOW, ModelConfig

SPREAD = 0.3  # codes start wider apart than the latents, or all of an image's places would take the same few


@dataclass(frozen=True)
class VAEOutput:
    """What a VAE makes of images: the images again, and mean and log variance (B, Z) of their latents."""

    reconstruction: Tensor
    mean: Tensor
    log_variance: Tensor


@dataclass(frozen=True)
class VQVAEOutput:
    """What a VQ-VAE makes of images: the images again, latents and their codes (B, Z, S, S), and indices (B, S, S)."""

    reconstruction: Tensor
    latents: Tensor
    codes: Tensor
    indices: Tensor


class ResidualBlock(nn.Module):
    """ReLU, 3 x 3 convolution, ReLU, 1 x 1 convolution, and the input again (arXiv:1711.00937, section 4.1)."""

    def __init__(self, hidden_size: int, residual_size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(hidden_size, residual_size, 3, padding=1)
        self.conv2 = nn.Conv2d(residual_size, hidden_size, 1)

    def forward(self, x_BDSS: Tensor) -> Tensor:
        """Add what the two convolutions make of the input."""
        return x_BDSS + self.conv2(F.relu(self.conv1(F.relu(x_BDSS))))


class Codebook(nn.Module):
    """K codes of Z numbers; each place of a grid takes the nearest one (arXiv:1711.00937, eq. 1-2)."""

    def __init__(self, num_embeddings: int, latent_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_embeddings, latent_size))
        nn.init.uniform_(self.weight, -SPREAD, SPREAD)

    def nearest(self, latents_BZSS: Tensor) -> Tensor:
        """Give the index of the nearest code at every place, (B, S, S)."""
        half_K = self.weight.square().sum(1) / 2  # of |z - e|^2 = |z|^2 - 2 z e + |e|^2; |z|^2 is the same for all
        return (half_K - latents_BZSS.movedim(1, -1) @ self.weight.T).argmin(-1)

    def forward(self, indices_BSS: Tensor) -> Tensor:
        """Look up the codes (B, Z, S, S) of indices."""
        return F.embedding(indices_BSS, self.weight).movedim(-1, 1)


def make_encoder(config: ModelConfig) -> nn.Sequential:
    """Build the convolutions from an image (B, C, H, W) to a grid (B, D, S, S)."""
    layers: list[nn.Module] = []
    num_inputs = config.num_channels
    for level in range(config.num_levels):
        layers += [nn.ReLU()] if level else []
        layers.append(nn.Conv2d(num_inputs, config.hidden_size, WINDOW, stride=2, padding=1))
        num_inputs = config.hidden_size
    return nn.Sequential(*layers, *_residual_blocks(config), nn.ReLU())


def make_decoder(config: ModelConfig) -> nn.Sequential:
    """Build the convolutions from a grid (B, D, S, S) to an image (B, C, H, W)."""
    layers = _residual_blocks(config)
    for level in reversed(range(config.num_levels)):
        num_outputs = config.hidden_size if level else config.num_channels
        layers += [nn.ReLU(), nn.ConvTranspose2d(config.hidden_size, num_outputs, WINDOW, stride=2, padding=1)]
    return nn.Sequential(*layers)


def _residual_blocks(config: ModelConfig) -> list[nn.Module]:
    return [ResidualBlock(config.hidden_size, config.residual_size) for _ in range(config.num_residual_layers)]


class VAE(nn.Module):
    """The variational autoencoder, (B, C, H, W) -> `VAEOutput`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        side = config.grid_size
        num_features = config.hidden_size * side**2
        self.encoder = make_encoder(config)
        self.to_latent = nn.Linear(num_features, 2 * config.latent_size)
        self.from_latent = nn.Linear(config.latent_size, num_features)
        self.decoder = make_decoder(config)

    def forward(self, images: Tensor) -> VAEOutput:
        """Encode images, draw a latent of each in training (in eval mode its mean), and decode it."""
        mean_BZ, log_variance_BZ = self.encode(images)
        latents_BZ = sample_latent(mean_BZ, log_variance_BZ) if self.training else mean_BZ
        return VAEOutput(self.decode(latents_BZ), mean_BZ, log_variance_BZ)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Give mean and log variance (B, Z) of the latents of images (B, C, H, W)."""
        mean_BZ, log_variance_BZ = self.to_latent(self.encoder(images).flatten(1)).chunk(2, dim=1)
        return mean_BZ, log_variance_BZ

    def decode(self, latents_BZ: Tensor) -> Tensor:
        """Give the images (B, C, H, W) of latents."""
        side = self.config.grid_size
        return self.decoder(self.from_latent(latents_BZ).unflatten(1, (self.config.hidden_size, side, side)))

    def sample(self, num_images: int) -> Tensor:
        """Draw new images: latents of the prior, decoded."""
        like = self.from_latent.weight
        return self.decode(torch.randn(num_images, self.config.latent_size, device=like.device, dtype=like.dtype))


class VQVAE(nn.Module):
    """The vector-quantised autoencoder, (B, C, H, W) -> `VQVAEOutput`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config)
        self.to_latent = nn.Conv2d(config.hidden_size, config.latent_size, 1)
        self.codebook = Codebook(config.num_embeddings, config.latent_size)
        self.from_latent = nn.Conv2d(config.latent_size, config.hidden_size, 3, padding=1)
        self.decoder = make_decoder(config)

    def forward(self, images: Tensor) -> VQVAEOutput:
        """Encode images, put the nearest code in the place of each latent, and decode the codes."""
        latents_BZSS = self.to_latent(self.encoder(images))
        indices_BSS = self.codebook.nearest(latents_BZSS)
        codes_BZSS = self.codebook(indices_BSS)
        # straight through: the codes go on, their gradient goes to the latents as it is
        passed_BZSS = latents_BZSS + (codes_BZSS - latents_BZSS).detach()
        reconstruction_BCHW = self.decoder(self.from_latent(passed_BZSS))
        return VQVAEOutput(reconstruction_BCHW, latents_BZSS, codes_BZSS, indices_BSS)

    def encode(self, images: Tensor) -> Tensor:
        """Give the indices (B, S, S) of the codes of images (B, C, H, W)."""
        return self.codebook.nearest(self.to_latent(self.encoder(images)))

    def decode(self, indices_BSS: Tensor) -> Tensor:
        """Give the images (B, C, H, W) of indices."""
        return self.decoder(self.from_latent(self.codebook(indices_BSS)))


def sample_latent(mean_BZ: Tensor, log_variance_BZ: Tensor) -> Tensor:
    """Draw latents so that gradients reach mean and variance (arXiv:1312.6114, section 2.4)."""
    return mean_BZ + (log_variance_BZ / 2).exp() * torch.randn_like(mean_BZ)


def kl_divergence(mean_BZ: Tensor, log_variance_BZ: Tensor) -> Tensor:
    """Give the divergence (B,) of each latent from the standard normal one (arXiv:1312.6114, appendix B)."""
    return (mean_BZ.square() + log_variance_BZ.exp() - 1 - log_variance_BZ).sum(1) / 2


def vae_loss(images: Tensor, output: VAEOutput, beta: float) -> Tensor:
    """Give half the squared error of an image and `beta` times its divergence, as a mean over the batch.

    This is the negative bound (arXiv:1312.6114, eq. 10) of pixels whose variance is `beta`, times `beta`.
    """
    error_B = (output.reconstruction - images).square().flatten(1).sum(1) / 2
    return (error_B + beta * kl_divergence(output.mean, output.log_variance)).mean()


def vqvae_loss(images: Tensor, output: VQVAEOutput, commitment_cost: float) -> Tensor:
    """Give the errors of the pixels, of the codes and of the latents (arXiv:1711.00937, eq. 3), each as a mean."""
    reconstruction = F.mse_loss(output.reconstruction, images)
    codebook = F.mse_loss(output.codes, output.latents.detach())
    commitment = F.mse_loss(output.latents, output.codes.detach())
    return reconstruction + codebook + commitment_cost * commitment


def build_model(**config: Any) -> VAE | VQVAE:
    """Build an autoencoder; keys that are not given take the defaults of `ModelConfig`."""
    checked = ModelConfig(**config)
    return VAE(checked) if checked.kind == "vae" else VQVAE(checked)
