"""Generator and critic of a Wasserstein GAN with gradient penalty.

Papers: WGAN, Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875, section 3 (a critic with a linear output);
WGAN-GP, Gulrajani et al. 2017, arXiv:1704.00028, section 4 (no batch normalisation in the critic, layer normalisation
in its place) and appendix (the convolutions of its CIFAR-10 and LSUN networks). The losses stand in `functional`.
Shapes: B batch, C channels, H height, W width, Z latent size.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.wgan_gp.model.config import WINDOW, ModelConfig

SLOPE = 0.2  # of the critic's rectifier below zero
STRIDE = 2


@dataclass(frozen=True)
class WGANOutput:
    """New images (B, C, H, W) between -1 and 1, and the critic's scores (B,) of the real ones and of these."""

    generated: Tensor
    real_scores: Tensor
    generated_scores: Tensor


class WGAN(nn.Module):
    """The generator, (B, Z) -> (B, C, H, W), and its critic, (B, C, H, W) -> (B,)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = make_generator(config)
        self.critic = make_critic(config)

    def forward(self, latents: Tensor, images: Tensor) -> WGANOutput:
        """Make an image of each latent, and score these and the given images."""
        generated_BCHW = self.generator(latents)
        return WGANOutput(generated_BCHW, self.critic(images), self.critic(generated_BCHW))

    def sample(self, num_images: int) -> Tensor:
        """Draw new images (B, C, H, W)."""
        return self.generator(self.draw_latents(num_images))

    def draw_latents(self, num_latents: int) -> Tensor:
        """Draw latents (B, Z) of the standard normal distribution."""
        like = next(self.generator.parameters())
        return torch.randn(num_latents, self.config.latent_size, device=like.device, dtype=like.dtype)


def make_generator(config: ModelConfig) -> nn.Sequential:
    """Build the layers from a latent to a grid, and those that double its resolution; tanh bounds the pixels.

    What stands before a batch normalisation has no bias, which it would cancel.
    """
    side, widths = config.grid_size, config.generator_widths
    to_grid = nn.Linear(config.latent_size, widths[0] * side**2, bias=False)
    nn.init.xavier_uniform_(to_grid.weight)
    layers: list[nn.Module] = [to_grid, nn.Unflatten(1, (widths[0], side, side))]
    for before, after in zip(widths, (*widths[1:], None), strict=True):
        layers += [nn.BatchNorm2d(before), nn.ReLU(), _doubling(before, after or config.num_channels, bias=not after)]
    return nn.Sequential(*layers, nn.Tanh())


def make_critic(config: ModelConfig) -> nn.Sequential:
    """Build the convolutions that halve the resolution of an image, and the score of what is left.

    The score has no bias: a constant cancels in the difference of two scores.
    """
    widths = config.critic_widths
    layers: list[nn.Module] = [_halving(config.num_channels, widths[0]), nn.LeakyReLU(SLOPE)]
    for before, after in pairwise(widths):
        norm = [nn.GroupNorm(1, after)] if config.critic_norm == "layer" else []  # over channels and places
        layers += [_halving(before, after), *norm, nn.LeakyReLU(SLOPE)]
    to_score = nn.Linear(widths[-1] * config.grid_size**2, 1, bias=False)
    nn.init.xavier_uniform_(to_score.weight)
    return nn.Sequential(*layers, nn.Flatten(), to_score, nn.Flatten(0))


def _doubling(num_inputs: int, num_outputs: int, *, bias: bool) -> nn.Module:
    layer = nn.ConvTranspose2d(
        num_inputs, num_outputs, WINDOW, STRIDE, padding=WINDOW // 2, output_padding=1, bias=bias
    )
    return _started(layer, num_inputs / STRIDE**2 + num_outputs)


def _halving(num_inputs: int, num_outputs: int) -> nn.Module:
    layer = nn.Conv2d(num_inputs, num_outputs, WINDOW, STRIDE, padding=WINDOW // 2)
    return _started(layer, num_inputs + num_outputs / STRIDE**2)


def _started(layer: nn.Conv2d | nn.ConvTranspose2d, num_ends: float) -> nn.Module:
    """Start weights uniformly with variance 4 / (fan in + fan out), and the bias at zero, as the paper's code does."""
    bound = (3 * 4 / (WINDOW**2 * num_ends)) ** 0.5
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def build_model(**config: Any) -> WGAN:
    """Build generator and critic; keys that are not given take the defaults of `ModelConfig`."""
    return WGAN(ModelConfig(**config))
