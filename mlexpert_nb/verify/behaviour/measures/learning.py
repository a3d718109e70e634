"""Can everything learn: a gradient at every parameter, and every trained tensor among the parameters.

Shapes: B batch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.subject import Subject, cast, outputs
from mlexpert_nb.verify.checks.network import seeded

BATCHES, ROWS = 3, 6  # a part that few examples reach (an expert, say) gets three chances
_NAMED = 4  # parameters that a message names


def gradients(subject: Subject) -> Behaviour:
    """Back-propagate from the outputs: every trained parameter gets a finite gradient that is not zero."""
    module = subject.fresh()
    waiting = {name: each for name, each in module.named_parameters() if each.requires_grad}
    total, broken = len(waiting), set[str]()
    for training in (True, False):
        for batch in range(BATCHES):
            scalar = loss(subject, module.train(training), seed=batch)
            if scalar is not None and scalar.requires_grad:
                scalar.backward()
            broken |= {name for name, each in waiting.items() if each.grad is not None and not _finite(each.grad)}
            waiting = {name: each for name, each in waiting.items() if not _reached(each)}
    missing = sorted({*waiting, *broken})
    if not total:
        return Behaviour("gradients", None, must=True, measured="there is no trained parameter")
    return Behaviour(
        "gradients",
        not missing,
        must=True,
        measured=f"{total - len(missing)} of {total} parameters get a gradient{_named(missing)}",
        fix="use it on the way to the outputs, or remove it, or set requires_grad=False; detach(), .data, argmax, "
        "round, item() and torch.no_grad() let no gradient through",
    )


def parameters_registered(subject: Subject) -> Behaviour:
    """Find trained tensors that are not in `parameters()`: no optimiser, no checkpoint and no `.to()` sees them."""
    module = subject.fresh()
    known = {id(each) for each in module.parameters()}
    hidden = {name: each for name, each in _held(module) if isinstance(each, nn.Parameter) or each.requires_grad}
    places = [name for name, each in hidden.items() if id(each) not in known and each.requires_grad]
    scalar = loss(replace(subject, loss=None), module.train(), seed=0)  # a loss may differentiate by the inputs
    strangers = _strangers(scalar, known) if scalar is not None else 0
    count = max(len(places), strangers)
    where = f", in {', '.join(places[:_NAMED])}" if places else ""
    return Behaviour(
        "parameters_registered",
        not count,
        must=True,
        measured=f"{count} trained tensors are not in parameters(){where}",
        fix="hold layers in nn.ModuleList or nn.ModuleDict, weights in nn.Parameter or nn.ParameterList; make no "
        "layer in forward",
    )


def loss(subject: Subject, module: nn.Module, seed: int) -> Tensor | None:
    """Give a scalar of every output, and of the network's own loss; None if no output carries a gradient."""
    inputs = cast(subject.reading.draw(ROWS, seed), subject.dtype)
    with seeded(seed):
        own = [] if subject.loss is None else [subject.loss(module)]
        given = outputs(module, inputs, subject.reading)
        parts = [_scalar(each) for each in given.values() if each.requires_grad] + own
        return torch.stack([each.to(subject.dtype) for each in parts]).sum() if parts else None


def _scalar(output: Tensor) -> Tensor:
    real = torch.view_as_real(output) if output.is_complex() else output
    real = real.masked_fill(~real.isfinite(), 0.0) if bool(real.isinf().any()) else real
    return (real * torch.randn_like(real)).sum() + 0.5 * real.square().mean()


def _reached(parameter: nn.Parameter) -> bool:
    grad = parameter.grad
    return grad is not None and bool((grad != 0).any()) and _finite(grad)


def _finite(grad: Tensor) -> bool:
    values = grad.coalesce().values() if grad.is_sparse else grad
    return bool(torch.isfinite(values).all())


def _named(missing: list[str]) -> str:
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"; not {', '.join(missing[:_NAMED])}{more}" if missing else ""


def _held(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Give the tensors that stand in attributes of a network outside of its own registers."""
    registers = {"_parameters", "_buffers", "_modules"}
    for prefix, part in module.named_modules():
        for name, value in vars(part).items():
            if name not in registers:
                yield from _inside(f"{prefix}.{name}".lstrip("."), value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, nn.Module):
        yield from ((f"{name}.{key}", each) for key, each in value.named_parameters())
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _inside(f"{name}[{key!r}]", each)
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from _inside(f"{name}[{number}]", each)


def _strangers(scalar: Tensor, known: set[int]) -> int:
    """Count the leaves of a graph that are trained but are no parameters."""
    seen, waiting, count = set[Any](), [scalar.grad_fn], 0
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        count += leaf is not None and id(leaf) not in known
        waiting += [parent for parent, _ in node.next_functions]
    return count
