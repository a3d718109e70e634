"""Train a small Mamba on Python's own documentation, byte by byte, and let it write.

    python examples/train.py                  under a minute on a CPU
    python examples/train.py --steps 3000     for better text

The texts of `help("topics")` come with Python (pydoc_data); whole topics, a tenth of them, are held out. The result is
in bits a byte, beside what the frequencies of bytes tell.
"""

import argparse
import math
import sys
import time
from pathlib import Path
from pydoc_data.topics import topics

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import Mamba, build_model

SMALL = {
    "vocab_size": 256,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 128,
    "state_size": 8,
    "conv_kernel": 4,
    "time_step_rank": 4,
    "time_step_min": 0.001,
    "time_step_max": 0.1,
}
LENGTH = 128
WARM_UP = 30
EVERY = 25
TEMPERATURE = 0.7


def main() -> None:
    """Train, then measure bits a byte on the topics that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=240, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=16, help="pieces of text in a batch")
    parser.add_argument("--lr", type=float, default=6e-3, help="highest learning rate")
    parser.add_argument("--written", type=int, default=200, help="bytes to write at the end")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_text, test_text = (b"".join(part) for part in texts(args.seed))
    model = build_model(**SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_text):,} bytes to learn from")
    fit(model, ids(train_text), args)
    print(written(model, b"The ", args.written).decode("utf-8", "replace"))
    usual = frequency_bits(train_text, test_text)
    print(f"test {bits(model, ids(test_text)):.3f} bits a byte (frequencies of bytes alone {usual:.3f}, uniform 8.000)")


def texts(seed: int) -> tuple[list[bytes], list[bytes]]:
    """Give the topics to learn from and those held out, a tenth."""
    whole = [text.encode() for _, text in sorted(topics.items())]
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(seed)).tolist()
    shuffled, cut = [whole[index] for index in order], len(whole) // 10
    return shuffled[cut:], shuffled[:cut]


def ids(text: bytes) -> Tensor:
    """Give the bytes as token ids."""
    return torch.tensor(list(text))


def fit(model: Mamba, text: Tensor, args: argparse.Namespace) -> None:
    """Take the optimiser steps on random pieces of the text."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    pieces = text.unfold(0, LENGTH + 1, 1)
    started, losses = time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        batch = pieces[torch.randint(len(pieces), (args.batch,))]
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item() / math.log(2))
        if step % EVERY == 0 or step == args.steps:
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            print(f"step {step:5d}  loss {recent:.3f} bits  {time.perf_counter() - started:5.1f} s", flush=True)


def warm_cosine(step: int, steps: int) -> float:
    """Rise linearly, then fall along half a cosine to nothing."""
    return min((step + 1) / WARM_UP, 1.0) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))


@torch.no_grad()
def bits(model: Mamba, text: Tensor) -> float:
    """Give the mean bits a byte; the state is carried from piece to piece, so that every byte has its whole past."""
    model.eval()
    state, total = None, 0.0
    for piece, following in zip(text[:-1].split(LENGTH), text[1:].split(LENGTH), strict=True):
        logits, state = model.stream(piece[None], state)
        total += F.cross_entropy(logits[0], following, reduction="sum").item()
    return total / math.log(2) / (len(text) - 1)


def frequency_bits(train_text: bytes, test_text: bytes) -> float:
    """Give the bits a byte of who knows how often each byte occurs in the training text, and nothing else."""
    counts = ids(train_text).long().bincount(minlength=256) + 1
    return -(counts / counts.sum()).log2()[ids(test_text)].mean().item()


@torch.no_grad()
def written(model: Mamba, start: bytes, length: int) -> bytes:
    """Continue a text, byte by byte, each drawn from somewhat sharpened chances."""
    model.eval()
    text, (logits, state) = bytearray(start), model.stream(ids(start)[None])
    for _ in range(length):
        drawn = torch.multinomial((logits[0, -1] / TEMPERATURE).softmax(-1), 1)
        text.append(int(drawn))
        logits, state = model.stream(drawn[None], state)
    return bytes(text)


if __name__ == "__main__":
    main()
