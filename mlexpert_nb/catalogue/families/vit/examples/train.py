"""Train a small Vision Transformer on handwritten digits, and see what it reads of those that it never saw.

    python examples/train.py                  under a minute on one CPU core
    python examples/train.py --steps 2000     for a little more accuracy

The 1,797 digits come with scikit-learn; a fifth is held out, with the same share of every digit.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import VisionTransformer, build_model

SMALL = {
    "image_size": 8,
    "patch_size": 2,
    "num_channels": 1,
    "num_classes": 10,
    "hidden_size": 64,
    "num_layers": 2,
    "num_heads": 4,
    "mlp_dim": 128,
    "dropout": 0.1,
}
WARM_UP = 0.1  # of the steps
EVERY = 50


def main() -> None:
    """Train, then measure the accuracy on the digits that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=400, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=64, help="images in a batch")
    parser.add_argument("--lr", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help matrices this small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_images, test_images, train_labels, test_labels = digits(args.seed)
    model = build_model(**SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_images):,} digits to learn from")
    fit(model, train_images, train_labels, args)
    print(f"test accuracy {accuracy(model, test_images, test_labels):.3f} (chance 0.100)")


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give training images, test images, training labels and test labels; pixels lie between -1 and 1."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    train_images, test_images = (torch.tensor(part).float().view(-1, 1, 8, 8) / 8 - 1 for part in parts[:2])
    return train_images, test_images, torch.tensor(parts[2]), torch.tensor(parts[3])


def fit(model: VisionTransformer, images: Tensor, labels: Tensor, args: argparse.Namespace) -> None:
    """Take the optimiser steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    started, losses = time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        chosen = torch.randint(len(images), (args.batch,))
        loss = F.cross_entropy(model(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % EVERY == 0 or step == args.steps:
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            print(f"step {step:5d}  loss {recent:.3f}  {time.perf_counter() - started:5.1f} s", flush=True)


def warm_cosine(step: int, steps: int) -> float:
    """Rise linearly, then fall along half a cosine to nothing."""
    done = min(step / steps, 1.0)
    return min((done + 1 / steps) / WARM_UP, 1.0) * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def accuracy(model: VisionTransformer, images: Tensor, labels: Tensor) -> float:
    """Give the share of images whose most likely class is the right one."""
    model.eval()
    return (model(images).argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main()
