"""The graph network against torch_geometric's layers, after a copy of their weights."""

from importlib import import_module

import pytest
import torch
from torch.nn.functional import elu, relu

from mlexpert_nb.catalogue.families.graph_network.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.graph_network.model.graph_network import GraphNetwork

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated"),  # torch_geometric compiles as it is imported
]

KEYS = {"in_features": 12, "hidden_size": 16, "num_layers": 3, "num_classes": 5, "num_heads": 4, "num_output_heads": 3}


class Theirs(torch.nn.Module):
    """Three of their layers with activations between them."""

    def __init__(self, library, layer):
        super().__init__()
        self.layer = layer
        if layer == "gat":
            gat = library.GATConv
            layers = [gat(12, 4, heads=4), gat(16, 4, heads=4), gat(16, 5, heads=3, concat=False)]
        else:
            kind = {"gcn": library.GCNConv, "sage": library.SAGEConv}[layer]
            layers = [kind(12, 16), kind(16, 16), kind(16, 5)]
        self.layers = torch.nn.ModuleList(layers)

    def forward(self, x, edge_index):
        for layer in self.layers[:-1]:
            x = (elu if self.layer == "gat" else relu)(layer(x, edge_index))
        return self.layers[-1](x, edge_index)


@pytest.fixture(name="library")
def _library():
    return import_module("torch_geometric.nn")


def pairs(layer, ours, theirs):
    """Give their parameter for each of ours."""
    named = {
        "gcn": {"linear.weight": "lin.weight", "bias": "bias"},
        "gat": {
            "linear.weight": "lin.weight",
            "attention_source": "att_src",
            "attention_target": "att_dst",
            "bias": "bias",
        },
        "sage": {"neighbours.weight": "lin_l.weight", "root.weight": "lin_r.weight", "root.bias": "lin_l.bias"},
    }[layer]
    for mine, other in zip(ours.layers, theirs.layers, strict=True):
        yield from ((mine.get_parameter(name), other.get_parameter(named[name])) for name in named)


def built(library, layer):
    """Build both networks in float64, ours with the weights of theirs."""
    ours, theirs = (
        GraphNetwork(ModelConfig(**KEYS, layer=layer)).double().eval(),
        Theirs(library, layer).double().eval(),
    )
    for mine, other in pairs(layer, ours, theirs):
        other.data.add_(0.1 * torch.randn_like(other))  # their biases start at zero
        mine.data.copy_(other.data.view_as(mine))
    return ours, theirs


def graph(num_nodes=40):
    """Draw a directed graph with parallel edges, self-loops and a node that nobody speaks to."""
    edge_index = torch.randint(num_nodes, (2, 120))
    edge_index = edge_index[:, edge_index[1] != 3]
    loops = torch.tensor([[5, 6], [5, 6]])
    edge_index = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], edge_index[:, :4], loops], dim=1).unique(
        dim=1
    )
    return torch.randn(num_nodes, 12, dtype=torch.float64), torch.cat([edge_index, edge_index[:, :3]], dim=1)


@pytest.mark.parametrize("layer", ["gcn", "gat", "sage"])
def test_outputs_and_gradients_are_theirs(library, layer, figures):
    ours, theirs = built(library, layer)
    x, edge_index = graph()
    y, z = ours(x, edge_index), theirs(x, edge_index)
    weights = torch.randn_like(y)
    (weights * y).square().sum().backward()
    (weights * z).square().sum().backward()
    gradient = max((a.grad - b.grad.view_as(a)).abs().max().item() for a, b in pairs(layer, ours, theirs))
    output32 = (ours.float()(x.float(), edge_index) - theirs.float()(x.float(), edge_index)).abs().max().item()
    figures.add(
        entry="graph-network",
        oracle=f"torch_geometric {type(theirs.layers[0]).__name__}",
        output=(y - z).abs().max().item(),
        output_float32=output32,
        gradient=gradient,
        parameters=(count_parameters(ours.config), sum(p.numel() for p in theirs.parameters())),
    )


@pytest.mark.parametrize(
    ("readout", "pool"), [("mean", "global_mean_pool"), ("sum", "global_add_pool"), ("max", "global_max_pool")]
)
def test_the_readout_of_graphs_is_theirs(library, readout, pool, figures):
    ours, theirs = built(library, "gcn")
    ours = GraphNetwork(ModelConfig(**KEYS, readout=readout)).double().eval()
    for mine, other in pairs("gcn", ours, theirs):
        mine.data.copy_(other.data)
    x, edge_index = graph()
    graph_index = torch.arange(40) // 10
    pooled = getattr(library, pool)(theirs(x, edge_index), graph_index)
    difference = ours(x, edge_index, graph_index) - pooled
    figures.add("graph-network", f"torch_geometric {pool}", output=difference.abs().max().item())
