"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, I inputs, C classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.neural_ode.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random inputs `x_BI` and the class `labels` (B,) of each."""
    generator = torch.Generator().manual_seed(seed)
    x_BI = torch.randn(batch_size, config.in_features, generator=generator)
    labels_B = torch.randint(config.num_classes, (batch_size,), generator=generator)
    return {"x_BI": x_BI}, {"labels": labels_B}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the classes."""
    return F.cross_entropy(module(**inputs), targets["labels"])
