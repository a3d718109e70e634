"""Read handwritten digits pixel by pixel: eight latents look at all 64 of them, and a query asks for the class.

    python examples/train.py                 under half a minute on a CPU
    python examples/train.py --steps 1000    for a little more accuracy

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

from model import Perceiver, build_model, functional

SMALL = {
    "image_size": 8,
    "num_channels": 1,
    "num_classes": 10,
    "d_model": 32,
    "num_latents": 8,
    "d_latents": 64,
    "mlp_dim": 64,
    "num_blocks": 2,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 4,
    "num_cross_attention_heads": 4,
    "dropout": 0.0,
}
EVERY = 50


def main() -> None:
    """Train, then measure the accuracy on the digits that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=400, help="optimiser steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help matrices this small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y, x_test, y_test = digits(args.seed)
    model = build_model(**SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(x):,} digits to learn from")
    fit(model, x, y, args.steps)
    print(f"test accuracy {accuracy(model, x_test, y_test):.3f} (chance 0.10)")


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give images and classes to learn from, then the same of the held-out digits; pixels lie between -1 and 1."""
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images / 8 - 1, labels, test_size=0.25, random_state=seed, stratify=labels)
    x, x_test = (torch.tensor(part).float().view(-1, 1, 8, 8) for part in (x, x_test))
    return x, torch.tensor(y), x_test, torch.tensor(y_test)


def fit(model: Perceiver, images: Tensor, labels: Tensor, steps: int) -> None:
    """Take the optimiser steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    model.train()
    for step in range(1, steps + 1):
        rows = torch.randint(len(images), (64,))
        loss = functional.loss(model, {"images_BCHW": images[rows]}, {"labels_B": labels[rows]})
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % EVERY == 0 or step == steps:
            print(f"step {step:4d}  loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def accuracy(model: Perceiver, images: Tensor, labels: Tensor) -> float:
    """Give the share of images that are read rightly."""
    model.eval()
    return (model(images).argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main()
