"""Does an example see the other examples of its batch.

Shapes: B batch.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.slots import mixed
from mlexpert_nb.verify.behaviour.subject import Subject, gap

_LOUDER = 3.0  # the other rows also change their size


def batch_independence(subject: Subject) -> Behaviour:
    """Change the other rows, or leave them out, in evaluation mode: the first row must not move."""
    name, must = "batch_independence", "whole_batch" not in subject.claims
    axes = subject.batch_axes() if subject.reading.has_rows else {}
    if not axes:
        return Behaviour(name, None, must=must, measured="no output has one row an example")
    moved = _moved(subject, axes, training=False)
    alone = _alone(subject, axes)
    return Behaviour(
        name,
        moved <= subject.tolerance and alone <= subject.loose,
        must=must,
        measured=f"other rows moved the first by {moved:.1e}, being alone in the batch by {alone:.1e}",
        fix="take no mean, norm, softmax or order over the batch (dim 0); BatchNorm uses its running statistics in "
        "evaluation mode; give recurrent and attention layers batch_first=True if dim 0 is the batch",
    )


def batch_independence_in_training(subject: Subject) -> Behaviour:
    """Change the other rows in training mode; a network with BatchNorm rightly fails this."""
    name = "batch_independence_in_training"
    axes = subject.batch_axes() if subject.reading.has_rows else {}
    if not axes:
        return Behaviour(name, None, must=False, measured="no output has one row an example")
    moved = _moved(subject, axes, training=True)
    said = f"in training mode other rows moved the first by {moved:.1e}"
    return Behaviour(name, moved <= subject.tolerance, must=False, measured=said)


def _moved(subject: Subject, axes: Mapping[str, int], *, training: bool) -> float:
    first, other = subject.draw(seed=1), subject.draw(seed=2)
    for slot in subject.reading.slots:
        if slot.kind == "float":
            other[slot.name] = _LOUDER * other[slot.name]
    changed = mixed(subject.reading, first, other, [0])
    before = subject.run(subject.fresh().train(training), first)
    after = subject.run(subject.fresh().train(training), changed)
    return max(gap(_row(before[name], axis), _row(after[name], axis)) for name, axis in axes.items())


def _alone(subject: Subject, axes: Mapping[str, int]) -> float:
    """Run the first row alone; a network that refuses a batch of one, or draws noise, has no such figure."""
    first = subject.draw(seed=1)
    lone = {
        slot.name: first[slot.name][:1] if slot.shape[:1] == ("B",) else first[slot.name]
        for slot in subject.reading.slots
    }
    before = subject.run(subject.fresh(), first)
    again = subject.run(subject.fresh(), first, seed=1)
    if any(gap(before[name], again[name]) > 0 for name in axes):
        return 0.0
    try:
        after = subject.run(subject.fresh(), lone)
    except (RuntimeError, ValueError, IndexError):
        return 0.0
    same = [name for name in axes if name in after and after[name].ndim == before[name].ndim]
    return max((gap(_row(before[name], axes[name]), _row(after[name], axes[name])) for name in same), default=0.0)


def _row(tensor: Tensor, axis: int) -> Tensor:
    return tensor.index_select(axis, torch.tensor([0]))
