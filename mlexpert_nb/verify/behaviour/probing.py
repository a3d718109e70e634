"""Finds out what a network reads: from examples that the user gives, or by trying what its layers suggest.

Shapes: B batch, T length.
"""

import inspect
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

import torch
from torch import nn

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.behaviour.candidates import Hints, is_sequential, rank_said, read_hints
from mlexpert_nb.verify.behaviour.candidates import slots_for as candidates_for
from mlexpert_nb.verify.behaviour.examples import reading_of
from mlexpert_nb.verify.behaviour.masks import settled
from mlexpert_nb.verify.behaviour.slots import Reading, Slot, mixed
from mlexpert_nb.verify.behaviour.subject import MORE, PAIR, axes, clone, gap, outputs
from mlexpert_nb.verify.behaviour.trying import Arguments, arguments_of, result, stretched, with_masks
from mlexpert_nb.verify.checks.network import seeded
from mlexpert_nb.verify.claims import Claim

BUDGET_S = 30.0
MOST_TRIES = 6000
_MOST_OF_OTHERS = 24  # combinations of the other arguments for each candidate of the first
_RANKS = 3  # kinds of answer that are compared
_LEAK = 1e-6


def find_reading(module: nn.Module, example_inputs: Any = None, claims: Sequence[str] = ()) -> Reading:
    """Find out what a network reads.

    Args:
        module: The network; copies of it are run.
        example_inputs: A tensor, a tuple of tensors, or tensors by the name of the argument; probed for if None.
        claims: What it is said to do, which may name its inputs.

    Raises:
        UsageError: It does not run on the examples, or on nothing that was tried.
    """
    if type(module).forward is nn.Module.forward:
        raise UsageError(f"{type(module).__name__} has no forward; write one, or name another class")
    parsed = [Claim.parse(each) for each in claims]
    masks = frozenset(each.names[1] for each in parsed if len(each.names) > 1)
    if example_inputs is not None:
        ordered = [each.names[0] for each in parsed if len(each.names) == 1]
        return reading_of(
            module, example_inputs, frozenset(ordered or [each.names[0] for each in parsed if each.names]), masks
        )
    arguments, hints = arguments_of(module), read_hints(module)
    found = _best(module, list(_runs(module, arguments, hints)), arguments)
    if found is None:
        names = ", ".join(arguments.needed) or "its inputs"
        raise UsageError(
            f"{type(module).__name__}.forward runs on nothing that was tried for {names}; "
            "pass example_inputs: a tensor, a tuple of tensors, or a dict of tensors by argument"
        )
    return settled(module, stretched(module, with_masks(module, found, arguments)), masks)


def _runs(module: nn.Module, arguments: Arguments, hints: Hints) -> Iterator[Reading]:
    """Give readings that work, of different numbers of axes, likeliest first."""
    if not arguments.needed:
        return
    first, *others = arguments.needed
    until, ranks, scratch = time.monotonic() + BUDGET_S, set[int](), clone(module).eval()
    for tries, (main, length) in enumerate(candidates_for(first, hints)):
        if tries > MOST_TRIES or time.monotonic() > until or len(ranks) == _RANKS:
            return
        if len(main.shape) in ranks:
            continue
        for rest in islice(_rest(others, hints, main, length), _MOST_OF_OTHERS):
            reading = Reading((main, *rest), length, by_name=arguments.by_name)
            if result(scratch, reading, PAIR) and _is_read(module, reading):
                ranks.add(len(main.shape))
                yield reading
                if hints.first != "linear" or main.kind == "ids":  # only a linear layer takes any number of axes
                    return
                break


def _rest(names: Sequence[str], hints: Hints, main: Slot, length: int) -> Iterator[tuple[Slot, ...]]:
    """Give what the other arguments could be, beside a first one."""
    lists = []
    for name in names:
        like = [replace(main, name=name)]
        others = [slot for slot, n in candidates_for(name, hints) if n in (0, length)]
        known = others and others[0].kind in ("mask", "lengths", "edges", "unit", "zeros")
        lists.append(others if known else [*like, *others])
    yield from product(*(each[:_MOST_OF_OTHERS] for each in lists))


def _is_read(module: nn.Module, reading: Reading) -> bool:
    """Tell whether a reading works in two batch sizes, so that no axis is taken for the batch that is not."""
    few = result(clone(module).eval(), reading, PAIR)
    more = few and result(clone(module).eval(), reading, MORE)
    if not few or not more:
        return False
    follows = axes(few, more, PAIR, MORE)
    scalars = all(each.ndim == 0 for each in few.values())
    squares = any(each.ndim > 1 and each.shape[:2] == (PAIR, PAIR) for each in few.values())
    return bool(follows) or scalars or squares


def _best(module: nn.Module, found: Sequence[Reading], arguments: Arguments) -> Reading | None:
    """Choose among readings: what the words say, then one in which no row sees another, then the likeliest."""
    if len(found) < 2:  # noqa: PLR2004 - nothing to choose
        return found[0] if found else None
    told = f"{inspect.getdoc(type(module)) or ''} {inspect.getdoc(type(module).forward) or ''}"
    said = rank_said(arguments.needed[0], told)
    spoken = [each for each in found if len(each.slots[0].shape) == said]
    if spoken:
        return spoken[0]
    apart = [each for each in found if not _rows_meet(module, each)]
    if apart:
        return apart[0]
    higher = [each for each in found if len(each.slots[0].shape) > 2]  # noqa: PLR2004 - two axes hold no batch of rows
    return higher[0] if higher and is_sequential(module) else found[0]


def _rows_meet(module: nn.Module, reading: Reading) -> bool:
    """Tell whether another row of the batch moves the first."""
    first, other = reading.draw(PAIR, seed=1), reading.draw(PAIR, seed=2)
    changed = mixed(reading, first, other, [0])
    model = clone(module).eval()
    with torch.no_grad(), seeded(0):
        before = outputs(model, first, reading)
    with torch.no_grad(), seeded(0):
        after = outputs(clone(module).eval(), changed, reading)
    rows = [name for name, each in before.items() if each.ndim and each.shape[0] == PAIR]
    return any(gap(before[name][0], after[name][0]) > _LEAK for name in rows)
