"""What a check is given: a way to build the delivered network anew, and to feed it tokens.

Shapes: B batch, T time, V vocabulary.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.verify.spec import JudgeSpec

CONTEXTS = (512, 256, 128, 64, 32, 16, 8)
NOISE = 0.02  # a fresh network has zeros in places, behind which a fault would hide


class Stream(Protocol):
    """Feeds tokens to a network that keeps its state: `(module, ids_BT, state) -> (logits_BTV, state)`."""

    def __call__(self, module: nn.Module, ids_BT: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Give the logits of the new tokens and the state after them."""


@dataclass(frozen=True, slots=True)
class TokenModel:
    """A network over tokens, as delivered.

    Attributes:
        build: Gives a new network in its delivered configuration.
        vocab_size: Number of different tokens.
        spec: Limits it is measured against, and the seed.
        loss_fn: Training loss of `(module, ids_BT, labels_BT)`; cross entropy of the logits if None.
        stream_fn: Token-by-token generation; None if the network has none.
        context: Longest sequence that the checks use.
    """

    build: Callable[[], nn.Module]
    vocab_size: int
    spec: JudgeSpec = field(default_factory=lambda: JudgeSpec(""))
    loss_fn: Callable[[nn.Module, Tensor, Tensor], Tensor] | None = None
    stream_fn: Stream | None = None
    context: int = CONTEXTS[-1]

    def fresh(self, seed: int = 0, *, noise: bool = False) -> nn.Module:
        """Build the network from a seed, in evaluation mode; with `noise` no parameter is left at zero."""
        with seeded(self.spec.seed + seed):
            module = self.build().eval()
            if noise:
                with torch.no_grad():
                    for parameter in module.parameters():
                        parameter.add_(NOISE * torch.randn_like(parameter))
        return module

    def tokens(self, batch_size: int, length: int, seed: int = 0) -> Tensor:
        """Draw random token ids, `(B, T)`."""
        generator = torch.Generator().manual_seed(self.spec.seed + seed)
        return torch.randint(self.vocab_size, (batch_size, length), generator=generator)

    def other(self, ids_BT: Tensor) -> Tensor:
        """Give token ids of which each differs from the one in its place."""
        return (ids_BT + 1) % self.vocab_size

    def logits(self, module: nn.Module, ids_BT: Tensor) -> Tensor:
        """Run the network and give its logits, `(B, T, V)`.

        Raises:
            ValueError: What it returned has another shape.
        """
        output = module(ids_BT)
        logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
        expected = (*ids_BT.shape, self.vocab_size)
        if not isinstance(logits, Tensor) or tuple(logits.shape) != expected:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(output).__name__
            raise ValueError(f"model(ids) gives {got}, not logits of shape {expected}")
        return logits

    def loss(self, module: nn.Module, ids_BT: Tensor) -> Tensor:
        """Give the training loss of predicting each next token."""
        inputs_BT, labels_BT = ids_BT[:, :-1], ids_BT[:, 1:]
        if self.loss_fn is None:
            return self.cross_entropy(module, ids_BT)
        return self.loss_fn(module, inputs_BT, labels_BT)

    def cross_entropy(self, module: nn.Module, ids_BT: Tensor) -> Tensor:
        """Give the cross entropy of predicting each next token; never asks the delivered code."""
        logits_BTV = self.logits(module, ids_BT[:, :-1])
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), ids_BT[:, 1:].flatten())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found; the fields are those of a `Finding`, `figures` are exact values for bench.json."""

    passed: bool
    measured: str
    limit: str
    fix: str
    figures: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[TokenModel], Outcome]


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


def longest_context(model: TokenModel) -> int:
    """Find the longest sequence, of a few lengths, that the network takes.

    Raises:
        Exception: What the network raised on the shortest of them.
    """
    module = model.fresh()
    for length in CONTEXTS:
        try:
            with torch.no_grad():
                model.logits(module, model.tokens(1, length))
        except (RuntimeError, ValueError, IndexError, AssertionError):
            if length == CONTEXTS[-1]:
                raise
        else:
            return length
    raise AssertionError("unreachable")


def gap(left: Tensor, right: Tensor) -> float:
    """Give the largest difference of two tensors, relative to their size where that exceeds one."""
    if not left.numel():
        return 0.0
    scale = max(1.0, left.abs().max().item())
    return (left - right).abs().max().item() / scale
