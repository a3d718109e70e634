"""Does a network over a graph see the order in which the nodes and the edges happen to stand.

Shapes: B nodes, E edges.
"""

import torch

from mlexpert_nb.verify.behaviour.measures.repeating import distance
from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.subject import PAIR, Subject


def node_equivariance(subject: Subject) -> tuple[Behaviour, ...]:
    """Put the nodes and the edges into another order: outputs with a row a node follow, all others stay."""
    graphs = [slot for slot in subject.reading.slots if slot.kind == "edges"]
    if not graphs:
        return ()
    inputs, generator = subject.draw(seed=1), torch.Generator().manual_seed(0)
    edges = inputs[graphs[0].name]
    order = torch.randperm(PAIR, generator=generator)
    shuffled = torch.randperm(edges.shape[1], generator=generator)
    changed = {graphs[0].name: order.argsort()[edges[:, shuffled]]}
    for slot in subject.reading.slots:
        if slot.shape[:1] == ("B",):
            changed[slot.name] = inputs[slot.name][order]
        elif slot.shape[:1] == ("E",):
            changed[slot.name] = inputs[slot.name][shuffled]
    axes = subject.batch_axes()
    before = subject.run(subject.fresh(), inputs)
    follows = {name: each.index_select(axes[name], order) if name in axes else each for name, each in before.items()}
    moved = distance(follows, subject.run(subject.fresh(), {**inputs, **changed}))
    return (
        Behaviour(
            "node_equivariance",
            moved <= subject.loose,
            must="node_equivariant" in subject.claims,
            measured=f"with nodes and edges in another order the outputs were off by {moved:.1e}",
            fix="join neighbours by a sum, a mean or a maximum (index_add, scatter), and give no node a place",
        ),
    )
