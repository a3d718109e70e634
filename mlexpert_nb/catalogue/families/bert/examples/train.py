"""Train a small BERT on the names of Unicode characters, and see which masked words of unseen names it fills in.

    python examples/train.py                  under a minute on a CPU
    python examples/train.py --steps 3000     for a little more accuracy

The names, such as LATIN SMALL LETTER A WITH ACUTE, come with Python (unicodedata); a tenth of them is held out, and
what is a word and what is unknown is decided by the other nine tenths.
"""

import argparse
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import Bert, build_model, mask_tokens

SMALL = {
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 192,
    "type_vocab_size": 1,
    "dropout": 0.1,
}
PAD, CLS, SEP, MASK, UNKNOWN = range(5)
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]")
CHARACTERS = range(0x20, 0x3000)
SHORTEST = 2  # words; a single one has nothing to be told from
LONGEST = 12  # tokens, [CLS] and [SEP] included; longer names are left out
LEAST = 4  # times that a word must be seen
WARM_UP = 50
EVERY = 50
SHOWN = ("GREEK [MASK] LETTER ALPHA", "LATIN SMALL LETTER E [MASK] ACUTE", "BOX [MASK] LIGHT VERTICAL")


def main() -> None:
    """Train, then mask every word of the held-out names in turn and count the right guesses."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=450, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=128, help="names in a batch")
    parser.add_argument("--lr", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights and batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_names, test_names = names(args.seed)
    words = vocabulary(train_names)
    model = build_model(vocab_size=len(words), max_position_embeddings=LONGEST, mask_token_id=MASK, **SMALL)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(words):,} words, {len(train_names):,} names"
    )
    fit(model, encoded(train_names, words), args)
    for text in SHOWN:
        print(f"{text}  ->  {filled(model, text, words)}")
    right, usual = accuracy(model, encoded(test_names, words), encoded(train_names, words))
    print(f"test accuracy {right:.3f} of masked words (always the most frequent word {usual:.3f})")


def names(seed: int) -> tuple[list[str], list[str]]:
    """Give the names to learn from and the names held out, a tenth."""
    found = sorted({unicodedata.name(chr(code), "") for code in CHARACTERS} - {""})
    short = [name for name in found if SHORTEST <= len(name.split()) <= LONGEST - 2]
    shuffled = torch.randperm(len(short), generator=torch.Generator().manual_seed(seed)).tolist()
    short, cut = [short[index] for index in shuffled], len(short) // 10
    return short[cut:], short[:cut]


def vocabulary(train_names: Sequence[str]) -> dict[str, int]:
    """Number the special tokens, then the words that are seen often enough."""
    counts = Counter(word for name in train_names for word in name.split())
    known = sorted(word for word, count in counts.items() if count >= LEAST)
    return {word: index for index, word in enumerate([*SPECIAL, *known])}


def encoded(texts: Sequence[str], words: dict[str, int]) -> Tensor:
    """Give the token ids, (texts, LONGEST): [CLS], the words, [SEP], padding."""
    ids = torch.full((len(texts), LONGEST), PAD)
    for row, text in zip(ids, texts, strict=True):
        tokens = [CLS, *(words.get(word, UNKNOWN) for word in text.split()), SEP]
        row[: len(tokens)] = torch.tensor(tokens)
    return ids


def fit(model: Bert, ids: Tensor, args: argparse.Namespace) -> None:
    """Take the optimiser steps; every batch is masked anew."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_linear(step, args.steps))
    started, losses = time.perf_counter(), []
    model.train()
    for step in range(1, args.steps + 1):
        batch = ids[torch.randint(len(ids), (args.batch,))]
        read, labels = mask_tokens(batch, batch >= UNKNOWN, model.config)
        chosen = labels > UNKNOWN  # the label of a token that was not masked is negative
        features = model.encode(read, batch != PAD)[chosen]  # the head is needed at the masked words alone
        loss = F.cross_entropy(model.head(features, model.token_embedding.weight), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % EVERY == 0 or step == args.steps:
            recent = sum(losses[-EVERY:]) / len(losses[-EVERY:])
            seconds = time.perf_counter() - started
            print(f"step {step:5d}  loss {recent:.3f}  {seconds:5.1f} s", flush=True)


def warm_linear(step: int, steps: int) -> float:
    """Rise linearly, then fall linearly to nothing."""
    return min((step + 1) / WARM_UP, 1.0) * (1 - step / steps)


@torch.no_grad()
def filled(model: Bert, text: str, words: dict[str, int]) -> str:
    """Give the three most likely words for the masked one."""
    ids = encoded([text], words)
    chances = model.eval()(ids, ids != PAD)[ids == MASK][0].softmax(-1)
    best = chances.topk(3)
    tokens = list(words)
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return ", ".join(f"{tokens[index]} {chance:.2f}" for index, chance in pairs)


@torch.no_grad()
def accuracy(model: Bert, ids: Tensor, train_ids: Tensor) -> tuple[float, float]:
    """Give the share of held-out words that are guessed, by the network and by always saying the most frequent word."""
    model.eval()
    usual = train_ids[train_ids > UNKNOWN].bincount().argmax()
    right = usually = total = 0
    for place in range(LONGEST):
        rows = ids[ids[:, place] > UNKNOWN]
        if len(rows):
            truth, read = rows[:, place], rows.clone()
            read[:, place] = MASK
            right += int((model(read, rows != PAD)[:, place].argmax(-1) == truth).sum())
            usually += int((truth == usual).sum())
            total += len(rows)
    return right / total, usually / total


if __name__ == "__main__":
    main()
