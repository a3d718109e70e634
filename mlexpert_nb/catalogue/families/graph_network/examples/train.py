"""Train a graph network on handwritten digits of which few have a label: their neighbours in a graph tell the rest.

    python examples/train.py                  under a minute on a CPU
    python examples/train.py --layer gat      with another layer: gcn, gat or sage

The 1,797 digits come with scikit-learn. Each is a node; an edge joins it to the digits whose pixels are nearest to its
own. The graph is made of pixels alone. Five digits of every class have a label that training sees (as in Kipf and
Welling, the others are in the graph without theirs); a fifth of the rest chooses the step, the others are the test.
Logistic regression on the same labels, without the graph, shows what the graph is worth.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import GraphNetwork, build_model

SMALL = {
    "in_features": 64,
    "hidden_size": 64,
    "num_layers": 2,
    "num_classes": 10,
    "num_heads": 8,
    "num_output_heads": 1,
    "residual": False,
    "dropout": 0.5,
}
NEIGHBOURS = 8
LABELLED = 5  # of every class
EVERY = 25


class Split(NamedTuple):
    """Which nodes are trained on, which choose the step, and which are the test."""

    train: Tensor
    validation: Tensor
    test: Tensor


def main() -> None:
    """Train, then measure the accuracy on the digits whose labels were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--layer", default="gcn", help="gcn, gat or sage")
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps")
    parser.add_argument("--lr", type=float, default=1e-2, help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and dropout")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, labels = digits()
    edge_index, split = neighbour_graph(x), split_nodes(labels, args.seed)
    model = build_model(**{**SMALL, "layer": args.layer})
    size = sum(p.numel() for p in model.parameters())
    print(f"{size:,} parameters, {len(x):,} nodes, {edge_index.shape[1]:,} edges, {len(split.train)} labels")
    fit(model, (x, edge_index, labels), split, args)
    found = accuracy(model, (x, edge_index, labels), split.test)
    print(f"test accuracy {found:.3f} (logistic regression without the graph {baseline(x, labels, split):.3f})")


def digits() -> tuple[Tensor, Tensor]:
    """Give the pixels of every digit, between 0 and 1, and its class."""
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images).float() / 16, torch.tensor(labels)


def neighbour_graph(x: Tensor) -> Tensor:
    """Join every node to its nearest others, both ways, each edge once: (2, E)."""
    distances = torch.cdist(x, x).fill_diagonal_(torch.inf)
    near = distances.topk(NEIGHBOURS, largest=False).indices
    nodes = torch.arange(len(x))[:, None].expand_as(near)
    pairs = torch.stack([near.flatten(), nodes.flatten()])
    return torch.cat([pairs, pairs.flip(0)], dim=1).unique(dim=1)


def split_nodes(labels: Tensor, seed: int) -> Split:
    """Draw the labelled nodes, the same number of every class; a fifth of the rest is for validation."""
    classes = int(labels.max()) + 1
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    train = torch.cat([order[labels[order] == each][:LABELLED] for each in range(classes)])
    rest = torch.tensor(sorted(set(range(len(labels))) - set(train.tolist())))
    parts = train_test_split(rest.numpy(), test_size=0.8, stratify=labels[rest].numpy(), random_state=seed)
    return Split(train, *map(torch.tensor, parts))


def fit(model: GraphNetwork, data: tuple[Tensor, Tensor, Tensor], split: Split, args: argparse.Namespace) -> None:
    """Take the optimiser steps; leave the weights that did best on the validation nodes."""
    x, edge_index, labels = data
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=5e-3)
    started, best, kept = time.perf_counter(), -1.0, model.state_dict()
    for step in range(1, args.steps + 1):
        model.train()
        loss = F.cross_entropy(model(x, edge_index)[split.train], labels[split.train])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % EVERY == 0 or step == args.steps:
            found = accuracy(model, data, split.validation)
            if found > best:
                best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
            seconds = time.perf_counter() - started
            print(f"step {step:4d}  loss {loss:.3f}  validation accuracy {found:.3f}  {seconds:5.1f} s", flush=True)
    model.load_state_dict(kept)


@torch.no_grad()
def accuracy(model: GraphNetwork, data: tuple[Tensor, Tensor, Tensor], nodes: Tensor) -> float:
    """Give the share of these nodes whose most likely class is the right one."""
    x, edge_index, labels = data
    model.eval()
    return (model(x, edge_index).argmax(1) == labels)[nodes].float().mean().item()


def baseline(x: Tensor, labels: Tensor, split: Split) -> float:
    """Give the accuracy of logistic regression on the same labels; its strength is chosen on the validation nodes."""
    pixels, classes = x.numpy(), labels.numpy()
    train, validation, test = (part.numpy() for part in split)
    fits = [LogisticRegression(C=C, max_iter=2000).fit(pixels[train], classes[train]) for C in (0.1, 1.0, 10.0)]
    best = max(fits, key=lambda each: each.score(pixels[validation], classes[validation]))
    return best.score(pixels[test], classes[test])


if __name__ == "__main__":
    main()
