"""Graph network: every layer lets each node read its neighbours, so that L layers see L steps far.

Papers:
    GCN: Kipf and Welling 2017, "Semi-Supervised Classification with Graph Convolutional Networks", arXiv:1609.02907
    GAT: Velickovic et al. 2018, "Graph Attention Networks", arXiv:1710.10903
    GraphSAGE: Hamilton et al. 2017, "Inductive Representation Learning on Large Graphs", arXiv:1706.02216

    GCN eq. 2         H' = D^-1/2 (A + I) D^-1/2 H W                                      `GCNLayer`
    GCN eq. 14        H' = ReLU(...) + H                                                  `GraphNetwork.forward`
    GAT eq. 3         alpha_ij = softmax_j(LeakyReLU(a_1 W h_i + a_2 W h_j))              `GATLayer.attention`
    GAT eq. 5 and 6   h_i' = sum_j alpha_ij W h_j; heads side by side, in the end averaged  `GATLayer`
    SAGE algorithm 1  h_i' = W [h_i; mean_j h_j], with W cut into its two halves          `SAGELayer`

Shapes: N nodes, E edges, F features that enter, O features that leave, H heads, C features of a head, K classes,
G graphs. An edge goes from its source j = `edge_index[0]` to its target i = `edge_index[1]`, which reads the source.
"""

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.graph_network.model.config import ModelConfig

NEGATIVE_SLOPE = 0.2  # of the LeakyReLU in GAT eq. 3


class GraphNetwork(nn.Module):
    """Classifier of nodes, `(N, F) -> (N, K)`, or of whole graphs, `(N, F) -> (G, K)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(
            _layer(config, num_in, num_out, is_last=index == config.num_layers - 1)
            for index, (num_in, num_out) in enumerate(pairwise(config.widths))
        )
        self.dropout = nn.Dropout(config.dropout)
        self.activation = nn.ELU() if config.layer == "gat" else nn.ReLU()

    def forward(self, x: Tensor, edge_index: Tensor, graph_index: Tensor | None = None) -> Tensor:
        """Give the logits of the classes.

        Args:
            x: Features of the nodes, (N, F).
            edge_index: Source and target of every edge, (2, E); an undirected edge stands in it twice.
            graph_index: The graph that each node belongs to, counted from 0, (N,); None classifies nodes.
        """
        self._check(x, edge_index)
        *hidden, last = self.layers
        for layer in hidden:
            y = self.activation(layer(self.dropout(x), edge_index))
            x = x + y if self.config.residual and x.shape == y.shape else y
        logits_NK = last(self.dropout(x), edge_index)
        return logits_NK if graph_index is None else read_out(logits_NK, graph_index, self.config.readout)

    def _check(self, x: Tensor, edge_index: Tensor) -> None:
        if tuple(x.shape[1:]) != (self.config.in_features,):
            raise ValueError(f"x has shape {tuple(x.shape)}; it must be (nodes, {self.config.in_features})")
        if tuple(edge_index.shape[:-1]) != (2,):
            raise ValueError(f"edge_index has shape {tuple(edge_index.shape)}; it must be (2, edges)")


class GCNLayer(nn.Module):
    """Sum over the neighbours and the node itself, each divided by the root of both degrees: `(N, F) -> (N, O)`."""

    def __init__(self, num_in: int, num_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(num_in, num_out, bias=False)
        self.bias = nn.Parameter(torch.zeros(num_out))
        nn.init.xavier_uniform_(self.linear.weight)

    def forward(self, x_NF: Tensor, edge_index: Tensor) -> Tensor:
        """Read the neighbours."""
        sources_E, targets_E = with_self_loops(edge_index, len(x_NF))
        degrees_N = torch.bincount(targets_E, minlength=len(x_NF))
        scale_N1 = degrees_N.to(x_NF.dtype).rsqrt()[:, None]
        sent_NO = scale_N1 * self.linear(x_NF)
        return scale_N1 * summed(sent_NO[sources_E], targets_E, len(x_NF)) + self.bias


class GATLayer(nn.Module):
    """Attention of each node over its neighbours and itself: `(N, F) -> (N, H C)`, or `(N, C)` with averaged heads."""

    def __init__(self, num_in: int, num_out: int, num_heads: int, *, dropout: float, average: bool) -> None:
        super().__init__()
        self.average = average
        size = num_out if average else num_out // num_heads
        self.linear = nn.Linear(num_in, num_heads * size, bias=False)
        self.attention_source = nn.Parameter(torch.empty(num_heads, size))
        self.attention_target = nn.Parameter(torch.empty(num_heads, size))
        self.bias = nn.Parameter(torch.zeros(num_out))
        self.dropout = nn.Dropout(dropout)
        for weight in (self.linear.weight, self.attention_source, self.attention_target):
            nn.init.xavier_uniform_(weight)

    def forward(self, x_NF: Tensor, edge_index: Tensor) -> Tensor:
        """Read the neighbours."""
        sources_E, targets_E = with_self_loops(edge_index, len(x_NF))
        h_NHC = self.linear(x_NF).unflatten(1, self.attention_source.shape)
        alpha_EH = self.dropout(self.attention(h_NHC, sources_E, targets_E))
        y_NHC = summed(alpha_EH[:, :, None] * h_NHC[sources_E], targets_E, len(x_NF))
        return (y_NHC.mean(1) if self.average else y_NHC.flatten(1)) + self.bias

    def attention(self, h_NHC: Tensor, sources_E: Tensor, targets_E: Tensor) -> Tensor:
        """Give the weight of every edge, (E, H); those of the edges that arrive at a node sum to one."""
        from_NH = (h_NHC * self.attention_source).sum(-1)
        to_NH = (h_NHC * self.attention_target).sum(-1)
        scores_EH = F.leaky_relu(from_NH[sources_E] + to_NH[targets_E], NEGATIVE_SLOPE)
        index_EH = targets_E[:, None].expand_as(scores_EH)
        top_NH = torch.full_like(to_NH, -torch.inf).scatter_reduce(0, index_EH, scores_EH.detach(), "amax")
        grown_EH = (scores_EH - top_NH[targets_E]).exp()  # at most 1: no sum overflows
        return grown_EH / summed(grown_EH, targets_E, len(h_NHC))[targets_E]


class SAGELayer(nn.Module):
    """The mean over the neighbours through one matrix, the node itself through another: `(N, F) -> (N, O)`."""

    def __init__(self, num_in: int, num_out: int) -> None:
        super().__init__()
        self.neighbours = nn.Linear(num_in, num_out, bias=False)
        self.root = nn.Linear(num_in, num_out)
        for linear in (self.neighbours, self.root):
            nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(self.root.bias)

    def forward(self, x_NF: Tensor, edge_index: Tensor) -> Tensor:
        """Read the neighbours."""
        sources_E, targets_E = edge_index
        sent_NO = self.neighbours(x_NF)  # before the mean, which is as linear as the matrix
        return self.root(x_NF) + averaged(sent_NO[sources_E], targets_E, len(x_NF))


def with_self_loops(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Give the edges with exactly one from every node to itself, at the end."""
    others = edge_index[:, edge_index[0] != edge_index[1]]
    return torch.cat([others, torch.arange(num_nodes, device=edge_index.device).expand(2, -1)], dim=1)


