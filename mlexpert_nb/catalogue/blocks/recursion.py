"""Recursion: one network applied again and again to an answer y and a latent z.

Paper: Jolicoeur-Martineau 2025 (Tiny Recursive Model), arXiv:2510.04871, fig. 3 (recursion), sec. 4 (one network).

    latent_recursion:   n times  z <- net(z + y + x);  then  y <- net(y + z)
    deep_recursion:     C - 1 latent recursions without gradient, then one with

y and z start from fixed random vectors: buffers, because no gradient can reach them.
Shapes: d width.
"""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

TapeT = TypeVar("TapeT")  # what the network remembers, call by call


class Recursion(nn.Module, ABC, Generic[TapeT]):
    """The recursion around a network; `x`, `y` and `z` have the same shape `(..., d)`."""

    y0_d: Tensor
    z0_d: Tensor

    def __init__(self, dim: int, *, num_latent: int, num_cycles: int) -> None:
        super().__init__()
        self.num_latent, self.num_cycles = num_latent, num_cycles
        for name in ("y0_d", "z0_d"):
            self.register_buffer(name, nn.init.trunc_normal_(torch.empty(dim), std=1.0))

    @abstractmethod
    def net(self, h: Tensor, tape: TapeT) -> Tensor:
        """Apply the network once."""

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give the first answer and latent for every position of x."""
        return self.y0_d.to(x.dtype).expand_as(x), self.z0_d.to(x.dtype).expand_as(x)

    def deep_recursion(self, x: Tensor, y: Tensor, z: Tensor, tape: TapeT) -> tuple[Tensor, Tensor]:
        """Improve answer and latent; only the last of the cycles is differentiated, and nothing before it."""
        y, z = y.detach(), z.detach()
        with torch.no_grad():
            for _ in range(self.num_cycles - 1):
                y, z = self.latent_recursion(x, y, z, tape)
        return self.latent_recursion(x, y, z, tape)

    def latent_recursion(self, x: Tensor, y: Tensor, z: Tensor, tape: TapeT) -> tuple[Tensor, Tensor]:
        """Update the latent n times with a view of x, then the answer from the latent alone."""
        for _ in range(self.num_latent):
            z = self.net(z + y + x, tape)
        return self.net(y + z, tape), z
