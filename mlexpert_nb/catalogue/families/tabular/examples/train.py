"""Train a network on the columns of a table, and compare it with a linear model on the same rows.

    python examples/train.py                                breast cancer: 30 numbers, benign or malignant
    python examples/train.py --data diabetes                diabetes: 9 numbers and a category, the disease a year later
    python examples/train.py --kind resnet                  with the other network

The tables come with scikit-learn. A fifth of the rows is the test, a fifth of the others chooses the step; scales are
those of the rows that training sees, for both models. On tables as small and as linear as these a linear model is hard
to beat: it is shown beside the network to say what the network is worth here.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import build_model, functional

SMALL = {
    "hidden_size": 32,
    "num_layers": 2,
    "num_heads": 4,
    "ffn_size": 48,
    "embedding_size": 8,
    "attention_dropout": 0.2,
    "ffn_dropout": 0.2,
    "residual_dropout": 0.0,
}
EVERY = 25

Rows = tuple[dict[str, Tensor], dict[str, Tensor]]  # inputs and targets


class Table(NamedTuple):
    """A table in three parts, scaled for networks; the linear model sees the same numbers."""

    task: str
    train: Rows
    validation: Rows
    test: Rows
    keys: dict[str, object]


def main() -> None:
    """Train, then measure on the rows that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default="breast_cancer", choices=["breast_cancer", "diabetes"])
    parser.add_argument("--kind", default="ft_transformer", choices=["ft_transformer", "resnet"])
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=64, help="rows in a batch")
    parser.add_argument("--lr", type=float, default=2e-3, help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; so small a network gains little")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    table = load(args.data, args.seed)
    model = build_model(**SMALL, kind=args.kind, task=table.task, **table.keys)
    sizes = [len(part[0]["x_num"]) for part in (table.train, table.validation, table.test)]
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters; rows to train, choose and test: {sizes}")
    fit(model, table, args)
    print(report(table, score(model, table.test), linear_score(table)))


def load(name: str, seed: int) -> Table:
    """Split a table, then scale its numbers, and the numbers to predict, by the training rows."""
    is_diabetes = name == "diabetes"
    data = load_diabetes(scaled=False) if is_diabetes else load_breast_cancer()
    columns = [n for n in range(data.data.shape[1]) if not (is_diabetes and data.feature_names[n] == "sex")]
    numbers, wanted = data.data[:, columns], data.target
    sexes = data.data[:, data.feature_names.index("sex")] - 1 if is_diabetes else None
    parts = split(len(wanted), None if is_diabetes else wanted, seed)
    mean, std = numbers[parts[0]].mean(0), numbers[parts[0]].std(0)
    middle, spread = (wanted[parts[0]].mean(), wanted[parts[0]].std()) if is_diabetes else (0.0, 1.0)
    made: list[Rows] = []
    for rows in parts:
        inputs = {"x_num": torch.tensor((numbers[rows] - mean) / std).float()}
        if sexes is not None:
            inputs["x_cat"] = torch.tensor(sexes[rows]).long()[:, None]
        scaled = torch.tensor((wanted[rows] - middle) / spread)
        made.append((inputs, {"values": scaled.float()[:, None]} if is_diabetes else {"labels": scaled.long()}))
    keys: dict[str, object] = {"num_features": len(columns), "cardinalities": (2,) if is_diabetes else ()}
    keys["num_outputs"] = 1 if is_diabetes else 2
    return Table("regression" if is_diabetes else "classification", made[0], made[1], made[2], keys)


def split(count: int, classes: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the rows of the three parts, with the same share of every class."""
    rest, test = train_test_split(np.arange(count), test_size=0.2, stratify=classes, random_state=seed)
    kept = None if classes is None else classes[rest]
    train, validation = train_test_split(rest, test_size=0.2, stratify=kept, random_state=seed)
    return train, validation, test


def fit(model: nn.Module, table: Table, args: argparse.Namespace) -> None:
    """Take the optimiser steps; leave the weights that did best on the validation rows."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    inputs, targets = table.train
    started, best, kept = time.perf_counter(), float("inf"), model.state_dict()
    for step in range(1, args.steps + 1):
        model.train()
        chosen = torch.randint(len(inputs["x_num"]), (args.batch,))
        picked = [{name: rows[chosen] for name, rows in part.items()} for part in (inputs, targets)]
        loss = functional.loss(model, *picked)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % EVERY == 0 or step == args.steps:
            found = held_out_loss(model, table.validation)
            if found < best:
                best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
            seconds = time.perf_counter() - started
            print(f"step {step:4d}  loss {loss:.3f}  validation loss {found:.3f}  {seconds:5.1f} s", flush=True)
    model.load_state_dict(kept)


@torch.no_grad()
def held_out_loss(model: nn.Module, rows: Rows) -> float:
    """Give the loss on rows, without dropout."""
    model.eval()
    return functional.loss(model, *rows).item()


@torch.no_grad()
def score(model: nn.Module, rows: Rows) -> float:
    """Give the accuracy, or the share of the variance that is explained (R^2)."""
    model.eval()
    inputs, targets = rows
    output = model(**inputs)
    if "labels" in targets:
        return (output.argmax(1) == targets["labels"]).float().mean().item()
    wanted = targets["values"]
    return 1 - ((output - wanted) ** 2).sum().item() / ((wanted - wanted.mean()) ** 2).sum().item()


def linear_score(table: Table) -> float:
    """Give the score of the linear model; its strength is chosen on the validation rows, as the network's step is."""
    parts = [
        (columns(inputs), next(iter(targets.values())).flatten().numpy())
        for inputs, targets in (table.train, table.validation, table.test)
    ]
    strengths = (0.01, 0.1, 1.0, 10.0, 100.0)
    if table.task == "classification":
        fitted = [LogisticRegression(C=C, max_iter=2000).fit(*parts[0]) for C in strengths]
    else:
        fitted = [Ridge(alpha=alpha).fit(*parts[0]) for alpha in strengths]
    return max(fitted, key=lambda each: each.score(*parts[1])).score(*parts[2])


def columns(inputs: dict[str, Tensor]) -> np.ndarray:
    """Give all columns side by side; the only category there is has two values."""
    return torch.cat([part.float() for part in inputs.values()], dim=1).numpy()


def report(table: Table, reached: float, linear: float) -> str:
    """Say what was measured, beside what costs nothing and the linear model."""
    if table.task == "regression":
        return f"test R2 {reached:.3f} (the mean 0.000, ridge regression {linear:.3f})"
    share = table.test[1]["labels"].bincount().max().item() / len(table.test[1]["labels"])
    return f"test accuracy {reached:.3f} (the commoner class {share:.3f}, logistic regression {linear:.3f})"


if __name__ == "__main__":
    main()
