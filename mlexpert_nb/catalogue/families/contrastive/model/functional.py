"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, H height, W width, T tokens of a text.
"""

from typing import Any

import torch
from torch import Generator, Tensor, nn

from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent", "whole_batch")
NOISE = 0.5  # between two views of an image  # only objective=simclr
LONGEST = 16  # tokens of an example  # only objective=clip

Inputs = dict[str, Tensor]


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[Inputs, Inputs]:
    """Draw random pairs; which belong together is told by the rows, so that there are no targets."""
    pairs = {
        "simclr": _views,  # only objective=simclr
        "clip": _captions,  # only objective=clip
    }
    return pairs[config.objective](config, batch_size, torch.Generator().manual_seed(seed)), {}


def loss(module: nn.Module, inputs: Inputs, targets: Inputs) -> Tensor:  # noqa: ARG001 - empty
    """Compare every pair of the batch with all others; there are no targets."""
    network: Any = module
    compared: Tensor = network.loss(network(**inputs))
    return compared


def _images(config: ModelConfig, batch_size: int, generator: Generator) -> Tensor:
    return torch.randn(batch_size, config.num_channels, config.image_size, config.image_size, generator=generator)


def _views(config: ModelConfig, batch_size: int, generator: Generator) -> Inputs:  # only objective=simclr
    """Give each image twice, with noise of its own."""
    images_BCHW = _images(config, batch_size, generator)
    names = ("view_a_BCHW", "view_b_BCHW")
    return {name: images_BCHW + NOISE * _images(config, batch_size, generator) for name in names}


def _captions(config: ModelConfig, batch_size: int, generator: Generator) -> Inputs:  # only objective=clip
    """Give each image a text of its own: random tokens, the one that ends it, and padding."""
    length = min(LONGEST, config.context_length)
    ids_BT = torch.randint(config.eos_token_id, (batch_size, length), generator=generator)
    ends_B1 = torch.randint(length // 2, length, (batch_size, 1), generator=generator)
    place_T = torch.arange(length)
    ids_BT = ids_BT.masked_fill(place_T == ends_B1, config.eos_token_id).masked_fill(place_T > ends_B1, 0)
    return {"images_BCHW": _images(config, batch_size, generator), "input_ids_BT": ids_BT}
