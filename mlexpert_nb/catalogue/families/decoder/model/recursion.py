"""The blocks of the decoder as the network that a recursion applies again and again.

Paper: Jolicoeur-Martineau 2025 (Tiny Recursive Model), arXiv:2510.04871, fig. 3, sec. 4.

    net(h) = rms(blocks(h))                                  all blocks, causal; the norm keeps h at one size
    for each step:  y, z <- deep_recursion(rms(x), y, z);  logits = head(norm(y))

Every call of the network sees other vectors, so a stream keeps what the blocks remember for each call on its own.
Shapes: B batch, T tokens, D width.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from mlexpert_nb.catalogue.blocks.recursion import Recursion

NORM_EPS = 1e-6

Run = Callable[[Tensor, Any], tuple[Tensor, Any, list[Tensor]]]


class Calls:
    """What the blocks remember, call by call in the order of the recursion: read, then rewritten."""

    def __init__(self, run: Run, states: Sequence[Any] = ()) -> None:
        self.run = run
        self.before: Iterator[Any] = iter(states) if states else repeat(None)
        self.after: list[Any] = []
        self.routed: list[Tensor] = []


class BlockRecursion(Recursion[Calls]):
    """The recursion around the blocks; `calls` runs them from where the same call of the stream before left off."""

    def net(self, h: Tensor, tape: Calls) -> Tensor:
        """Apply all blocks once, and bring every token back to root-mean-square 1."""
        h, after, routed = tape.run(h, next(tape.before))
        tape.after.append(after)
        tape.routed += routed
        return rms(h)


def rms(x: Tensor) -> Tensor:
    """Scale the last dimension to root-mean-square 1, without parameters."""
    return F.rms_norm(x, x.shape[-1:], eps=NORM_EPS)
