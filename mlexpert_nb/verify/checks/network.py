"""What every check is given: a way to build the delivered network anew, to feed it, and to train it."""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.claims import Claim
from mlexpert_nb.verify.spec import JudgeSpec

NOISE = 0.02  # a fresh network has zeros in places, behind which a fault would hide
PAIR, WHOLE_BATCH = 2, 4  # examples
TOO_SMALL = (RuntimeError, ValueError, IndexError, AssertionError)  # what a batch that is too small raises
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found; the fields are those of a `Finding`, `figures` are exact values for bench.json."""

    passed: bool
    measured: str
    limit: str
    fix: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """A batch: what the network reads, and what its loss compares the outputs with, by name."""

    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor] = field(default_factory=dict)

    def to(self, device: torch.device) -> "Example":
        """Give the batch on another device."""
        moved = [{name: each.to(device) for name, each in part.items()} for part in (self.inputs, self.targets)]
        return Example(*moved)


@dataclass(frozen=True, slots=True)
class Network(ABC):
    """A network, as delivered.

    Attributes:
        build: Gives a new network in its delivered configuration.
        spec: Limits it is measured against, and the seed.
        claims: Properties that it must have; `CLAIMS` explains each.
    """

    READS: ClassVar[str]
    GIVES: ClassVar[str]

    build: Callable[[], nn.Module]
    spec: JudgeSpec = field(default_factory=lambda: JudgeSpec(""), kw_only=True)
    claims: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def example(self, batch_size: int, seed: int = 0) -> Example:
        """Draw a random batch."""

    @abstractmethod
    def outputs(self, module: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run the network and give everything that it returns, by name."""

    @abstractmethod
    def loss(self, module: nn.Module, example: Example) -> Tensor:
        """Give the training loss."""

    @abstractmethod
    def errors(self, module: nn.Module, example: Example) -> dict[str, float]:
        """Give what learning must lower, by name; the module is left in either mode."""

    def smallest(self, run: Callable[[Example], object], *, least: int = 1) -> tuple[int, Example]:
        """Find the smallest batch on which something runs.

        Raises:
            Exception: What it raised on the largest that was tried.
        """
        for size in range(least, WHOLE_BATCH):
            example = self.example(size)
            try:
                run(example)
            except TOO_SMALL:
                continue
            return size, example
        run(self.example(WHOLE_BATCH))
        return WHOLE_BATCH, self.example(WHOLE_BATCH)

    def fresh(self, seed: int = 0, *, noise: bool = False) -> nn.Module:
        """Build the network from a seed, in evaluation mode; with `noise` no parameter is left at zero."""
        with seeded(self.spec.seed + seed):
            module = self.build().eval()
            if noise:
                with torch.no_grad():
                    for parameter in module.parameters():
                        if parameter.is_floating_point():
                            parameter.add_(NOISE * torch.randn_like(parameter))
        return module

    def claimed(self, *kinds: str) -> dict[str, Claim]:
        """Give the claims of some kinds, by their text."""
        parsed = {text: Claim.parse(text) for text in self.claims}
        return {text: claim for text, claim in parsed.items() if claim.kind in kinds}

    @property
    def batch_size(self) -> int:
        """Examples in a batch that the network can be trained on."""
        return WHOLE_BATCH if "whole_batch" in self.claims else PAIR


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random numbers from a seed inside, and leave every generator as it was found."""
    before = random.getstate()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before)


def gap(left: Tensor, right: Tensor) -> float:
    """Give the largest difference of two tensors, relative to their size where that exceeds one."""
    if not left.numel():
        return 0.0
    if not (left.is_floating_point() or left.is_complex()):
        left, right = left.double(), right.double()
    scale = max(1.0, left.abs().max().item())
    distance = (left - right).abs().max().item() / scale
    return math.inf if math.isnan(distance) else distance


def distance(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> float:
    """Give the largest difference of two sets of named tensors; infinite if they differ in a name or a shape."""
    shapes = [{name: each.shape for name, each in side.items()} for side in (left, right)]
    if shapes[0] != shapes[1]:
        return math.inf
    return max((gap(left[name], right[name]) for name in left), default=0.0)


def sees_its_batch(module: nn.Module) -> bool:
    """Tell whether the network normalises over the batch while it is trained."""
    return any(isinstance(each, _BATCH_NORMS) for each in module.modules())
