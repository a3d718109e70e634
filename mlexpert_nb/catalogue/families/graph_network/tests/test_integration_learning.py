"""From end to end: the network learns a graph by heart, and what only neighbours tell."""

import pytest
import torch
from references import LAYERS, SMALL

from model import ModelConfig, build_model, functional


def train(model, batches, lr=1e-2):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for inputs, targets in batches:
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("layer", LAYERS)
def test_one_graph_is_learned_by_heart(layer):
    keys = {**SMALL, "layer": layer, "num_layers": 2, "in_features": 64, "hidden_size": 24}
    fixed = functional.example_batch(ModelConfig(**keys), 4, 0)
    model = build_model(**keys)
    first = functional.loss(model, *fixed).item()
    assert train(model, [fixed] * 150) < 0.1 * first


def communities(rows=60):
    """Draw nodes of four groups that know nothing of themselves: only what they hear from three others tells."""
    groups = torch.randint(4, (rows,))
    signs = torch.nn.functional.one_hot(groups, 4) + 0.3 * torch.randn(rows, 4)
    hubs = torch.cat([signs, torch.zeros(rows, 4)])
    x = torch.cat([hubs, torch.randn(2 * rows, 1)], dim=1)
    edges = []
    for node, group in enumerate(groups.tolist()):
        alike = (groups == group).nonzero().flatten()
        edges += [(int(alike[pick]), rows + node) for pick in torch.randint(len(alike), (3,))]
    return x, torch.tensor(edges).T, groups


@pytest.mark.parametrize("layer", LAYERS)
def test_it_learns_what_only_the_neighbours_tell(layer):
    model = build_model(**{**SMALL, "layer": layer, "num_layers": 2, "hidden_size": 24})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        x, edges, groups = communities()
        loss = torch.nn.functional.cross_entropy(model(x, edges)[60:], groups)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, edges, groups = communities()
    read = model.eval()(x, edges)[60:].argmax(1)
    assert (read == groups).double().mean() > 0.9


def marked_graphs(rows=40):
    """Draw rings of five nodes; in each graph one node is marked, by the feature that is the graph's class."""
    labels = torch.randint(4, (rows,))
    x = 0.3 * torch.randn(rows, 5, 5)
    x[torch.arange(rows), torch.randint(5, (rows,)), labels] += 3.0
    steps = torch.arange(5)
    ring = torch.cat([torch.stack([steps, (steps + 1) % 5]), torch.stack([(steps + 1) % 5, steps])], dim=1)
    edges = torch.cat([ring + 5 * graph for graph in range(rows)], dim=1)
    graph_index = torch.arange(rows).repeat_interleave(5)
    return {"x": x.flatten(0, 1), "edge_index": edges, "graph_index": graph_index}, {"labels": labels}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("readout", ["mean", "sum", "max"])
def test_it_learns_what_one_node_says_about_its_graph(layer, readout):
    model = build_model(**{**SMALL, "layer": layer, "num_layers": 2, "hidden_size": 24, "readout": readout})
    train(model, (marked_graphs() for _ in range(100)))
    inputs, targets = marked_graphs(100)
    assert (model.eval()(**inputs).argmax(1) == targets["labels"]).double().mean() > 0.9
