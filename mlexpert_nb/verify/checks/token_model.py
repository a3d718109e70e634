"""A causal network over tokens, as the checks take it.

Shapes: B batch, T time, V vocabulary.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.verify.checks.network import Example, Network

CONTEXTS = (512, 256, 128, 64, 32, 16, 8)
LENGTH = 66  # tokens of an example; more than a chunk of 64
_IDS = "ids_BT"


class Stream(Protocol):
    """Feeds tokens to a network that keeps its state: `(module, ids_BT, state) -> (logits_BTV, state)`."""

    def __call__(self, module: nn.Module, ids_BT: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Give the logits of the new tokens and the state after them."""


@dataclass(frozen=True, slots=True)
class TokenModel(Network):
    """A network over tokens, as delivered.

    Attributes:
        vocab_size: Number of different tokens.
        loss_fn: Training loss of `(module, ids_BT, labels_BT)`; cross entropy of the logits if None.
        stream_fn: Token-by-token generation; None if the network has none.
        context: Longest sequence that the checks use.
    """

    READS: ClassVar[str] = "tokens"
    GIVES: ClassVar[str] = "logits"

    vocab_size: int
    loss_fn: Callable[[nn.Module, Tensor, Tensor], Tensor] | None = None
    stream_fn: Stream | None = None
    context: int = CONTEXTS[-1]

    def example(self, batch_size: int, seed: int = 0, *, length: int = LENGTH) -> Example:
        """Draw random tokens, at most as many as the network takes."""
        return Example({_IDS: self.tokens(batch_size, min(length, self.context), seed)})

    def outputs(self, module: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the logits by their name."""
        return {"logits_BTV": self.logits(module, inputs[_IDS])}

    def loss(self, module: nn.Module, example: Example) -> Tensor:
        """Give the training loss of predicting each next token."""
        if self.loss_fn is None:
            return self.cross_entropy(module, example)
        ids_BT = example.inputs[_IDS]
        return self.loss_fn(module, ids_BT[:, :-1], ids_BT[:, 1:])

    def errors(self, module: nn.Module, example: Example) -> dict[str, float]:
        """Give the judge's own cross entropy, in evaluation mode."""
        with torch.no_grad():
            return {"cross entropy": self.cross_entropy(module.eval(), example).item()}

    def cross_entropy(self, module: nn.Module, example: Example) -> Tensor:
        """Give the cross entropy of predicting each next token; never asks the delivered code."""
        ids_BT = example.inputs[_IDS]
        logits_BTV = self.logits(module, ids_BT[:, :-1])
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), ids_BT[:, 1:].flatten())

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
