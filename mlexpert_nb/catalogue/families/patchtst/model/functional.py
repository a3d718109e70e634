"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, C channels, L steps that are seen, H steps that are forecast.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.patchtst.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent", "permutation_equivariant:past")


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random walks, (B, C, L), and what follows, (B, C, H)."""
    generator = torch.Generator().manual_seed(seed)
    steps = config.context_length + config.prediction_length
    walks_BCS = torch.randn(batch_size, config.num_channels, steps, generator=generator).cumsum(-1)
    past_BCL, future_BCH = walks_BCS.split([config.context_length, config.prediction_length], dim=-1)
    return {"past": past_BCL.contiguous()}, {"future": future_BCH.contiguous()}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the mean squared error of the forecast."""
    return F.mse_loss(module(**inputs), targets["future"])
