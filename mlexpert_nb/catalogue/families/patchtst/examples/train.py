"""Train a small PatchTST on three centuries of sunspots, and forecast years that it never saw.

    python examples/train.py                   under a minute on a CPU
    python examples/train.py --kind dlinear    with the linear baseline

The numbers are the yearly mean sunspot numbers of the years 1700 to 2008 (public domain, National Geophysical Data
Center). Time splits them: forecasts of the years up to 1920 are learned, those of 1921 to 1955 choose the step, those
of 1956 to 2008 are the test. What lies before a forecast may be seen, as in life.
"""

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import Forecaster, build_model, functional

FIRST_YEAR = 1700
SUNSPOTS = """
    5 11 16 23 36 58 29 20 10 8 3 0 0 2 11 27 47 63 60 39 28 26 22 11 21 40 78 122 103 73 47 35 11 5 16 34 70 81
    111 101 73 40 20 16 5 11 22 40 60 80.9 83.4 47.7 47.8 30.7 12.2 9.6 10.2 32.4 47.6 54 62.9 85.9 61.2 45.1
    36.4 20.9 11.4 37.8 69.8 106.1 100.8 81.6 66.5 34.8 30.6 7 19.8 92.5 154.4 125.9 84.8 68.1 38.5 22.8 10.2
    24.1 82.9 132 130.9 118.1 89.9 66.6 60 46.9 41 21.3 16 6.4 4.1 6.8 14.5 34 45 43.1 47.5 42.2 28.1 10.1 8.1
    2.5 0 1.4 5 12.2 13.9 35.4 45.8 41.1 30.1 23.9 15.6 6.6 4 1.8 8.5 16.6 36.3 49.6 64.2 67 70.9 47.8 27.5 8.5
    13.2 56.9 121.5 138.3 103.2 85.7 64.6 36.7 24.2 10.7 15 40.1 61.5 98.5 124.7 96.3 66.6 64.5 54.1 39 20.6 6.7
    4.3 22.7 54.8 93.8 95.8 77.2 59.1 44 47 30.5 16.3 7.3 37.6 74 139 111.2 101.6 66.2 44.7 17 11.3 12.4 3.4 6
    32.3 54.3 59.7 63.7 63.5 52.2 25.4 13.1 6.8 6.3 7.1 35.6 73 85.1 78 64 41.8 26.2 26.7 12.1 9.5 2.7 5 24.4 42
    63.5 53.8 62 48.5 43.9 18.6 5.7 3.6 1.4 9.6 47.4 57.1 103.9 80.6 63.6 37.6 26.1 14.2 5.8 16.7 44.3 63.9 69
    77.8 64.9 35.7 21.2 11.1 5.7 8.7 36.1 79.7 114.4 109.6 88.8 67.8 47.5 30.6 16.3 9.6 33.2 92.6 151.6 136.3
    134.7 83.9 69.4 31.5 13.9 4.4 38 141.7 190.2 184.8 159 112.3 53.9 37.6 27.9 10.2 15.1 47 93.8 105.9 105.5
    104.5 66.6 68.9 38 34.5 15.5 12.6 27.5 92.5 155.4 154.6 140.4 115.9 66.6 45.9 17.9 13.4 29.4 100.2 157.6
    142.6 145.7 94.3 54.6 29.9 17.5 8.6 21.5 64.3 93.3 119.6 111 104 63.7 40.4 29.8 15.2 7.5 2.9
"""
LAST_TRAIN_YEAR, LAST_VALIDATION_YEAR = 1920, 1955
CONTEXT, HORIZON, CYCLE = 66, 8, 11
SMALL = {
    "num_channels": 1,
    "context_length": CONTEXT,
    "prediction_length": HORIZON,
    "patch_length": 11,
    "patch_stride": 5,
    "pad_end": True,
    "hidden_size": 32,
    "num_layers": 2,
    "num_heads": 4,
    "ffn_size": 64,
    "dropout": 0.2,
    "head_dropout": 0.0,
    "instance_norm": True,
    "kernel_size": 11,
}
EVERY = 20


