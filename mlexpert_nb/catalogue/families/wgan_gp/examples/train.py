"""Learn to draw digits, and measure how near the drawings come to digits that were held out.

    python examples/train.py    well under a minute on a CPU

Two measures, neither of which the networks see: the sliced Wasserstein distance to the held-out digits, beside that of
real training digits, and how often a linear classifier of real digits is sure of what it sees.
"""

import argparse
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import WGAN, build_model, functional

CONFIG = {
    "num_channels": 1,
    "image_size": 8,
    "num_levels": 2,
    "latent_size": 32,
    "generator_hidden_size": 32,
    "critic_hidden_size": 32,
    "penalty_weight": 10.0,
    "num_critic_steps": 5,
}
BATCH_SIZE = 64
NUM_SLICES = 256
SURE = 0.9  # probability of one digit


def main() -> None:
    """Train on some digits and measure with others."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="steps of the generator")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, split, batches and noise")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train, test, labels = digits(args.seed)
    model = build_model(**CONFIG)
    before = drawn(model, len(test))
    fit(model, train, args.steps)
    after = drawn(model, len(test))
    judge = LogisticRegression(max_iter=1000).fit(train.flatten(1).numpy(), labels.numpy())
    start, end, real = (distance(images, test) for images in (before, after, train[: len(test)]))
    print(
        f"sliced Wasserstein distance to held-out digits {end:.3f} (untrained {start:.3f}, training digits {real:.3f})"
    )
    sure, kinds = recognised(judge, after)
    others = [recognised(judge, images)[0] for images in (before, test)]
    print(
        f"recognised as a digit {sure:.2f} (untrained {others[0]:.2f}, held-out digits {others[1]:.2f}), "
        f"{kinds} of 10 digits"
    )


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Give images (B, 1, 8, 8) between -1 and 1 for training and, held out, for the test; labels of the first."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 8 - 1, labels, test_size=0.25, random_state=seed, stratify=labels)
    train, test = (torch.from_numpy(part).float().view(-1, 1, 8, 8) for part in parts[:2])
    return train, test, torch.from_numpy(parts[2])


def fit(model: WGAN, images: Tensor, steps: int) -> None:
    """Train both players in turn on batches of the images."""
    rates = {"lr": 2e-3, "betas": (0.5, 0.9)}
    critic_optimizer = torch.optim.Adam(model.critic.parameters(), **rates)
    generator_optimizer = torch.optim.Adam(model.generator.parameters(), **rates)
    model.train()
    for step in range(1, steps + 1):
        loss = functional.train_step(
            model, lambda: images[torch.randint(len(images), (BATCH_SIZE,))], critic_optimizer, generator_optimizer
        )
        if step % 50 == 0 or step == steps:
            print(f"step {step:4d}  Wasserstein estimate {-loss.item():.3f}", flush=True)


@torch.no_grad()
def drawn(model: WGAN, num_images: int) -> Tensor:
    """Draw images in eval mode."""
    return model.eval().sample(num_images)


def distance(images: Tensor, others: Tensor) -> float:
    """Give the mean Wasserstein distance of two equally large sets of images seen along random directions."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(images[0].numel(), NUM_SLICES, generator=generator)
    directions = directions / directions.norm(dim=0)
    ours, theirs = ((each.flatten(1) @ directions).sort(dim=0).values for each in (images, others))
    return (ours - theirs).abs().mean().item()


def recognised(judge: LogisticRegression, images: Tensor) -> tuple[float, int]:
    """Give the share of images of which the classifier is sure, and how many different digits it sees in those."""
    best, kinds = torch.from_numpy(judge.predict_proba(images.flatten(1).numpy())).max(1)
    return (best > SURE).float().mean().item(), len(kinds[best > SURE].unique())


if __name__ == "__main__":
    main()
