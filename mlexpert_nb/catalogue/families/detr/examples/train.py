"""Train a small detector to find and read handwritten digits on a canvas, and test it on digits that it never saw.

    python examples/train.py                  under a minute on one CPU core
    python examples/train.py --steps 1000     for more accuracy

The zeros, ones and sevens come with scikit-learn; a fifth is held out, with the same share of every digit. A canvas
has one or two of them, at random places.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import DETR, build_model
from model.functional import loss

DIGITS = (0, 1, 7)  # in the order of their classes
DIGIT_SIDE = 8  # pixels
SMALL = {
    "image_size": 24,
    "num_channels": 1,
    "num_classes": len(DIGITS),
    "num_queries": 4,
    "backbone_channels": (32, 64),
    "hidden_size": 64,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "num_heads": 4,
    "ffn_dim": 128,
    "dropout": 0.0,
    "no_object_weight": 0.1,
    "l1_weight": 2.0,  # boxes are easy to find here; so classes weigh more than they do in the paper
    "giou_weight": 1.0,
}
MOST = 2  # digits on a canvas
CELLS = 2  # a side: every digit lies in a quarter of the canvas of its own, so that none covers another
OVERLAP = 0.5  # a digit is found where its box and the detection share at least this much (IoU)
WARM_UP = 0.1  # of the steps
EVERY = 50


def main() -> None:
    """Train, then count the digits that were found and read on canvases of held-out digits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=400, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=16, help="canvases in a batch")
    parser.add_argument("--lr", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and canvases")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help images this small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_images, test_images, train_labels, test_labels = digits(args.seed)
    model = build_model(**SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_images):,} digits to learn from")
    held_out = canvases(test_images, test_labels, 500, torch.Generator().manual_seed(args.seed + 1))
    before = held_out_loss(model, *held_out)
    fit(model, train_images, train_labels, args)
    found, read, alarms = score(model, *held_out)
    print(f"loss on canvases of held-out digits {before:.3f} before, {held_out_loss(model, *held_out):.3f} after")
    print(f"digits found {found:.3f} (IoU > {OVERLAP}), false alarms a canvas {alarms:.3f}")
    print(f"digits found and read rightly {read:.3f} (chance {1 / len(DIGITS):.3f} of those found)")


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give training images, test images, training classes and test classes; pixels lie between 0 and 1."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    train_labels, test_labels = (torch.tensor(part) for part in parts[2:])
    train_images, test_images = (torch.tensor(part).float().view(-1, 8, 8) / 16 for part in parts[:2])
    train_is, test_is = (part[:, None] == torch.tensor(DIGITS) for part in (train_labels, test_labels))
    return (
        train_images[train_is.any(1)],
        test_images[test_is.any(1)],
        train_is[train_is.any(1)].int().argmax(1),
        test_is[test_is.any(1)].int().argmax(1),
    )


def canvases(
    images: Tensor, classes: Tensor, count: int, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Draw canvases (count, 1, side, side) with one or two digits each, their classes and their boxes."""
    side = int(str(SMALL["image_size"]))
    cell, shape = side // CELLS, (count, MOST)
    cells = torch.rand(count, CELLS**2, generator=generator).argsort(1)[:, :MOST]
    top, left = (
        corner * cell + torch.randint(cell - DIGIT_SIDE + 1, shape, generator=generator)
        for corner in (cells // CELLS, cells % CELLS)
    )
    picks = torch.randint(len(images), shape, generator=generator)
    is_there = torch.arange(MOST) < torch.randint(1, MOST + 1, (count, 1), generator=generator)
    canvas, span = torch.zeros(count, 1, side, side), torch.arange(DIGIT_SIDE)
    for row, slot in is_there.nonzero().tolist():
        canvas[row, 0, top[row, slot] + span[:, None], left[row, slot] + span] = images[picks[row, slot]]
    centres = torch.stack([left, top], dim=-1) + DIGIT_SIDE / 2
    boxes = torch.cat([centres, torch.full((*shape, 2), float(DIGIT_SIDE))], dim=-1) / side
    return canvas, {"classes": torch.where(is_there, classes[picks], -1), "boxes": boxes}


def fit(model: DETR, images: Tensor, classes: Tensor, args: argparse.Namespace) -> None:
    """Train with AdamW, a short warm-up and a cosine decay."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    generator, started, losses = torch.Generator().manual_seed(args.seed), time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        pixels, targets = canvases(images, classes, args.batch, generator)
        value = loss(model, {"pixel_values": pixels}, targets)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(value.item())
        if step % EVERY == 0 or step == args.steps:
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            print(f"step {step:5d}  loss {recent:.3f}  {time.perf_counter() - started:5.1f} s", flush=True)


def warm_cosine(step: int, steps: int) -> float:
    """Rise linearly, then fall along half a cosine to nothing."""
    done = min(step / steps, 1.0)
    return min((done + 1 / steps) / WARM_UP, 1.0) * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def held_out_loss(model: DETR, pixels: Tensor, targets: dict[str, Tensor]) -> float:
    """Give the training loss without training."""
    model.eval()
    return loss(model, {"pixel_values": pixels}, targets).item()


@torch.no_grad()
def score(model: DETR, pixels: Tensor, targets: dict[str, Tensor]) -> tuple[float, float, float]:
    """Give the share of digits that were found, the share that was also read, and the false alarms a canvas."""
    model.eval()
    detections = model(pixels)
    kinds = detections.logits.argmax(-1)
    is_object = kinds < detections.logits.shape[-1] - 1
    wanted = targets["classes"] >= 0
    overlap = iou(detections.boxes[:, None], targets["boxes"][:, :, None]) * is_object[:, None]
    overlap = torch.where(wanted[:, :, None], overlap, 0.0)
    best, query = overlap.max(-1)
    found = wanted & (best > OVERLAP)
    read = found & (kinds.gather(1, query) == targets["classes"])
    alarms = is_object & (overlap.amax(1) <= OVERLAP)
    total = wanted.sum().item()
    return found.sum().item() / total, read.sum().item() / total, alarms.sum().item() / len(pixels)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Give the intersection over union of boxes (..., 4); shapes broadcast."""
    low = torch.maximum(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = torch.minimum(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    shared = (high - low).clamp(min=0).prod(-1)
    return shared / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared)


if __name__ == "__main__":
    main()
