"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: N nodes, E edges, F features, K classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.graph_network.model.config import ModelConfig

CLAIMS: tuple[str, ...] = ("node_equivariant",)
NODES = 8  # of an example
EDGES = 2  # that arrive at a node, from any node of the batch


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw a random directed graph, and a class for each of its nodes."""
    generator = torch.Generator().manual_seed(seed)
    num_nodes = NODES * batch_size
    x_NF = torch.randn(num_nodes, config.in_features, generator=generator)
    sources_E = torch.randint(num_nodes, (EDGES * num_nodes,), generator=generator)
    targets_E = torch.arange(num_nodes).repeat(EDGES)
    labels_N = torch.randint(config.num_classes, (num_nodes,), generator=generator)
    return {"x": x_NF, "edge_index": torch.stack([sources_E, targets_E])}, {"labels": labels_N}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the classes of nodes, or of graphs where the inputs have a `graph_index`."""
    return F.cross_entropy(module(**inputs), targets["labels"])
