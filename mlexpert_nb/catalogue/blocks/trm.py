"""The tiny network of the recursion: post-norm layers that work token by token, or attend through a causal window.

Paper: Jolicoeur-Martineau 2025 (Tiny Recursive Model), arXiv:2510.04871, fig. 3, sec. 4 (one network).

    net(h):             for each layer  h <- rms(h + attention(h)) if it mixes positions;  h <- rms(h + SwiGLU(h))

Where tokens halt one by one, a halted token keeps the keys and values of its last step, so the others go on seeing it.
Shapes: B batch, T tokens, A tokens that still run, d width, G heads, D head size.
"""

from collections.abc import Iterator, Sequence
from itertools import count, repeat

import torch
from torch import Tensor, nn

from mlexpert_nb.catalogue.blocks.norms import SwiGLU, rms
from mlexpert_nb.catalogue.blocks.recursion import Recursion
from mlexpert_nb.catalogue.blocks.sliding_window import AttentionShape, SlidingWindowAttention, WindowState


class Tape:
    """What the tiny network's attention remembers, call by call in the order of the recursion: read, then rewritten."""

    def __init__(self, states: Sequence[WindowState] = ()) -> None:
        self.before: Iterator[WindowState | None] = iter(states) if states else repeat(None)
        self.after: list[WindowState] = []

    def attend(self, attention: SlidingWindowAttention, h_BTd: Tensor) -> Tensor:
        """Let tokens `(B, T, d)` attend in order, from the state of this call in the stream before."""
        mixed_BTd, state = attention(h_BTd, next(self.before))
        self.after.append(state)
        return mixed_BTd


class HaltingTape(Tape):
    """A tape for tokens of which only some still run; each call keeps the last keys and values of every token."""

    def __init__(self, batch: int, length: int) -> None:
        super().__init__()
        self.batch, self.length = batch, length
        self.active_A = torch.arange(batch * length)
        self.calls: Iterator[int] = count()
        self.kept: list[Tensor] = []

    def start_step(self, active_A: Tensor) -> "HaltingTape":
        """Begin a supervision step in which the given tokens, counted through the batch, run."""
        self.active_A, self.calls = active_A, count()
        return self

    def attend(self, attention: SlidingWindowAttention, h_BTd: Tensor) -> Tensor:
        """Let the running tokens `(A, d)` attend to all tokens of their row, halted or not."""
        row_A, position_A = self.active_A // self.length, self.active_A % self.length
        qkv = torch.cat(attention.project(h_BTd.unsqueeze(0), position_A)).transpose(1, 2)
        call = next(self.calls)
        if call == len(self.kept):
            self.kept.append(qkv.new_zeros(3, self.batch, self.length, *qkv.shape[2:]))
        self.kept[call][:, row_A, position_A] = qkv
        return attention.attend(*self.kept[call].transpose(2, 3))[row_A, position_A]


class CoreLayer(nn.Module):
    """One post-norm layer of the tiny network; without attention every token is on its own."""

    def __init__(self, dim: int, hidden: int, attention: AttentionShape | None = None) -> None:
        super().__init__()
        self.attention = SlidingWindowAttention(attention) if attention else None
        self.out = nn.Linear(dim, dim, bias=False) if attention else None
        self.feed_forward = SwiGLU(dim, hidden)

    def forward(self, h: Tensor, tape: Tape) -> Tensor:
        """Mix positions if the layer has attention, then transform each."""
        if self.attention and self.out:
            h = rms(h + self.out(tape.attend(self.attention, h)))
        return rms(h + self.feed_forward(h))


class TinyRecursion(Recursion[Tape]):
    """The recursion around the tiny network; `x`, `y` and `z` have the same shape `(..., d)`."""

    def __init__(self, layers: Sequence[CoreLayer], dim: int, *, num_latent: int, num_cycles: int) -> None:
        super().__init__(dim, num_latent=num_latent, num_cycles=num_cycles)
        self.layers = nn.ModuleList(layers)

    def net(self, h: Tensor, tape: Tape) -> Tensor:
        """Apply the tiny network once."""
        for layer in self.layers:
            h = layer(h, tape)
        return h
