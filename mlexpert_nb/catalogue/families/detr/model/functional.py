"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, H height, W width, M objects of an image with padding.
"""

from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.detr.model.config import ModelConfig
from mlexpert_nb.catalogue.families.detr.model.set_loss import PADDING, set_loss

CLAIMS = ("batch_independent",)
MOST_OBJECTS = 3  # in an example's image


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random `pixel_values` (B, C, H, W), and `classes` (B, M) with -1 as padding and `boxes` (B, M, 4)."""
    generator = torch.Generator().manual_seed(seed)
    objects = min(MOST_OBJECTS, config.num_queries)
    shape = (batch_size, config.num_channels, config.image_size, config.image_size)
    images_BCHW = torch.randn(shape, generator=generator)
    classes_BM = torch.randint(config.num_classes, (batch_size, objects), generator=generator)
    counts_B1 = torch.randint(1, objects + 1, (batch_size, 1), generator=generator)
    classes_BM[torch.arange(objects) >= counts_B1] = PADDING
    centres_BM2 = 0.2 + 0.6 * torch.rand(batch_size, objects, 2, generator=generator)
    sizes_BM2 = 0.1 + 0.3 * torch.rand(batch_size, objects, 2, generator=generator)
    boxes_BM4 = torch.cat([centres_BM2, sizes_BM2], dim=-1)
    return {"pixel_values": images_BCHW}, {"classes": classes_BM, "boxes": boxes_BM4}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the loss of the set, summed over the decoder layers; each is matched by itself (section 3.2)."""
    config: Any = module.config
    found = module(**inputs)
    total = set_loss(found.logits, found.boxes, targets, config)
    for logits_BQK, boxes_BQ4 in zip(found.early_logits.unbind(1), found.early_boxes.unbind(1), strict=True):
        total = total + set_loss(logits_BQK, boxes_BQ4, targets, config)
    return total