def summed(rows: Tensor, index: Tensor, size: int) -> Tensor:
    """Sum the rows that go to the same place: `(E, ...) -> (size, ...)`."""
    return rows.new_zeros(size, *rows.shape[1:]).index_add(0, index, rows)


def averaged(rows: Tensor, index: Tensor, size: int) -> Tensor:
    """Average the rows that go to the same place: `(E, O) -> (size, O)`; zeros where none does."""
    counts = torch.bincount(index, minlength=size).clamp(min=1)
    return summed(rows, index, size) / counts.to(rows.dtype)[:, None]


def read_out(x_NK: Tensor, graph_index: Tensor, readout: str) -> Tensor:
    """Make one row of the nodes of each graph, (G, K)."""
    num_graphs = int(graph_index.max()) + 1
    if readout == "max":
        index_NK = graph_index[:, None].expand_as(x_NK)
        return torch.full_like(x_NK[:num_graphs], -torch.inf).scatter_reduce(0, index_NK, x_NK, "amax")
    return (averaged if readout == "mean" else summed)(x_NK, graph_index, num_graphs)


def _layer(config: ModelConfig, num_in: int, num_out: int, *, is_last: bool) -> nn.Module:
    if config.layer == "gcn":
        return GCNLayer(num_in, num_out)
    if config.layer == "sage":
        return SAGELayer(num_in, num_out)
    num_heads = config.num_output_heads if is_last else config.num_heads
    return GATLayer(num_in, num_out, num_heads, dropout=config.dropout, average=is_last)


def build_model(**config: Any) -> GraphNetwork:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return GraphNetwork(ModelConfig(**config))
