"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, I inputs, O outputs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.kan.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw inputs `x_BI` within the grid, and `labels` (B,) or, for a regression, `values` (B, O)."""
    generator = torch.Generator().manual_seed(seed)
    x_BI = config.grid_limit * (2 * torch.rand(batch_size, config.in_features, generator=generator) - 1)
    if config.task == "regression":
        return {"x_BI": x_BI}, {"values": torch.randn(batch_size, config.out_features, generator=generator)}
    return {"x_BI": x_BI}, {"labels": torch.randint(config.out_features, (batch_size,), generator=generator)}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the `labels`, or the mean squared error of the `values`."""
    output_BO = module(**inputs)
    if "labels" in targets:
        return F.cross_entropy(output_BO, targets["labels"])
    return F.mse_loss(output_BO, targets["values"])
