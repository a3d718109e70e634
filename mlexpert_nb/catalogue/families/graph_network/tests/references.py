"""Small networks and graphs for the tests, and the papers' equations in dense matrices or node by node."""

import torch
from torch.nn.functional import elu, relu

from model import build_model

SMALL = {
    "layer": "gcn",
    "in_features": 5,
    "hidden_size": 6,
    "num_layers": 3,
    "num_classes": 4,
    "num_heads": 3,
    "num_output_heads": 2,
    "residual": False,
    "readout": "mean",
    "dropout": 0.0,
}
LAYERS = ("gcn", "gat", "sage")


def small_model(layer, **changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, "layer": layer, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def small_graph(num_nodes=7):
    """Draw features and edges: directed, one double, a self-loop at node 2, and the last node stands alone."""
    edges = [(0, 1), (1, 0), (0, 2), (0, 2), (2, 2), (3, 0), (4, 3), (5, 3), (1, 4), (3, 5), (2, 4), (5, 1)]
    return torch.randn(num_nodes, 5, dtype=torch.float64), torch.tensor(edges).T


def adjacency(edge_index, num_nodes, *, loops):
    """Count the edges into row i from column j; with loops each node has exactly one edge to itself."""
    A = torch.zeros(num_nodes, num_nodes, dtype=torch.float64)
    for source, target in edge_index.T.tolist():
        A[target, source] += 1
    if loops:
        A.fill_diagonal_(1.0)
    return A


def gcn(x, edge_index, layer):
    """Multiply D^-1/2 (A + I) D^-1/2 H W and add the bias (GCN eq. 2)."""
    A = adjacency(edge_index, len(x), loops=True)
    D = torch.diag(A.sum(1) ** -0.5)
    return D @ A @ D @ x @ layer.linear.weight.T + layer.bias


def sage(x, edge_index, layer):
    """Concatenate each node with the mean of its neighbours, and multiply (SAGE algorithm 1)."""
    rows = []
    for node in range(len(x)):
        heard = [x[source] for source, target in edge_index.T.tolist() if target == node]
        mean = torch.stack(heard).mean(0) if heard else torch.zeros_like(x[0])
        rows.append(torch.cat([x[node], mean]))
    weight = torch.cat([layer.root.weight, layer.neighbours.weight], dim=1)
    return torch.stack(rows) @ weight.T + layer.root.bias


def gat(x, edge_index, layer):
    """Attend one node and one head at a time (GAT eq. 1 to 6)."""
    num_heads, size = layer.attention_source.shape
    A = adjacency(edge_index, len(x), loops=True)
    heads = []
    for head in range(num_heads):
        W = layer.linear.weight[head * size : (head + 1) * size]
        a = torch.cat([layer.attention_target[head], layer.attention_source[head]])
        h, rows = x @ W.T, []
        for i in range(len(x)):
            score = {j: a @ torch.cat([h[i], h[j]]) for j in range(len(x)) if A[i, j]}
            grown = {j: A[i, j] * torch.exp(e if e > 0 else 0.2 * e) for j, e in score.items()}
            rows.append(sum(weight * h[j] for j, weight in grown.items()) / sum(grown.values()))
        heads.append(torch.stack(rows))
    return (sum(heads) / num_heads if layer.average else torch.cat(heads, dim=1)) + layer.bias


def logits(x, edge_index, model):
    """Classify the nodes."""
    step = {"gcn": gcn, "gat": gat, "sage": sage}[model.config.layer]
    activation = elu if model.config.layer == "gat" else relu
    for index, layer in enumerate(model.layers[:-1]):
        skipped = x if model.config.residual and index > 0 else 0
        x = activation(step(x, edge_index, layer)) + skipped
    return step(x, edge_index, model.layers[-1])
