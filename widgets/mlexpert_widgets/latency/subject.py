"""What is measured: a function or a module with its inputs, called so that nothing of it is changed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to call again and again.

    Attributes:
        name: What it is called.
        call: Calls it with its inputs.
        model: The module that is called or whose method is; None for a function.
        device: Kind of the device that it runs on.
        grad: Whether its calls record gradients.
        compiled: Whether it is compiled, so that its modules and ops cannot be told apart.
    """

    name: str
    call: Callable[[], object]
    model: nn.Module | None
    device: str
    grad: bool
    compiled: bool

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Let it be called; at the end the model's buffers and gradients and the random state are as they were."""
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng([torch.cuda.current_device()] if self.device == "cuda" else []))
            if self.model is not None:
                stack.enter_context(_as_it_was(self.model))
            # not inference_mode: a tensor that the model keeps from it can never be trained through
            stack.enter_context(torch.set_grad_enabled(self.grad))
            yield


def subject(fn: Callable[..., object], inputs: object, *, grad: bool | None) -> Subject:
    """Make a subject of a function or module.

    Args:
        fn: What to call.
        inputs: A tuple of arguments, a mapping of named ones, or one argument; None for none.
        grad: Whether to record gradients; if None, a function does as it likes and a module records none.

    Raises:
        TypeError: It cannot be called.
    """
    if not callable(fn):
        raise TypeError(f"a latency is measured of a function or a module, not of {type(fn).__name__}")
    owner = fn if isinstance(fn, nn.Module) else getattr(fn, "__self__", None)
    model = owner if isinstance(owner, nn.Module) else None
    records = not isinstance(fn, nn.Module) if grad is None else grad
    return Subject(_name(fn), _call(fn, inputs), model, _device(model, inputs), records, _compiled(fn))


def _call(fn: Callable[..., object], inputs: Any) -> Callable[[], object]:
    if inputs is None:
        return fn
    if isinstance(inputs, Mapping):
        return partial(fn, **inputs)
    return partial(fn, *inputs) if isinstance(inputs, tuple) else partial(fn, inputs)


def _name(fn: object) -> str:
    inner = fn.func if isinstance(fn, partial) else fn
    name = (
        type(inner).__name__ if isinstance(inner, nn.Module) else getattr(inner, "__qualname__", type(inner).__name__)
    )
    return str(name).rpartition("<locals>.")[2]


def _compiled(fn: object) -> bool:
    return any(hasattr(fn, name) for name in ("_orig_mod", "_torchdynamo_orig_callable", "graph_for"))


def _device(model: nn.Module | None, inputs: object) -> str:
    """Give the first kind of device that is not the processor, among the inputs and the parameters."""
    tensors = [each for each in pytree.tree_leaves(inputs) if isinstance(each, Tensor)]
    if model is not None:
        tensors += [*model.parameters(), *model.buffers()]
    return next((each.device.type for each in tensors if each.device.type not in {"cpu", "meta"}), "cpu")


@contextmanager
def _as_it_was(model: nn.Module) -> Iterator[None]:
    """Put buffers and gradients back at the end."""
    buffers = [(owner, name, kept, kept.clone()) for owner, name, kept in _buffers(model)]
    grads = [(each, each.grad) for each in model.parameters()]
    for each, _ in grads:
        each.grad = None  # so that a backward pass adds to none of the user's
    try:
        yield
    finally:
        for each, grad in grads:
            each.grad = grad
        with torch.no_grad():
            for owner, name, kept, content in buffers:
                owner._buffers[name] = kept  # noqa: SLF001 - setattr runs what the user has put into it
                if not torch.equal(kept, content):
                    kept.copy_(content)


def _buffers(model: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    for owner in model.modules():
        for name, buffer in owner.named_buffers(recurse=False):
            yield owner, name, buffer


def named_apart(subjects: Sequence[Subject]) -> list[Subject]:
    """Give subjects with a name of its own each.

    Raises:
        ValueError: They run on different devices.
    """
    devices = {each.device for each in subjects}
    if len(devices) > 1:
        raise ValueError(f"what is compared must run on one device, not on {' and '.join(sorted(devices))}")
    if len({each.name for each in subjects}) == len(subjects):
        return list(subjects)
    return [replace(each, name=f"{each.name} {letter}") for each, letter in zip(subjects, "AB", strict=True)]
