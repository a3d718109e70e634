"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.perceiver.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random images and labels: the inputs of the network, and the targets of its loss."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch_size, config.num_channels, config.image_size, config.image_size)
    images_BCHW = torch.randn(shape, generator=generator)
    labels_B = torch.randint(config.num_classes, (batch_size,), generator=generator)
    return {"images_BCHW": images_BCHW}, {"labels_B": labels_B}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the classes, averaged over the batch."""
    return F.cross_entropy(module(**inputs), targets["labels_B"])
