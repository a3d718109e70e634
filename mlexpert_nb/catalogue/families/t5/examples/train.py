"""Train a small T5 to restore what was cut out of the names of Unicode characters, its own pre-training task.

    python examples/train.py                  under a minute on a CPU
    python examples/train.py --steps 3000     for a little more accuracy

The names, such as LATIN SMALL LETTER A WITH ACUTE, come with Python (unicodedata); a tenth of them is held out. The
network reads LATIN <X> A WITH ACUTE and writes <X> SMALL LETTER.
"""

import argparse
import math
import sys
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import T5Model, build_model

SMALL = {
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_heads": 4,
    "dropout": 0.05,
    "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128,
}
PAD, CUT, END, UNKNOWN = range(4)  # padding is the start token too, as in the paper
SPECIAL = ("<pad>", "<X>", "</s>", "<unk>")
CHARACTERS = range(0x20, 0x3000)
SHORTEST, LONGEST = 3, 10  # words of a name
LONGEST_CUT = 2  # words that are cut out at once
SOURCE_LENGTH, TARGET_LENGTH = LONGEST + 1, LONGEST_CUT + 2
LEAST = 4  # times that a word must be seen
WARM_UP = 30
EVERY = 50


class Pairs(NamedTuple):
    """Names with a gap (rows, SOURCE_LENGTH), and what stood in it (rows, TARGET_LENGTH), as token ids."""

    source: Tensor
    target: Tensor


def main() -> None:
    """Train, then count the gaps in held-out names that are filled without a mistake."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=400, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=64, help="names in a batch")
    parser.add_argument("--lr", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_names, test_names = names(args.seed)
    words = vocabulary(train_names)
    model = build_model(vocab_size=len(words), **SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(words)} words, {len(train_names):,} names")
    fit(model, [encoded(name, words) for name in train_names], args)
    right, usual, shown = accuracy(model, [encoded(name, words) for name in test_names], args.seed)
    text = list(words)
    for source, found in shown:
        print(f"{said(source, text)}  ->  {said(found, text)}")
    print(f"test accuracy {right:.3f} of whole gaps (always the most frequent filling {usual:.3f})")


def names(seed: int) -> tuple[list[str], list[str]]:
    """Give the names to learn from and the names held out, a tenth."""
    found = sorted({unicodedata.name(chr(code), "") for code in CHARACTERS} - {""})
    fitting = [name for name in found if SHORTEST <= len(name.split()) <= LONGEST]
    order = torch.randperm(len(fitting), generator=torch.Generator().manual_seed(seed)).tolist()
    shuffled, cut = [fitting[index] for index in order], len(fitting) // 10
    return shuffled[cut:], shuffled[:cut]


def vocabulary(train_names: list[str]) -> dict[str, int]:
    """Number the special tokens, then the words that are seen often enough."""
    counts = Counter(word for name in train_names for word in name.split())
    known = sorted(word for word, count in counts.items() if count >= LEAST)
    return {word: index for index, word in enumerate([*SPECIAL, *known])}


def encoded(name: str, words: dict[str, int]) -> list[int]:
    """Give the token ids of a name."""
    return [words.get(word, UNKNOWN) for word in name.split()]


def corrupted(names: list[list[int]], generator: torch.Generator | None = None) -> Pairs:
    """Cut one or two words out of each name, at a random place."""
    source, target = torch.full((len(names), SOURCE_LENGTH), PAD), torch.full((len(names), TARGET_LENGTH), PAD)
    for row, name in enumerate(names):
        size = 1 + int(torch.randint(LONGEST_CUT, (), generator=generator))
        place = int(torch.randint(len(name) - size + 1, (), generator=generator))
        read = [*name[:place], CUT, *name[place + size :], END]
        write = [CUT, *name[place : place + size], END]
        source[row, : len(read)] = torch.tensor(read)
        target[row, : len(write)] = torch.tensor(write)
    return Pairs(source, target)


def fit(model: T5Model, names: list[list[int]], args: argparse.Namespace) -> None:
    """Take the optimiser steps; every batch is cut anew."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    started, losses = time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        pairs = corrupted([names[index] for index in torch.randint(len(names), (args.batch,)).tolist()])
        logits = model(pairs.source, F.pad(pairs.target[:, :-1], (1, 0), value=PAD), pairs.source != PAD)
        loss = F.cross_entropy(logits.flatten(0, 1), pairs.target.flatten(), ignore_index=PAD)
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
    return min((step + 1) / WARM_UP, 1.0) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))


def accuracy(model: T5Model, names: list[list[int]], seed: int) -> tuple[float, float, list[tuple[Tensor, Tensor]]]:
    """Give the share of gaps that are filled rightly, that of always filling the most frequent, and three of them.

    Gaps with an unknown word do not count: nobody can write what has no number.
    """
    pairs = corrupted(names, torch.Generator().manual_seed(seed))
    known = (pairs.target != UNKNOWN).all(1)
    source, target = pairs.source[known], pairs.target[known]
    found = model.eval().generate(source, source != PAD, start=PAD, length=TARGET_LENGTH)
    is_end = (target == END).cumsum(1) - (target == END).long()
    right = ((found == target) | is_end.bool()).all(1)
    usual = target.unique(dim=0, return_counts=True)[1].max().item() / len(target)
    return right.float().mean().item(), usual, list(zip(source[:3], found[:3], strict=True))


def said(ids: Tensor, text: list[str]) -> str:
    """Give the words up to the end."""
    return " ".join(text[index] for index in ids.tolist()).partition(" </s>")[0]


if __name__ == "__main__":
    main()
