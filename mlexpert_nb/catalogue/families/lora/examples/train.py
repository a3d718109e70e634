"""Adapt a network to a new task and keep the old one: digits, then the same digits seen in a mirror, by adapters alone.

    python examples/train.py                 a few seconds on a CPU
    python examples/train.py --kind dora

A small network learns scikit-learn's digits with every weight. Then the digits are transposed, which it cannot read;
only the adapters are trained, and without them the old task is as it was, bit for bit.
"""

import argparse
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import ModelConfig, adapter_state_dict, functional
from model.lora import adapt, base_model

CONFIG = {
    "in_features": 64,
    "hidden_size": 64,
    "num_layers": 2,
    "num_classes": 10,
    "alpha": 16.0,
    "dropout": 0.0,
    "targets": ("fc1", "fc2"),
}


def main() -> None:
    """Pretrain, adapt, and compare on digits that neither step saw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps of each of the two tasks")
    parser.add_argument("--kind", choices=("lora", "dora"), default="lora", help="kind of adapter")
    parser.add_argument("--rank", type=int, default=4, help="rank of the adapters")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, split and batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train, test = digits(args.seed)
    mirrored = [(transpose(x), y) for x, y in (train, test)]
    config = ModelConfig(**CONFIG, kind=args.kind, rank=args.rank)
    model = base_model(config)
    fit(model, *train, args.steps, "digits")
    old = accuracy(model, *test)
    print(f"digits it was trained on: test accuracy {old:.3f}; transposed: {accuracy(model, *mirrored[1]):.3f}")
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    adapt(model)
    fit(model, *mirrored[0], args.steps, "transposed")
    adapters = adapter_state_dict(model)
    share = sum(value.numel() for value in adapters.values()) / sum(p.numel() for p in model.parameters())
    new = accuracy(model, *mirrored[1])
    again = base_model(config)
    again.load_state_dict(kept)
    print(f"the old task, without the adapters: test accuracy {accuracy(again, *test):.3f}")
    print(f"transposed, after training {share:.1%} of the weights: test accuracy {new:.3f} (chance 0.10)")


def digits(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Give (images, classes) for training and, held out and of the same classes in the same shares, for the test."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16 - 0.5, labels, test_size=0.25, random_state=seed, stratify=labels)
    x, x_test, y, y_test = (torch.from_numpy(part) for part in parts)
    return (x.float(), y.long()), (x_test.float(), y_test.long())


def transpose(x: Tensor) -> Tensor:
    """Mirror images of 8 x 8 pixels at their diagonal."""
    return x.view(-1, 8, 8).transpose(1, 2).flatten(1)


def fit(model: nn.Module, x: Tensor, labels: Tensor, steps: int, name: str) -> None:
    """Train what is not frozen."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=5e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    model.train()
    for step in range(1, steps + 1):
        rows = torch.randint(len(x), (64,))
        loss = functional.loss(model, {"x": x[rows]}, {"labels": labels[rows]})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == steps:
            print(f"{name}: step {step:4d}  loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Give the share of images that are read rightly."""
    model.eval()
    return (model(x).argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main()
