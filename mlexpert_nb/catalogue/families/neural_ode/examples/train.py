"""Read handwritten digits with a differential equation, and see what of it the equation does.

    python examples/train.py                     a few seconds on a CPU
    python examples/train.py --method dopri5     steps that the solver chooses

The 1,797 digits come with scikit-learn; a quarter is held out, with the same share of every digit.
"""

import argparse
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import NeuralODE, build_model, functional

SMALL = {
    "in_features": 64,
    "num_classes": 10,
    "hidden_size": 64,
    "mlp_dim": 64,
    "num_layers": 2,
    "end_time": 1.0,
    "num_steps": 4,
    "rtol": 1e-3,
    "atol": 1e-3,
    "gradient": "backprop",
}
EVERY = 50


def main() -> None:
    """Train, then measure the accuracy on the digits that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps")
    parser.add_argument("--method", choices=("euler", "midpoint", "rk4", "dopri5"), default="rk4", help="solver")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y, x_test, y_test = digits(args.seed)
    model = build_model(**SMALL, method=args.method)
    fit(model, x, y, args.steps)
    model.eval()
    print(f"with the equation left out {accuracy(nn.Sequential(model.stem, model.head), x_test, y_test):.3f}")
    print(f"test accuracy {accuracy(model, x_test, y_test):.3f} (chance 0.10)")


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give images and classes to learn from, then the same of the held-out digits; pixels lie between -1 and 1."""
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images / 8 - 1, labels, test_size=0.25, random_state=seed, stratify=labels)
    return torch.tensor(x).float(), torch.tensor(y), torch.tensor(x_test).float(), torch.tensor(y_test)


def fit(model: NeuralODE, x: Tensor, labels: Tensor, steps: int) -> None:
    """Take the optimiser steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    model.train()
    for step in range(1, steps + 1):
        rows = torch.randint(len(x), (64,))
        loss = functional.loss(model, {"x_BI": x[rows]}, {"labels": labels[rows]})
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % EVERY == 0 or step == steps:
            print(f"step {step:4d}  loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Give the share of images that are read rightly."""
    return (model(x).argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main()
