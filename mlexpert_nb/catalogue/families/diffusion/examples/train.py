"""Train a small diffusion model on handwritten digits, and measure how near its own digits come to real ones.

    python examples/train.py                under a minute on a CPU
    python examples/train.py --kind flow    flow matching instead of diffusion
    python examples/train.py --steps 4000   for better digits

The 1,797 digits come with scikit-learn; a fifth is held out, with the same share of every digit. The measure is the
Frechet distance of the pixels: how far the means and covariances of two sets of images are apart. Real digits that
the model was trained on are at some distance of the held-out ones, too: it cannot be expected to come nearer.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import DiffusionModel, build_model

SMALL = {
    "image_size": 8,
    "num_channels": 1,
    "hidden_size": 16,
    "channel_mults": (1, 2),
    "layers_per_block": 1,
    "attention_resolutions": (4,),
    "time_size": 32,
    "num_groups": 4,
    "dropout": 0.0,
    "num_train_timesteps": 1000,
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "clip_sample": True,
}
KINDS = {
    "diffusion": {"prediction_type": "v_prediction", "beta_schedule": "cosine", "sampler": "ddpm"},
    "flow": {"prediction_type": "flow", "beta_schedule": "linear", "sampler": "euler"},
}
EVERY = 50
SHADES = " .:-=+*#%@"


def main() -> None:
    """Train, make digits, and measure how far they are from those that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", default="diffusion", choices=list(KINDS))
    parser.add_argument("--steps", type=int, default=450, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=64, help="images in a batch")
    parser.add_argument("--lr", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--samples", type=int, default=360, help="digits that are made in the end")
    parser.add_argument("--sampling-steps", type=int, default=50, help="steps from noise to digit")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and noise")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_images, test_images = digits(args.seed)
    model = build_model(**SMALL, **KINDS[args.kind])
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_images):,} digits to learn from")
    averaged = fit(model, train_images, args)
    made = averaged.eval().sample(args.samples, args.sampling_steps)
    print(drawn(made[:8]))
    others = {"noise": torch.rand_like(test_images) * 2 - 1, "training digits": train_images}
    said = ", ".join(f"{name} {frechet(images, test_images):.2f}" for name, images in others.items())
    print(f"distance of the samples to held-out digits {frechet(made, test_images):.2f} ({said})")


def digits(seed: int) -> tuple[Tensor, Tensor]:
    """Give training and test images; pixels lie between -1 and 1."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, test_size=0.2, stratify=labels, random_state=seed)
    train_images, test_images = (torch.tensor(part).float().view(-1, 1, 8, 8) / 8 - 1 for part in parts)
    return train_images, test_images


def fit(model: DiffusionModel, images: Tensor, args: argparse.Namespace) -> nn.Module:
    """Take the optimiser steps, and give the model with weights that are averaged over the last of them."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps, pct_start=0.1)
    averaged = build_model(**SMALL, **KINDS[args.kind])
    averaged.load_state_dict(model.state_dict())
    started, losses = time.perf_counter(), []
    for step in range(1, args.steps + 1):
        loss = model.train().loss(images[torch.randint(len(images), (args.batch,))])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average(averaged, model, min(0.995, step / (step + 10)))
        losses.append(loss.item())
        if step % EVERY == 0 or step in (1, args.steps):
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            print(f"step {step:5d}  loss {recent:.3f}  {time.perf_counter() - started:5.1f} s", flush=True)
    return averaged


@torch.no_grad()
def average(averaged: nn.Module, model: nn.Module, kept: float) -> None:
    """Move the averaged weights a little towards those of now."""
    for mean, now in zip(averaged.parameters(), model.parameters(), strict=True):
        mean.lerp_(now, 1 - kept)


def frechet(left: Tensor, right: Tensor) -> float:
    """Give the Frechet distance of two sets of images, as normal distributions of their pixels."""
    pixels = [images.flatten(1).double() for images in (left, right)]
    means, covariances = [each.mean(0) for each in pixels], [each.T.cov() for each in pixels]
    root = square_root(covariances[0])
    overlap = square_root(root @ covariances[1] @ root).trace()
    spread = covariances[0].trace() + covariances[1].trace() - 2 * overlap
    return (((means[0] - means[1]) ** 2).sum() + spread).item()


def square_root(matrix: Tensor) -> Tensor:
    """Give the square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ values.clamp(min=0).sqrt().diag() @ vectors.T


def drawn(images: Tensor) -> str:
    """Draw images side by side, in letters of rising darkness."""
    shades = ((images[:, 0].clamp(-1, 1) + 1) / 2 * (len(SHADES) - 1)).round().int()
    rows = shades.transpose(0, 1).tolist()
    return "\n".join("  ".join("".join(SHADES[shade] for shade in row) for row in line) for line in rows)


if __name__ == "__main__":
    main()
