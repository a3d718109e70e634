"""The network under examination: a private copy that is built anew for every measurement, and how it is run."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.slots import Inputs, Reading
from mlexpert_nb.verify.checks.network import seeded
from mlexpert_nb.verify.checks.outputs import named_tensors

NOISE = 0.02  # a fresh network has zeros in places, behind which a defect would hide
PAIR, MORE = 3, 5  # two batch sizes
SHARED = 1_000_000  # a parameter of more numbers is not copied anew for every measurement
_COMPLEX = {torch.float64: torch.complex128, torch.float32: torch.complex64, torch.float16: torch.complex32}
SHORTER = 2  # positions that are left out to see which axes follow the length


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined.

    Attributes:
        module: The copy, in evaluation mode; no measurement runs it itself.
        reading: What it reads.
        claims: What it is said to do: names as in `verify.CLAIMS`.
        dtype: Kind of number that it is measured in.
        build: Builds a network of the same kind anew; None where nobody knows how.
        loss: Its own training loss on a random batch; None where there is none.
    """

    module: nn.Module
    reading: Reading
    claims: tuple[str, ...]
    dtype: torch.dtype
    build: Callable[[], nn.Module] | None = None
    loss: Callable[[nn.Module], Tensor] | None = None

    @property
    def tolerance(self) -> float:
        """How far two results may differ that should be equal."""
        return 1e-9 if self.dtype == torch.float64 else 1e-5

    @property
    def loose(self) -> float:
        """The same for results whose sums are taken in another order."""
        return 1e-7 if self.dtype == torch.float64 else 1e-3

    def fresh(self) -> nn.Module:
        """Give a copy that nothing has been run on; large parameters share their numbers, not their gradients."""
        return clone(self.module, share=True)

    def draw(self, batch: int = PAIR, seed: int = 0, *, length: int = 0, whole: bool = False) -> Inputs:
        """Draw inputs in the subject's kind of number."""
        return cast(self.reading.draw(batch, seed, length=length, whole=whole), self.dtype)

    def run(self, module: nn.Module, inputs: Mapping[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
        """Run a network on a copy of inputs, without gradients, with given random numbers; give what it returns."""
        own = {name: each.clone() for name, each in inputs.items()}
        with torch.no_grad(), seeded(seed):
            return outputs(module, own, self.reading)

    def batch_axes(self) -> dict[str, int]:
        """Find the axis of each output that counts the examples; outputs without just one such axis are left out."""
        few, more = (self.run(self.fresh(), self.draw(size)) for size in (PAIR, MORE))
        return axes(few, more, PAIR, MORE)

    def length_axes(self) -> dict[str, int]:
        """Find the axis of each output that follows the length of the inputs."""
        whole, length = self.run(self.fresh(), self.draw(PAIR, whole=True)), self.reading.length
        if not length:
            return {}
        if self.reading.stretches:
            shorter = self.draw(PAIR, length=length - SHORTER, whole=True)
            return axes(whole, self.run(self.fresh(), shorter), length, length - SHORTER)
        batch = self.batch_axes()
        found = {name: [a for a, size in enumerate(each.shape) if size == length] for name, each in whole.items()}
        return {name: each[0] for name, each in found.items() if len(each) == 1 and each[0] != batch.get(name)}


def axes(left: Mapping[str, Tensor], right: Mapping[str, Tensor], was: int, now: int) -> dict[str, int]:
    """Find the one axis of each tensor that went from one size to another while all others stayed."""
    found = {}
    for name, each in left.items():
        other = right.get(name)
        if other is None or other.ndim != each.ndim:
            continue
        moved = [axis for axis in range(each.ndim) if each.shape[axis] != other.shape[axis]]
        if len(moved) == 1 and (each.shape[moved[0]], other.shape[moved[0]]) == (was, now):
            found[name] = moved[0]
    return found


def outputs(module: nn.Module, inputs: Mapping[str, Tensor], reading: Reading) -> dict[str, Tensor]:
    """Run a network and flatten what it returns: a lone tensor is `output`."""
    given = reading.arguments(inputs)
    returned = module(**given) if reading.by_name else module(*given.values())
    return dict(named_tensors(returned, ""))


def cast(inputs: Mapping[str, Tensor], dtype: torch.dtype) -> Inputs:
    """Give inputs with every float in one type."""
    return {name: as_type(each, dtype) for name, each in inputs.items()}


def as_type(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Give a tensor in one type; complex numbers stay complex, integers as they are."""
    if tensor.is_complex():
        return tensor.to(_COMPLEX.get(dtype, tensor.dtype))
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def retyped(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Change the type of every number of a network; `Module.to` would cut complex ones down to their real part."""
    held = [*module.parameters(), *module.buffers()]
    if not any(each.is_complex() for each in held):
        return module.to(dtype)
    for each in held:
        each.data = as_type(each.data, dtype)
    return module


def gap(left: Tensor, right: Tensor) -> float:
    """Give the largest difference, relative to the size where that exceeds one; equal infinities do not differ."""
    if left.shape != right.shape:
        return float("inf")
    if not left.numel():
        return 0.0
    wide = torch.complex128 if left.is_complex() else torch.float64
    first, second = left.detach().to(wide), right.detach().to(wide)
    same = (first == second) | (first.isnan() & second.isnan())
    distance = torch.where(same, 0.0, (first - second).abs())
    largest = torch.where(first.isfinite(), first.abs(), 0.0).max().clamp(min=1.0)
    return float((distance / largest).nan_to_num(nan=float("inf")).max())


def clone(module: nn.Module, *, share: bool = False) -> nn.Module:
    """Copy a network; tensors that an earlier call has left in its attributes are cut from their graph.

    Args:
        module: The network.
        share: Whether large parameters of the copy may be views of the same numbers.
    """
    memo: dict[int, Any] = {}
    if share:
        large = [each for each in module.parameters() if each.numel() > SHARED]
        memo |= {id(each): nn.Parameter(each.detach(), requires_grad=each.requires_grad) for each in large}
    for part in module.modules():
        for value in vars(part).values():
            for tensor in _tensors(value):
                if tensor.grad_fn is not None:
                    memo[id(tensor)] = tensor.detach().clone()
    return copy.deepcopy(module, memo)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
