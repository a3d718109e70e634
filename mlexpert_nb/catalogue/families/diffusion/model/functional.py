"""The model as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, H height, W width.
"""

import torch
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.diffusion.model.config import ModelConfig
from mlexpert_nb.catalogue.families.diffusion.model.diffusion import DiffusionModel, NoiseProcess

CLAIMS: tuple[str, ...] = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random images with noise in them, how late it is for each, and the images without the noise."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch_size, config.num_channels, config.image_size, config.image_size)
    images_BCHW = 2 * torch.rand(shape, generator=generator) - 1
    noise_BCHW = torch.randn(shape, generator=generator)
    times_B = torch.randint(config.num_train_timesteps, (batch_size,), generator=generator)
    x_BCHW = NoiseProcess(config).add_noise(images_BCHW, noise_BCHW, times_B)
    return {"x_BCHW": x_BCHW, "times_B": times_B}, {"images_BCHW": images_BCHW}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the training loss of the images, with noise and times that are drawn anew."""
    del inputs  # the noise in them is that of one moment
    if not isinstance(module, DiffusionModel):
        raise TypeError(f"the loss is that of a DiffusionModel, not of a {type(module).__name__}")
    return module.loss(targets["images_BCHW"])
