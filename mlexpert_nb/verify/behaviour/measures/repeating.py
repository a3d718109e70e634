"""Does a network give the same again: with other random numbers, after another call, after training mode.

Shapes: B batch, T length.
"""

import re
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.subject import Subject, gap, outputs
from mlexpert_nb.verify.checks.network import seeded

_DRAWS = re.compile(r"rand|dropout|bernoulli|normal_|multinomial|poisson|exponential_|uniform_")


def determinism(subject: Subject) -> Behaviour:
    """Run twice in evaluation mode with other random numbers: nothing may move."""
    module, inputs = subject.fresh(), subject.draw()
    moved = distance(subject.run(module, inputs, seed=1), subject.run(subject.fresh(), inputs, seed=2))
    drawn = _drawn(subject) if moved > 0 else ()
    return Behaviour(
        "determinism",
        moved == 0,
        must=True,
        measured=f"in evaluation mode other random numbers moved the outputs by {moved:.1e}{_from(drawn)}",
        fix="switch noise off in evaluation mode: F.dropout(x, p, training=self.training), nn.Dropout, or if "
        "self.training: …",
    )


def no_state_leak(subject: Subject) -> Behaviour:
    """Run on other inputs first: what comes after must not remember them."""
    inputs, other = subject.draw(seed=1), subject.draw(seed=2)
    alone = subject.run(subject.fresh(), inputs)
    used = subject.fresh()
    subject.run(used, other)
    moved = distance(alone, subject.run(used, inputs))
    return Behaviour(
        "no_state_leak",
        moved <= subject.tolerance,
        must=True,
        measured=f"an earlier call in evaluation mode moved the outputs by {moved:.1e}",
        fix="keep nothing in self during forward; take the state as an argument and return the new one",
    )


def inputs_untouched(subject: Subject) -> Behaviour:
    """Run, and compare the inputs with what they were."""
    touched = []
    for training in (False, True):
        inputs = subject.draw()
        before = {name: each.clone() for name, each in inputs.items()}
        with torch.no_grad(), seeded(0):
            outputs(subject.fresh().train(training), inputs, subject.reading)
        touched += [name for name, each in inputs.items() if gap(each, before[name]) > 0]
    names = ", ".join(dict.fromkeys(touched))
    return Behaviour(
        "inputs_untouched",
        not touched,
        must=True,
        measured=f"forward wrote into {names}" if touched else "forward left its inputs as they were",
        fix="write into a copy: x = x + y, not x += y; masked_fill, not masked_fill_; clone() before an assignment",
    )


def parameters_untouched(subject: Subject) -> Behaviour:
    """Run, and compare parameters with what they were, and buffers too in evaluation mode."""
    touched = []
    for training in (False, True):
        module = subject.fresh().train(training)
        held = dict(module.named_parameters()) if training else module.state_dict()
        before = {name: each.detach().clone() for name, each in held.items()}
        subject.run(module, subject.draw())
        now = dict(module.named_parameters()) if training else module.state_dict()
        touched += [name for name, each in now.items() if name not in before or gap(each, before[name]) > 0]
    names = ", ".join(dict.fromkeys(touched))
    return Behaviour(
        "parameters_untouched",
        not touched,
        must=True,
        measured=f"forward changed {names}"
        if touched
        else "forward left parameters as they were, and buffers in evaluation mode",
        fix="let the optimiser change parameters; update a buffer only under if self.training",
    )


def train_eval(subject: Subject) -> Behaviour:
    """Go through training mode and back: only buffers, which are saved, may carry something over."""
    inputs, module = subject.draw(), subject.fresh()
    before = subject.run(module, inputs)
    buffers = {name: each.clone() for name, each in module.named_buffers()}
    subject.run(module.train(), subject.draw(seed=1))
    with torch.no_grad():
        for name, each in module.named_buffers():
            if name in buffers and each.shape == buffers[name].shape:
                each.copy_(buffers[name])
    moved = distance(before, subject.run(module.eval(), inputs))
    return Behaviour(
        "train_eval",
        moved <= subject.tolerance,
        must=True,
        measured=f"a call in training mode moved the outputs in evaluation mode by {moved:.1e}, buffers aside",
        fix="keep running statistics in buffers (register_buffer), and nothing else in self during forward",
    )


def distance(left: dict[str, Tensor], right: dict[str, Tensor]) -> float:
    """Give the largest difference of two sets of outputs; infinite if they have other names."""
    if left.keys() != right.keys():
        return float("inf")
    return max((gap(left[name], right[name]) for name in left), default=0.0)


class _Watch(TorchDispatchMode):
    """Notes the operations that draw random numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch annotates no __init__ here
        self.drawn: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        name = func.overloadpacket.__name__
        if _DRAWS.search(name):
            self.drawn.append(name)
        return func(*args, **(kwargs or {}))


def _drawn(subject: Subject) -> tuple[str, ...]:
    module, inputs = subject.fresh(), subject.draw()
    with _Watch() as watch:
        subject.run(module, inputs)
    return tuple(dict.fromkeys(watch.drawn))


def _from(drawn: tuple[str, ...]) -> str:
    return f", drawn by {', '.join(drawn)}" if drawn else ""
