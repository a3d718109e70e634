"""AdamW as a check trains with it. The class in `torch.optim` loads torch's compiler first, which takes seconds."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETAS, EPS = (0.9, 0.999), 1e-8


class AdamW:
    """The fused step of torch, without weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2)."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        self._parameters, self._rate = list(parameters), rate
        self._state: dict[nn.Parameter, tuple[Tensor, Tensor, Tensor]] = {}

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved = [(each, each.grad) for each in self._parameters if each.grad is not None]
        for each, _ in moved:
            if each not in self._state:
                moments = torch.zeros_like(each.detach()), torch.zeros_like(each.detach())
                self._state[each] = (*moments, torch.zeros((), device=each.device))
        means, squares, steps = ([self._state[each][part] for each, _ in moved] for part in range(3))
        with torch.no_grad():
            adamw(
                [each for each, _ in moved],
                [gradient for _, gradient in moved],
                means,
                squares,
                [],
                steps,
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=self._rate,
                weight_decay=0.0,
                eps=EPS,
                maximize=False,
            )
