"""Train a small byte-level variant on the English of Python's own help texts, and see the loss fall.

    python examples/train.py                 about half a minute on one CPU core
    python examples/train.py --steps 2000    until it writes words

The optimiser is the one for the full size: AdamW with decay on matrices only, warm-up and cosine, clipped gradients and
an average of the weights, which is what gets evaluated.
"""

import argparse
import math
import sys
import time
from pathlib import Path
from pydoc_data.topics import topics

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import TRMTitansMAG, build_model

SMALL = {
    "vocab_size": 256,
    "d_model": 96,
    "n_layers": 2,
    "n_heads": 3,
    "n_kv_heads": 1,
    "d_ff": 288,
    "window": 32,
    "mem_heads": 3,
    "mem_head_dim": 32,
    "mem_chunk": 32,
    "core_layers": 1,
    "core_d_ff": 288,
    "n_latent": 1,
    "n_cycles": 2,
    "n_sup": 2,
}
WARM_UP = 20
EVERY = 10


def main() -> None:
    """Train, then evaluate the averaged weights on text that was held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=100, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=8, help="sequences in a batch")
    parser.add_argument("--length", type=int, default=128, help="bytes in a sequence")
    parser.add_argument("--lr", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help matrices this small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    text = torch.tensor(list("\n".join(topics.values()).encode()), dtype=torch.long)
    train, held_out = text[: -len(text) // 10], text[-len(text) // 10 :]
    model = build_model(**SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train):,} bytes to learn from")
    averaged = fit(model, train, args)
    evaluate(averaged, *batch(held_out, 16, args.length))


def fit(model: TRMTitansMAG, text: Tensor, args: argparse.Namespace) -> TRMTitansMAG:
    """Take the optimiser steps and give the averaged model."""
    optimizer = torch.optim.AdamW(parameter_groups(model), lr=args.lr, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    decay = min(0.999, 1 - 5 / max(args.steps, 10))  # a short run averages over its own last fifth
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    started, losses = time.perf_counter(), []
    for step in range(1, args.steps + 1):
        loss = model.loss(*batch(text, args.batch, args.length))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        losses.append(loss.item())
        if step % EVERY == 0 or step == args.steps:
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            print(f"step {step:5d}  loss {recent:.3f}  {time.perf_counter() - started:5.1f} s", flush=True)
    return average.module


def batch(text: Tensor, size: int, length: int) -> tuple[Tensor, Tensor]:
    """Cut random pieces; the label of a byte is the byte after it."""
    piece = torch.randint(len(text) - length, (size, 1)) + torch.arange(length + 1)
    return text[piece[:, :-1]], text[piece[:, 1:]]


def parameter_groups(model: nn.Module, weight_decay: float = 0.1) -> list[dict[str, object]]:
    """Decay the matrices and leave norms, biases and other vectors alone."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def warm_cosine(step: int, steps: int) -> float:
    """Rise linearly, then fall along half a cosine to a tenth."""
    done = min(step / steps, 1.0)
    return min((step + 1) / WARM_UP, 1.0) * (0.55 + 0.45 * math.cos(math.pi * done))


@torch.no_grad()
def evaluate(model: TRMTitansMAG, ids_BT: Tensor, labels_BT: Tensor) -> None:
    """Print the held-out loss with all steps, what halting costs and saves, and a continuation."""
    model.eval()
    full = nn.functional.cross_entropy(model(ids_BT).flatten(0, 1), labels_BT.flatten())
    print(f"held out: {full:.3f} nats a byte with {model.config.n_sup} steps a token")
    logits_BTV, steps_BT = model.adaptive(ids_BT)
    halted = nn.functional.cross_entropy(logits_BTV.flatten(0, 1), labels_BT.flatten())
    print(f"held out: {halted:.3f} nats a byte with {steps_BT.float().mean():.2f} steps, halting token by token")
    prompt = "The statement "
    written = model.generate(torch.tensor([list(prompt.encode())]), 60)
    print(repr(prompt + bytes(written[0].tolist()).decode(errors="replace")))


if __name__ == "__main__":
    main()