class Windows(NamedTuple):
    """Pieces of the series: what is seen, (B, 1, L), and what follows, (B, 1, H)."""

    past: Tensor
    future: Tensor


class Split(NamedTuple):
    """The windows by the years that they forecast, and the scale of the years that training knows."""

    train: Windows
    validation: Windows
    test: Windows
    deviation: float


def main() -> None:
    """Train, then measure the error on the years that were held out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", default="patchtst", choices=["patchtst", "dlinear"])
    parser.add_argument("--steps", type=int, default=300, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=32, help="windows in a batch")
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and batches")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; so small a network gains little")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    split = split_years(sunspots())
    model = build_model(**SMALL, kind=args.kind)
    sizes = [len(part.past) for part in split[:3]]
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters; windows to train, choose and test: {sizes}")
    fit(model, split, args)
    forecast = predict(model, split.test)
    errors = [split.deviation * mean_error(each, split.test) for each in (forecast, *naive(split.test))]
    reached, same, cycle = errors
    print(f"test error {reached:.1f} sunspots (as the last year {same:.1f}, as {CYCLE} years before {cycle:.1f})")


def sunspots() -> Tensor:
    """Give the series, (years,)."""
    return torch.tensor([float(number) for number in SUNSPOTS.split()])


def split_years(series: Tensor) -> Split:
    """Cut the series into windows and sort them by the years they forecast; no part forecasts a year of another."""
    known = series[: LAST_TRAIN_YEAR + 1 - FIRST_YEAR]
    scaled = (series - known.mean()) / known.std()
    windows = scaled.unfold(0, CONTEXT + HORIZON, 1)[:, None]
    first = torch.arange(len(windows)) + FIRST_YEAR + CONTEXT
    last = first + HORIZON - 1
    ends = (FIRST_YEAR - 1, LAST_TRAIN_YEAR, LAST_VALIDATION_YEAR, FIRST_YEAR + len(series))
    parts = [windows[(first > before) & (last <= end)] for before, end in pairwise(ends)]
    cut = [Windows(part[..., :CONTEXT], part[..., CONTEXT:]) for part in parts]
    return Split(cut[0], cut[1], cut[2], known.std().item())


def fit(model: Forecaster, split: Split, args: argparse.Namespace) -> None:
    """Take the optimiser steps; leave the weights that did best on the validation years."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    started, best, kept = time.perf_counter(), float("inf"), model.state_dict()
    for step in range(1, args.steps + 1):
        model.train()
        chosen = torch.randint(len(split.train.past), (args.batch,))
        loss = functional.loss(model, {"past": split.train.past[chosen]}, {"future": split.train.future[chosen]})
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % EVERY == 0 or step == args.steps:
            found = mean_error(predict(model, split.validation), split.validation)
            if found < best:
                best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
            seconds = time.perf_counter() - started
            print(f"step {step:4d}  loss {loss:.3f}  validation error {found:.3f}  {seconds:5.1f} s", flush=True)
    model.load_state_dict(kept)


@torch.no_grad()
def predict(model: Forecaster, windows: Windows) -> Tensor:
    """Forecast without dropout."""
    return model.eval()(windows.past)


def naive(windows: Windows) -> tuple[Tensor, Tensor]:
    """Forecast that all stays as in the last year, and that all comes back after a cycle of the sun."""
    same = windows.past[..., -1:].expand_as(windows.future)
    return same, windows.past[..., CONTEXT - CYCLE : CONTEXT - CYCLE + HORIZON]


def mean_error(forecast: Tensor, windows: Windows) -> float:
    """Give the mean absolute error."""
    return (forecast - windows.future).abs().mean().item()


if __name__ == "__main__":
    main()
