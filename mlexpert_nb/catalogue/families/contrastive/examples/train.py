"""Train a small encoder on pairs made of handwritten digits, and see what it makes of digits that it never saw.

    python examples/train.py                  under a minute on one CPU core
    python examples/train.py --steps 2000     for a little more accuracy

The 1,797 digits come with scikit-learn; a fifth is held out, with the same share of every digit.
Labels of 10 training images a digit fit a linear classifier on the frozen encoder.  # only objective=simclr
A digit is taken for the one whose caption lies nearest; no classifier is fitted.  # only objective=clip
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F  # only objective=simclr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression  # only objective=simclr
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import build_model, functional

SMALL = {
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 1,
    "hidden_size": 64,
    "num_layers": 2,
    "num_heads": 4,
    "mlp_dim": 128,
    "proj_out_dim": 32,  # only objective=simclr
    "temperature": 0.2,  # only objective=simclr
    "projection_dim": 32,  # only objective=clip
    "initial_temperature": 0.07,  # only objective=clip
    "context_length": 8,  # only objective=clip
    "text_hidden_size": 32,  # only objective=clip
    "text_num_layers": 2,  # only objective=clip
    "text_num_heads": 2,  # only objective=clip
    "text_mlp_dim": 64,  # only objective=clip
}
LABELS = 10  # a digit  # only objective=simclr
TURN, STRETCH, SHIFT = 0.12, 0.08, 0.15  # of a view: radians, share, share of half an image  # only objective=simclr
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")  # only objective=clip
CAPTIONS = (  # only objective=clip
    "a photo of the digit {}",
    "the number {} written by hand",
    "somebody wrote a {}",
    "this is {}",
)  # only objective=clip
WARM_UP = 0.1  # of the steps
EVERY = 50

Pairs = dict[str, Tensor]
Labelled = tuple[Tensor, Tensor]  # only objective=simclr
Encode = Callable[[Tensor], Tensor]  # only objective=simclr


def main() -> None:
    """Train, then measure on the digits that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=500, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=64, help="images in a batch")  # only objective=simclr
    parser.add_argument("--lr", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of split, weights, batches and views or captions")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help matrices this small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    learn_from_views(args)  # only objective=simclr
    learn_from_captions(args)  # only objective=clip


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give training images, test images, training labels and test labels; pixels lie between -1 and 1."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    train_images, test_images = (torch.tensor(part).float().view(-1, 1, 8, 8) / 8 - 1 for part in parts[:2])
    return train_images, test_images, torch.tensor(parts[2]), torch.tensor(parts[3])


def learn_from_views(args: argparse.Namespace) -> None:  # only objective=simclr
    """Train without labels; compare what a linear classifier makes of pixels, and of the encoder before and after."""
    train_images, test_images, train_labels, test_labels = digits(args.seed)
    model = build_model(**SMALL)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(train_images):,} digits without labels")

    def batch() -> Pairs:
        images = train_images[torch.randint(len(train_images), (args.batch,))]
        return {"view_a_BCHW": view(images), "view_b_BCHW": view(images)}

    def accuracy(encode: Encode) -> float:
        chosen = few(train_labels)
        return probe(encode, (train_images[chosen], train_labels[chosen]), (test_images, test_labels))

    before = accuracy(model.encode)
    fit(model, batch, args)
    after, pixels = accuracy(model.encode), accuracy(lambda images: images.flatten(1))
    print(
        f"test accuracy {after:.3f} from {LABELS} labels a digit (untrained encoder {before:.3f}, pixels {pixels:.3f})"
    )


def view(images: Tensor) -> Tensor:  # only objective=simclr
    """Turn, stretch and shift each image a little, at random, and change its contrast."""
    count = len(images)
    angle, (wide, high) = TURN * torch.randn(count), 1 + STRETCH * torch.randn(2, count)
    shift = SHIFT * (2 * torch.rand(2, count) - 1)
    rows = (
        torch.stack([wide * angle.cos(), -wide * angle.sin(), shift[0]], dim=1),
        torch.stack([high * angle.sin(), high * angle.cos(), shift[1]], dim=1),
    )
    grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    ink = F.grid_sample(images + 1, grid, align_corners=False)  # outside an image there is none
    return ink * (0.6 + 0.8 * torch.rand(count, 1, 1, 1)) - 1 + 0.1 * torch.randn_like(ink)


def few(labels: Tensor) -> Tensor:  # only objective=simclr
    """Give the first places of each digit."""
    return torch.cat([(labels == digit).nonzero().flatten()[:LABELS] for digit in range(10)])


@torch.no_grad()  # only objective=simclr
def probe(encode: Encode, train: Labelled, test: Labelled) -> float:  # only objective=simclr
    """Fit a linear classifier on frozen features, and give its accuracy on other images."""
    known, unseen = encode(train[0]), encode(test[0])
    mean, std = known.mean(0), known.std(0) + 1e-6
    classifier = LogisticRegression(max_iter=1000).fit(((known - mean) / std).numpy(), train[1].numpy())
    return float(classifier.score(((unseen - mean) / std).numpy(), test[1].numpy()))


def learn_from_captions(args: argparse.Namespace) -> None:  # only objective=clip
    """Train on pairs of image and caption; the test has no captions but those of the ten digits."""
    train_images, test_images, train_labels, test_labels = digits(args.seed)
    words = vocabulary()
    model = build_model(**SMALL, vocab_size=len(words))
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(words)} words, {len(train_images):,} digits"
    )
    places = [(train_labels == digit).nonzero().flatten() for digit in range(10)]

    def batch() -> Pairs:
        """Draw one image of each digit, so that each caption goes with its own image alone."""
        chosen = torch.stack([each[torch.randint(len(each), ())] for each in places])
        said = [CAPTIONS[index].format(name) for index, name in zip(torch.randint(4, (10,)), DIGITS, strict=True)]
        return {"images_BCHW": train_images[chosen], "input_ids_BT": encoded(said, words)}

    before = accuracy(model, test_images, test_labels, words)
    fit(model, batch, args)
    after = accuracy(model, test_images, test_labels, words)
    print(f"zero-shot test accuracy {after:.3f} (untrained {before:.3f}, chance 0.100)")


def vocabulary() -> list[str]:  # only objective=clip
    """Give every word, the padding first and the end of a text last."""
    return ["[PAD]", *sorted({word for text in (*CAPTIONS, *DIGITS) for word in text.split()} - {"{}"}), "[EOS]"]


def encoded(texts: list[str], words: list[str]) -> Tensor:  # only objective=clip
    """Give the token ids of texts, padded to the longest that the network reads."""
    rows = [[words.index(word) for word in [*text.split(), "[EOS]"]] for text in texts]
    return torch.tensor([row + [0] * (SMALL["context_length"] - len(row)) for row in rows])


@torch.no_grad()  # only objective=clip
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, words: list[str]) -> float:  # only objective=clip
    """Give the share of images that lie nearest to the caption of their digit."""
    texts = encoded([CAPTIONS[0].format(name) for name in DIGITS], words)
    similarity = model.embed_images(images) @ model.embed_texts(texts).T
    return (similarity.argmax(1) == labels).float().mean().item()


def fit(model: nn.Module, batch: Callable[[], Pairs], args: argparse.Namespace) -> None:
    """Take the optimiser steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, args.steps))
    started, losses = time.perf_counter(), []
    for step in range(1, args.steps + 1):
        loss = functional.loss(model, batch(), {})
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


if __name__ == "__main__":
    main()
