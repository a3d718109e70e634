"""Train a small U-Net on scenes of handwritten digits, and see what it makes of digits that it never saw.

    python examples/train.py                       the task of the delivered network, under a minute on one CPU core
    python examples/train.py --task segmentation   which digit does each pixel belong to?
    python examples/train.py --task diffusion      which part of each pixel is noise?

The 1,797 digits come with scikit-learn; a fifth is held out, with the same share of every digit, for the test scenes.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import ModelConfig, build_model, functional

SMALL = {
    "segmentation": {
        "task": "segmentation",
        "num_channels": 1,
        "num_classes": 11,
        "width": 16,
        "channel_multipliers": (1, 2, 4),
        "num_blocks": 2,
        "norm": "batch",
        "attention_levels": (),
        "dropout": 0.0,
    },
    "diffusion": {
        "task": "diffusion",
        "num_channels": 1,
        "width": 16,
        "channel_multipliers": (1, 2),
        "num_blocks": 1,
        "attention_levels": (1,),
        "num_heads": 1,
        "num_groups": 4,
        "dropout": 0.0,
    },
}
SIZE, DIGIT, TILES = 32, 8, 4  # pixels of a scene and of a digit; places for a digit along each side of a scene
CROWDED = 0.5  # of the places have a digit
INK = 0.25  # of the darkest; paler pixels belong to the background
BACKGROUND = 10  # its class
WARM_UP = 0.1  # of the steps
EVERY = 50
Batch = tuple[dict[str, Tensor], dict[str, Tensor]]


def main() -> None:
    """Train, then measure on scenes of the digits that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--task", choices=sorted(SMALL), default=ModelConfig().task)
    parser.add_argument("--steps", type=int, default=500, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=8, help="scenes, or twice as many digits, in a batch")
    parser.add_argument("--lr", type=float, default=1e-2, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_digits, test_digits = digits(args.seed)
    model = build_model(**SMALL[args.task])
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_digits[0]):,} digits to learn from")
    is_scene = args.task == "segmentation"
    fit(model, lambda: scenes(*train_digits, args.batch) if is_scene else noisy(train_digits[0], 2 * args.batch), args)
    if is_scene:
        inputs, targets = scenes(*test_digits, 100)
        overlap = mean_overlap(model, inputs, targets)
        blind = (targets["labels_BHW"] == BACKGROUND).float().mean() / (BACKGROUND + 1)
        print(f"test mean overlap (IoU) {overlap:.3f} over 11 classes ({blind:.3f} if all were background)")
    else:
        print(f"test error of the noise {noise_error(model, test_digits[0]):.3f} (1.0 if none were found)")


def digits(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Give the images, ink between 0 and 1, and the labels of the digits: those to train on, those held out."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    train_images, test_images = (torch.tensor(part).float().view(-1, DIGIT, DIGIT) / 16 for part in parts[:2])
    return (train_images, torch.tensor(parts[2])), (test_images, torch.tensor(parts[3]))


def scenes(images: Tensor, labels: Tensor, count: int) -> Batch:
    """Put digits on some of the places of noisy scenes; a pixel's label is its digit, or the background."""
    chosen = torch.randint(len(images), (count, TILES, TILES))
    used = torch.rand(chosen.shape) < CROWDED
    ink = images[chosen] * used[..., None, None]
    owners = torch.where(ink > INK, labels[chosen][..., None, None], BACKGROUND)
    ink, owners = (each.transpose(2, 3).reshape(count, SIZE, SIZE) for each in (ink, owners))
    roll = torch.randint(DIGIT, (2,)).tolist()  # so that digits may lie anywhere
    ink, owners = (each.roll(roll, dims=(1, 2)) for each in (ink, owners))
    return {"images_BCHW": (ink + 0.1 * torch.randn_like(ink))[:, None]}, {"labels_BHW": owners}


def noisy(images: Tensor, count: int) -> Batch:
    """Take random digits to random steps of the diffusion process."""
    clean = 2 * images[torch.randint(len(images), (count,))][:, None] - 1
    noise, steps = torch.randn_like(clean), torch.randint(functional.NUM_STEPS, (count,))
    noised = functional.add_noise(clean, noise, steps)
    return {"images_BCHW": noised, "steps_B": steps}, {"noise_BCHW": noise}


def fit(model: nn.Module, draw: Callable[[], Batch], args: argparse.Namespace) -> None:
    """Take the optimiser steps, each on a new batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    started, losses = time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        loss = functional.loss(model, *draw())
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
def mean_overlap(model: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> float:
    """Give the mean over classes of the pixels that are rightly in a class, among those in it rightly or wrongly."""
    model.eval()
    found, labels = model(**inputs).argmax(1), targets["labels_BHW"]
    shares = []
    for kind in range(BACKGROUND + 1):
        both, either = (found == kind) & (labels == kind), (found == kind) | (labels == kind)
        shares.append(both.sum().item() / max(either.sum().item(), 1))
    return sum(shares) / len(shares)


@torch.no_grad()
def noise_error(model: nn.Module, images: Tensor) -> float:
    """Give the mean squared error of the noise over random steps; its variance is 1."""
    model.eval()
    return sum(functional.loss(model, *noisy(images, 500)).item() for _ in range(4)) / 4


if __name__ == "__main__":
    main()
