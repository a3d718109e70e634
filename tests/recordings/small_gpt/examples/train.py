"""Train the decoder on the English of Python's own help texts, then let it write.

python examples/train.py                about a minute on one CPU core
python examples/train.py --steps 2000   until it writes words
"""

import argparse
import logging
import sys
from pathlib import Path
from pydoc_data.topics import topics

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import SmallGPT, build_model
from model.functional import generate, loss

LOG = logging.getLogger("train")
WARM_UP = 20


def main() -> None:
    """Read the options, train, report the loss on text that was held out, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=8, help="sequences in a batch")
    parser.add_argument("--length", type=int, default=128, help="bytes in a sequence")
    parser.add_argument("--lr", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, batches and sampling")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(args.seed)
    text = torch.tensor(list("\n".join(topics.values()).encode()), dtype=torch.long)
    training, held_out = text[: -len(text) // 10], text[-len(text) // 10 :]
    model = build_model()
    train(model, training, args)
    model.eval()
    with torch.no_grad():
        windows = batch(held_out, 64, args.length)
        LOG.info("held out: %.3f nats a byte", loss(model, windows[:, :-1], windows[:, 1:]))
    written = generate(model, torch.tensor([list(b"The ")]), 200, temperature=0.8, top_k=40)
    LOG.info("%s", bytes(written[0].tolist()).decode("utf-8", "replace"))


def train(model: SmallGPT, text: Tensor, args: argparse.Namespace) -> None:
    """AdamW with decay on matrices only, warm-up and cosine, clipped gradients."""
    matrices = [each for each in model.parameters() if each.ndim > 1]
    gains = [each for each in model.parameters() if each.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95))
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / WARM_UP, total_iters=WARM_UP)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, args.steps - WARM_UP), eta_min=args.lr / 10)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [WARM_UP])
    for step in range(args.steps):
        ids_BT = batch(text, args.batch, args.length)
        error = loss(model, ids_BT[:, :-1], ids_BT[:, 1:])
        optimizer.zero_grad()
        error.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == args.steps - 1:
            LOG.info("step %4d  loss %.3f", step, error.item())


def batch(text: Tensor, num_rows: int, length: int) -> Tensor:
    """Draw windows of `length` predictions, `(B, T + 1)`."""
    starts = torch.randint(len(text) - length, (num_rows, 1))
    return text[starts + torch.arange(length + 1)]


if __name__ == "__main__":
    main()
