"""Finds out what a network reads: from examples that the user gives, or by trying what its layers suggest.

Shapes: B batch, T length.
"""

import inspect
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.behaviour.candidates import Hints, is_left_out, is_mask, is_sequential, rank_said, read_hints
from mlexpert_nb.verify.behaviour.candidates import slots_for as candidates_for
from mlexpert_nb.verify.behaviour.slots import Kind, Reading, Slot, mixed
from mlexpert_nb.verify.behaviour.subject import MORE, PAIR, SHORTER, axes, clone, gap, outputs
from mlexpert_nb.verify.checks.network import seeded

BUDGET_S = 30.0
MOST_TRIES = 6000
_MOST_OF_OTHERS = 24  # combinations of the other arguments for each candidate of the first
_RANKS = 3  # kinds of answer that are compared
_LEAK = 1e-6
_NEEDED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class _Arguments:
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    by_name: bool


def find_reading(module: nn.Module, example_inputs: Any = None) -> Reading:
    """Find out what a network reads.

    Args:
        module: The network; copies of it are run.
        example_inputs: A tensor, a tuple of tensors, or tensors by the name of the argument; probed for if None.

    Raises:
        UsageError: It does not run on the examples, or on nothing that was tried.
    """
    if example_inputs is not None:
        return _from_examples(module, example_inputs)
    arguments, hints = _arguments(module), read_hints(module)
    found = _best(module, list(_runs(module, arguments, hints)), arguments)
    if found is None:
        names = ", ".join(arguments.needed) or "its inputs"
        raise UsageError(
            f"{type(module).__name__}.forward runs on nothing that was tried for {names}; "
            "pass example_inputs: a tensor, a tuple of tensors, or a dict of tensors by argument"
        )
    return _stretched(module, _with_masks(module, found, arguments))


def works(module: nn.Module, reading: Reading, batch: int = PAIR, length: int = 0) -> bool:
    """Tell whether a copy of a network runs on what a reading draws, and gives tensors."""
    return _result(clone(module).eval(), reading, batch, length) is not None


def _result(module: nn.Module, reading: Reading, batch: int, length: int = 0) -> dict[str, Tensor] | None:
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    inputs = reading.draw(batch, seed=0, length=length)
    floats = {name: each.to(dtype) if each.is_floating_point() else each for name, each in inputs.items()}
    try:
        with torch.no_grad(), seeded(0):
            return outputs(module, floats, by_name=reading.by_name) or None
    except Exception:  # noqa: BLE001 - the network is not ours and may raise anything on inputs that are not its own
        return None


def _arguments(module: nn.Module) -> _Arguments:
    parameters = list(inspect.signature(module.forward).parameters.values())
    needed = [each.name for each in parameters if each.kind in _NEEDED and each.default is inspect.Parameter.empty]
    optional = [each.name for each in parameters if each.kind in _NEEDED and each.default is None]
    loose = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters)
    by_name = not any(each.kind is inspect.Parameter.POSITIONAL_ONLY for each in parameters)
    if not needed:
        first = [name for name in optional if not is_left_out(name) and not is_mask(name)][:1]
        return _Arguments(tuple(first or (["input"] if loose else [])), tuple(optional), by_name and bool(first))
    return _Arguments(tuple(needed), tuple(optional), by_name)


def _runs(module: nn.Module, arguments: _Arguments, hints: Hints) -> Iterator[Reading]:
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
            if _result(scratch, reading, PAIR) and _is_read(module, reading):
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
    few = _result(clone(module).eval(), reading, PAIR)
    more = few and _result(clone(module).eval(), reading, MORE)
    if not few or not more:
        return False
    follows = axes(few, more, PAIR, MORE)
    scalars = all(each.ndim == 0 for each in few.values())
    squares = any(each.ndim > 1 and each.shape[:2] == (PAIR, PAIR) for each in few.values())
    return bool(follows) or scalars or squares


def _best(module: nn.Module, found: Sequence[Reading], arguments: _Arguments) -> Reading | None:
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
        before = outputs(model, first, by_name=reading.by_name)
    with torch.no_grad(), seeded(0):
        after = outputs(clone(module).eval(), changed, by_name=reading.by_name)
    rows = [name for name, each in before.items() if each.ndim and each.shape[0] == PAIR]
    return any(gap(before[name][0], after[name][0]) > _LEAK for name in rows)


def _with_masks(module: nn.Module, reading: Reading, arguments: _Arguments) -> Reading:
    """Add the masks that `forward` takes but does not need, where the network runs with them."""
    taken = {slot.name for slot in reading.slots}
    hints = Hints((), (), (), (), (), "")
    for name in arguments.optional:
        if name in taken or not is_mask(name) or not reading.length or not reading.by_name:
            continue
        for slot, _ in candidates_for(name, hints):
            wider = replace(reading, slots=(*reading.slots, slot))
            if works(module, wider):
                reading = wider
                break
    return reading


