"""Train an LSTM with attention to write Korean words in Latin letters, and try it on syllables that it never saw.

    python examples/train.py                       under a minute on a CPU
    python examples/train.py --attention luong     with the attention of Luong et al.

The 11,172 Hangul syllables, the signs that they are made of and their names come with Python (unicodedata). A tenth of
the syllables is held out; the network reads the signs of two syllables, and writes both names.
"""

import argparse
import math
import sys
import time
import unicodedata
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import Seq2Seq, build_model

SMALL = {"embedding_size": 32, "hidden_size": 96, "num_layers": 1, "input_feeding": False, "dropout": 0.1}
SYLLABLES = range(0xAC00, 0xD7A4)
PAD, START, END = range(3)  # START is never written and END never read, but both alphabets number them
SOURCE_LENGTH, TARGET_LENGTH = 6, 15  # two syllables of at most 3 signs; two names of at most 7 letters, and the end
WARM_UP = 30
EVERY = 25


class Words(NamedTuple):
    """Words as token ids, with padding: signs (words, SOURCE_LENGTH), letters (words, TARGET_LENGTH)."""

    source: Tensor
    target: Tensor


class Alphabets(NamedTuple):
    """Numbers of the signs and of the letters."""

    signs: dict[str, int]
    letters: dict[str, int]


def main() -> None:
    """Train, then count the words of unseen syllables that are written without a mistake."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--attention", default="bahdanau", choices=("bahdanau", "luong", "dot"))
    parser.add_argument("--steps", type=int, default=200, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=64, help="words in a batch")
    parser.add_argument("--lr", type=float, default=8e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_syllables, test_syllables = syllables(args.seed)
    alphabets = numbered(train_syllables)
    sizes = {"source_vocab_size": len(alphabets.signs), "target_vocab_size": len(alphabets.letters)}
    model = build_model(**sizes, **SMALL, attention=args.attention)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_syllables):,} syllables to learn from"
    )
    fit(model, train_syllables, alphabets, args)
    words = ["".join(pair) for pair in zip(test_syllables[::2], test_syllables[1::2], strict=False)]
    found = written(model, words, alphabets)
    for word, latin in list(zip(words, found, strict=True))[:3]:
        print(f"{word}  ->  {latin}  ({name(word)})")
    right = sum(latin == name(word) for word, latin in zip(words, found, strict=True))
    print(f"test accuracy {right / len(words):.3f} of whole words of unseen syllables (chance 0.000)")


def syllables(seed: int) -> tuple[list[str], list[str]]:
    """Give the syllables to learn from and those held out, a tenth."""
    order = torch.randperm(len(SYLLABLES), generator=torch.Generator().manual_seed(seed)).tolist()
    shuffled, cut = [chr(SYLLABLES[index]) for index in order], len(SYLLABLES) // 10
    return shuffled[cut:], shuffled[:cut]


def name(word: str) -> str:
    """Give the Latin letters of a word: the last part of the name of each syllable."""
    return "".join(unicodedata.name(syllable).split()[-1] for syllable in word)


def signs(word: str) -> str:
    """Give the signs that a word is made of: two or three for each syllable."""
    return unicodedata.normalize("NFD", word)


def numbered(train_syllables: list[str]) -> Alphabets:
    """Number the signs and the letters of the syllables to learn from, after padding, start and end."""
    found = (sorted({part for each in train_syllables for part in split(each)}) for split in (signs, name))
    return Alphabets(*({part: index for index, part in enumerate(each, END + 1)} | _SPECIAL for each in found))


_SPECIAL = {"": PAD, "<": START, ">": END}


def encoded(words: list[str], alphabets: Alphabets) -> Words:
    """Give the token ids of words and of their names."""
    rows = [
        ([alphabets.signs[each] for each in signs(word)], [*(alphabets.letters[each] for each in name(word)), END])
        for word in words
    ]
    source, target = torch.full((len(words), SOURCE_LENGTH), PAD), torch.full((len(words), TARGET_LENGTH), PAD)
    for index, (read, write) in enumerate(rows):
        source[index, : len(read)] = torch.tensor(read)
        target[index, : len(write)] = torch.tensor(write)
    return Words(source, target)


def fit(model: Seq2Seq, train_syllables: list[str], alphabets: Alphabets, args: argparse.Namespace) -> None:
    """Take the optimiser steps, each on words of two random syllables."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    started, losses = time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        chosen = torch.randint(len(train_syllables), (args.batch, 2)).tolist()
        words = encoded(["".join(train_syllables[index] for index in pair) for pair in chosen], alphabets)
        read = F.pad(words.target[:, :-1], (1, 0), value=START)
        logits = model(words.source, read, words.source != PAD)
        loss = F.cross_entropy(logits.flatten(0, 1), words.target.flatten(), ignore_index=PAD)
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


def written(model: Seq2Seq, words: list[str], alphabets: Alphabets) -> list[str]:
    """Give what the network writes for each word, up to its end."""
    source = encoded(words, alphabets).source
    ids = model.eval().generate(source, source != PAD, start=START, length=TARGET_LENGTH)
    letters = {index: letter for letter, index in alphabets.letters.items()}
    return ["".join(letters[index] for index in row).partition(">")[0] for row in ids.tolist()]


if __name__ == "__main__":
    main()
