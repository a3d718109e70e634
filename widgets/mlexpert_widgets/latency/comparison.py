"""Which of two is faster: the ratio of their medians with an interval, from calls that took turns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
ROUNDS = 4000  # resampled at most; of more, one in a few
FEWEST = 20  # rounds; below that an interval of medians is a guess
TAIL = 0.025
BUDGET = 1 << 20  # numbers of resamples held at once


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much longer the first takes than the second.

    Attributes:
        first: Name of the first.
        second: Name of the second.
        ratio: Median of the first over that of the second: above 1, the second is faster.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        rounds: Pairs of calls.
    """

    first: str
    second: str
    ratio: float
    low: float
    high: float
    rounds: int

    @property
    def differ(self) -> bool:
        """Whether the interval leaves out that both take the same time."""
        return self.rounds >= FEWEST and not self.low <= 1 <= self.high

    @property
    def sentence(self) -> str:
        """What can be said, with its numbers."""
        interval = f"{_figure(self.low)} to {_figure(self.high)}"
        if self.rounds < FEWEST:
            return f"{self.rounds} rounds are too few to compare; it takes {FEWEST}"
        if not self.differ:
            return f"cannot tell {self.first} and {self.second} apart (ratio of the medians, 95 %: {interval})"
        if self.ratio > 1:
            return f"{self.second} is {_figure(self.ratio)}× faster than {self.first} (95 % interval {interval})"
        interval = f"{_figure(1 / self.high)} to {_figure(1 / self.low)}"
        return f"{self.second} is {_figure(1 / self.ratio)}× slower than {self.first} (95 % interval {interval})"


def compared(first: tuple[str, Floats], second: tuple[str, Floats], seed: int = 0) -> Comparison:
    """Compare the times of two that were called in turns.

    Blocks of neighbouring rounds are resampled together, so that what slows a machine for a while counts once, and
    both times of a round stay together.

    Args:
        first: Name and times, one a round.
        second: Name and times, of the same rounds.
        seed: Of the resampling.

    Raises:
        ValueError: There are no rounds, or one has more than the other.
    """
    (name, times), (other_name, other_times) = first, second
    count = len(times)
    if not count or count != len(other_times):
        raise ValueError(
            f"a comparison needs the same rounds of both, at least one, not {count} and {len(other_times)}"
        )
    ratio = float(np.median(times) / np.median(other_times))
    ratios = _resampled(np.stack((times, other_times))[:, :: -(-count // ROUNDS)], np.random.default_rng(seed))
    low, high = np.quantile(ratios, (TAIL, 1 - TAIL))
    return Comparison(name, other_name, ratio, min(float(low), ratio), max(float(high), ratio), count)


def _resampled(pairs: Floats, rng: np.random.Generator) -> Floats:
    """Give ratios of the medians of resampled rounds (circular block bootstrap, Politis and Romano 1992)."""
    count = pairs.shape[1]
    length = max(1, round(count ** (1 / 3)))
    blocks = -(-count // length)
    at_once = max(1, BUDGET // count)
    ratios = []
    for start in range(0, RESAMPLES, at_once):
        starts = rng.integers(count, size=(min(at_once, RESAMPLES - start), blocks, 1))
        chosen = ((starts + np.arange(length)) % count).reshape(len(starts), -1)[:, :count]
        medians = np.median(pairs[:, chosen], axis=2)
        ratios.append(medians[0] / medians[1])
    return np.concatenate(ratios)


def _figure(ratio: float) -> str:
    digits = 3 if abs(ratio - 1) < 0.02 else 2 if ratio < 10 else 1  # noqa: PLR2004 - so that a small gap is seen
    return f"{ratio:.{digits}f}"