def _stretched(module: nn.Module, reading: Reading) -> Reading:
    shorter = reading.length > SHORTER + 1 and works(module, reading, length=reading.length - SHORTER)
    return replace(reading, stretches=bool(shorter))


def _from_examples(module: nn.Module, examples: Any) -> Reading:
    """Read the slots off examples, and try whether they may be longer or shorter."""
    arguments = _arguments(module)
    named = _named(examples, arguments)
    by_name = arguments.by_name and isinstance(examples, Mapping | Tensor | tuple | list) and bool(named)
    sizes = {each.shape[0] for each in named.values() if each.ndim}
    shared = len(sizes) == 1
    plain = Reading(tuple(_slot(name, each, batch=shared) for name, each in named.items()), 0, by_name=by_name)
    if not works(module, plain):
        _explain(module, named, by_name=by_name)
    lengths = _lengths(module, plain, named)
    return _with_masks(module, lengths, arguments) if isinstance(examples, Tensor) else lengths


def _named(examples: Any, arguments: _Arguments) -> dict[str, Tensor]:
    if isinstance(examples, Mapping):
        named = {str(name): each for name, each in examples.items()}
    else:
        values = list(examples) if isinstance(examples, (tuple, list)) else [examples]
        names = [*arguments.needed, *(each for each in arguments.optional if each not in arguments.needed)]
        names += [f"input_{n}" for n in range(len(names), len(values))]
        named = dict(zip(names, values, strict=False))
    for name, each in named.items():
        if not isinstance(each, Tensor):
            raise UsageError(f"example_inputs: {name} is a {type(each).__name__}, not a tensor; give tensors only")
    if not named:
        raise UsageError("example_inputs holds no tensor; give a tensor, a tuple of tensors, or a dict of them")
    return named


def _slot(name: str, example: Tensor, *, batch: bool) -> Slot:
    """Describe an example: the same sizes, numbers of the same range."""
    shape = ("B", *example.shape[1:]) if batch and example.ndim else tuple(example.shape)
    dtype = str(example.dtype).removeprefix("torch.")
    if name == "edge_index":
        return Slot(name, "edges", (2, "B"), dtype="int64")
    if example.dtype == torch.bool:
        mask = example.ndim == 2 and is_mask(name)  # noqa: PLR2004 - batch and positions
        return Slot(name, "mask" if mask else "ids", shape, 0, 2, dtype, inverted=mask and "pad" in name)
    if example.is_floating_point():
        low, high = (float(example.min()), float(example.max())) if example.numel() else (0.0, 0.0)
        kind: Kind = "range" if low >= 0 and high > low else "float"
        return Slot(name, kind, shape, low if kind == "range" else 0, high if kind == "range" else 0, dtype)
    if is_mask(name) and example.ndim == 2:  # noqa: PLR2004 - batch and positions
        return Slot(name, "mask", shape, dtype=dtype)
    low, high = int(example.min()), int(example.max()) + 1
    return Slot(name, "ids", shape, min(low, 0), high, dtype)


def _lengths(module: nn.Module, plain: Reading, named: Mapping[str, Tensor]) -> Reading:
    """Find the axis of positions: dim 1 of ids, dim 1 or 2 of numbers, the one that may change where there is one."""
    options = []
    for slot in plain.slots:
        if slot.is_content and slot.shape[:1] == ("B",) and len(slot.shape) in (2, 3):
            last = len(slot.shape) - (0 if slot.kind == "ids" else 1)
            options += [(slot.name, axis) for axis in range(1, last + (len(slot.shape) == 3 and slot.kind != "ids"))]  # noqa: PLR2004 - (B, C, T)
    fallback = None
    for name, axis in options:
        length = named[name].shape[axis]
        slots = tuple(_long(slot, length, axis if slot.name == name else 1) for slot in plain.slots)
        reading = _stretched(module, Reading(slots, length, by_name=plain.by_name))
        if reading.stretches:
            return reading
        if fallback is None and axis == 1 and works(module, reading):
            fallback = reading
    return fallback or plain


def _long(slot: Slot, length: int, axis: int) -> Slot:
    """Let one axis of a slot, or of a mask, follow the length."""
    if len(slot.shape) <= axis or slot.shape[axis] != length:
        return slot
    return replace(slot, shape=(*slot.shape[:axis], "T", *slot.shape[axis + 1 :]))


def _explain(module: nn.Module, named: Mapping[str, Tensor], *, by_name: bool) -> None:
    """Raise what is wrong with the examples."""
    try:
        with torch.no_grad(), seeded(0):
            found = outputs(clone(module).eval(), named, by_name=by_name)
    except Exception as error:
        line = (str(error).splitlines() or [""])[0]
        raise UsageError(f"{type(module).__name__} does not run on example_inputs: {line}; give others") from error
    if not found:
        raise UsageError(f"{type(module).__name__} gives no tensor for example_inputs, so nothing can be measured")
    raise UsageError(
        f"{type(module).__name__} runs on example_inputs, but not on random ones of the same shapes in batches of "
        f"{PAIR}; give examples whose dim 0 is the batch"
    )
