"""Learn to write digits down in few numbers, and compare with principal components of the same size.

    python examples/train.py                 well under a minute on a CPU
    python examples/train.py --kind vqvae    four codes an image

Errors are shares of the variance of held-out digits: 1.0 is what the mean digit gives.
"""

import argparse
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import build_model, functional

CONFIG = {
    "num_channels": 1,
    "image_size": 8,
    "num_levels": 2,
    "hidden_size": 32,
    "residual_size": 16,
    "num_residual_layers": 2,
    "num_embeddings": 64,
    "commitment_cost": 0.25,
}
KINDS = {"vae": {"latent_size": 8, "beta": 0.1}, "vqvae": {"latent_size": 8}}


def main() -> None:
    """Train on some digits and measure on others."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=400, help="optimiser steps")
    parser.add_argument("--kind", choices=tuple(KINDS), default="vae", help="kind of autoencoder")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, split, batches and noise")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train, test = digits(args.seed)
    model = build_model(kind=args.kind, **CONFIG, **KINDS[args.kind])
    fit(model, train, args.steps)
    places = model.config.grid_size**2
    size = model.config.latent_size if args.kind == "vae" else places
    stored = f"{size} {'numbers' if args.kind == 'vae' else 'codes'} an image"
    ours, principal = error(model, train, test), principal_error(train, test, size)
    print(f"{args.kind}, {stored}: held-out reconstruction error {ours:.3f} (PCA of {size} numbers {principal:.3f})")


def digits(seed: int) -> tuple[Tensor, Tensor]:
    """Give images (B, 1, 8, 8) for training and, held out, for the test."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 4 - 2, test_size=0.25, random_state=seed, stratify=labels)
    train, test = (torch.from_numpy(part).float().view(-1, 1, 8, 8) for part in parts)
    return train, test


def fit(model: nn.Module, images: Tensor, steps: int) -> None:
    """Train on batches of the images."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    model.train()
    for step in range(1, steps + 1):
        batch = {"images": images[torch.randint(len(images), (64,))]}
        loss = functional.loss(model, batch, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == steps:
            print(f"step {step:4d}  loss {loss.item():.3f}", flush=True)


@torch.no_grad()
def error(model: nn.Module, train: Tensor, test: Tensor) -> float:
    """Give the squared error of reconstructed test images as a share of that of the mean training image."""
    model.eval()
    return _share(model(test).reconstruction, train, test)


def principal_error(train: Tensor, test: Tensor, size: int) -> float:
    """Give the same error of as many principal components of the training images."""
    components = PCA(size, random_state=0).fit(train.flatten(1).numpy())
    again = components.inverse_transform(components.transform(test.flatten(1).numpy()))
    return _share(torch.as_tensor(again).view_as(test), train, test)


def _share(again: Tensor, train: Tensor, test: Tensor) -> float:
    return ((again - test).square().sum() / (test - train.mean(0)).square().sum()).item()


if __name__ == "__main__":
    main()
