"""Train a small byte-level variant on the English of Python's own help texts, and let it write.

    python examples/train.py                 under a minute on a CPU
    python examples/train.py --steps 2000    until it writes words

The last tenth of the text is held out; what is printed at the end was measured there, next to a model that knows
nothing but how often each byte occurs.
"""

import argparse
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from pydoc_data.topics import topics

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import Decoder, ModelConfig, build_model

LENGTH = 128
EVERY = 25


def small() -> dict[str, object]:
    """Give the delivered options in a size that learns on a CPU."""
    config = ModelConfig()
    sizes = {"vocab_size": 256, "hidden_size": 96, "num_layers": 3, "num_heads": 4, "intermediate_size": 256}
    sizes["num_kv_heads"] = 4 if config.attention == "linear" else 2
    sizes |= {"window": min(config.window, 32), "max_length": 2 * LENGTH if config.max_length else 0}
    if config.ffn == "moe":
        sizes["intermediate_size"] = 96
    sizes |= {"num_layers": 1, "num_latent": 1, "num_steps": 2}  # the block runs again and again  # only recursion=trm
    return {**asdict(config), **sizes}


def main() -> None:
    """Train, evaluate on text that was held out, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=250, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=8, help="sequences in a batch")
    parser.add_argument("--lr", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help matrices this small")
    parser.set_defaults(steps=150)  # a memory takes longer  # only memory=titans
    parser.set_defaults(steps=100)  # a recursion takes longer  # only recursion=trm
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    text = torch.tensor(list("\n".join(topics.values()).encode()), dtype=torch.long)
    train, held_out = text[: -len(text) // 10], text[-len(text) // 10 :]
    model = build_model(**small())
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train):,} bytes to learn from")
    fit(model, train, args)
    evaluate(model, train, held_out)


def fit(model: Decoder, text: Tensor, args: argparse.Namespace) -> None:
    """Take the optimiser steps: decay on matrices only, warm-up and cosine, clipped gradients."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, args.steps))
    began, losses = time.perf_counter(), []
    for step in range(1, args.steps + 1):
        loss = model.loss(*batch(text, args.batch))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % EVERY == 0 or step == args.steps:
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            print(f"step {step:5d}  loss {recent:.3f}  {time.perf_counter() - began:5.1f} s", flush=True)


def batch(text: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cut random pieces; the label of a byte is the byte after it."""
    piece = torch.randint(len(text) - LENGTH, (size, 1)) + torch.arange(LENGTH + 1)
    return text[piece[:, :-1]], text[piece[:, 1:]]


def rate(step: int, steps: int) -> float:
    """Rise over twenty steps, then fall along half a cosine to a tenth."""
    return min((step + 1) / 20, 1.0) * (0.55 + 0.45 * math.cos(math.pi * min(step / steps, 1.0)))


@torch.no_grad()
def evaluate(model: Decoder, train: Tensor, held_out: Tensor) -> None:
    """Print the held-out bits a byte beside those of byte counts, and a continuation."""
    model.eval()
    ids, labels = batch(held_out, 32)
    bits = nn.functional.cross_entropy(model(ids).flatten(0, 1), labels.flatten()).item() / math.log(2)
    counts = train.bincount(minlength=256).float() + 1
    known = -(counts / counts.sum()).log2()[labels].mean().item()
    prompt = "The statement "
    written = model.generate(torch.tensor([list(prompt.encode())]), 60)
    print(repr(prompt + bytes(written[0].tolist()).decode(errors="replace")))
    print(f"held out: {bits:.2f} bits a byte (byte counts alone: {known:.2f})")


if __name__ == "__main__":
    main()
