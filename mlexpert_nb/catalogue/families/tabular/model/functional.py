"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B rows of a table, N columns of numbers, C columns of categories, O outputs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.tabular.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw random rows, and `labels` (B,) or, for a regression, `values` (B, O); a kind of column may be missing."""
    generator = torch.Generator().manual_seed(seed)
    inputs: dict[str, Tensor] = {}
    if config.num_features:
        inputs["x_num"] = torch.randn(batch_size, config.num_features, generator=generator)
    if config.cardinalities:
        columns = [torch.randint(each, (batch_size,), generator=generator) for each in config.cardinalities]
        inputs["x_cat"] = torch.stack(columns, dim=1)
    if config.task == "regression":
        return inputs, {"values": torch.randn(batch_size, config.num_outputs, generator=generator)}
    return inputs, {"labels": torch.randint(config.num_outputs, (batch_size,), generator=generator)}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the `labels`, or the mean squared error of the `values`."""
    output_BO = module(**inputs)
    if "labels" in targets:
        return F.cross_entropy(output_BO, targets["labels"])
    return F.mse_loss(output_BO, targets["values"])
