"""Predict how far diabetes goes within a year, from ten numbers about a patient, beside a ridge regression.

    python examples/train.py                  a few seconds on one CPU core
    python examples/train.py --seed 1

The 442 patients come with scikit-learn; a quarter of them is held out. One layer is
a sum of ten curves; a second one lets the ten act on each other. The grid is refined halfway, as in the paper.
"""

import argparse
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import KolmogorovArnoldNetwork, build_model, functional, refine

SMALL = {"in_features": 10, "out_features": 1, "hidden_size": 2, "grid_size": 2, "spline_order": 3, "grid_limit": 3.0}
EVERY = 50


def main() -> None:
    """Train on a coarse grid, then on a finer one; compare on patients that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--steps", type=int, default=200, help="optimiser steps of a network, half of them on each grid"
    )
    parser.add_argument("--decay", type=float, default=3.0, help="weight decay; there are few patients")
    parser.add_argument("--seed", type=int, default=0, help="seed of split and weights")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y, x_test, y_test = diabetes(args.seed)
    scores = []
    for num_layers in (1, 2):
        model = build_model(**SMALL, num_layers=num_layers, task="regression")
        fit(model, x, y, args.steps // 2, args.decay)
        model = refine(model, 2 * model.config.grid_size)
        fit(model, x, y, args.steps - args.steps // 2, args.decay)
        model.eval()
        with torch.no_grad():
            scores.append(r2(model(x_test), y_test))
    ridge = Ridge(alpha=1.0).fit(x.numpy(), y.numpy()).predict(x_test.numpy())
    linear = r2(torch.from_numpy(ridge).view_as(y_test), y_test)
    print(f"test R2 {scores[0]:.3f} of one layer, {scores[1]:.3f} of two (ridge {linear:.3f}, mean 0.000)")


def diabetes(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give inputs and target to learn from, and the same of held-out patients, in units of the former."""
    features, targets = load_diabetes(return_X_y=True)
    x, x_test, y, y_test = train_test_split(features, targets[:, None], test_size=0.25, random_state=seed)
    for_x, for_y = StandardScaler().fit(x), StandardScaler().fit(y)
    scaled = (for_x.transform(x), for_y.transform(y), for_x.transform(x_test), for_y.transform(y_test))
    x, y, x_test, y_test = (torch.from_numpy(part).float() for part in scaled)
    return x, y, x_test, y_test


def fit(model: KolmogorovArnoldNetwork, x: Tensor, y: Tensor, steps: int, decay: float) -> None:
    """Take steps on all patients at once."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=decay)
    model.train()
    for step in range(1, steps + 1):
        loss = functional.loss(model, {"x_BI": x}, {"values": y})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % EVERY == 0 or step == steps:
            name = f"{model.config.num_layers} layers, grid of {model.config.grid_size}"
            print(f"{name}: step {step:4d}  loss {loss.item():.3f}", flush=True)


def r2(predicted: Tensor, truth: Tensor) -> float:
    """Give the share of the variance that a prediction explains."""
    return 1 - ((predicted - truth).square().sum() / (truth - truth.mean()).square().sum()).item()


if __name__ == "__main__":
    main()
