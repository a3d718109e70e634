"""What a network reads, read off examples that the user gives: the same sizes, numbers of the same range.

Shapes: B batch (or the nodes of a graph), T length, E edges.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify.behaviour.candidates import is_mask
from mlexpert_nb.verify.behaviour.masks import meaning
from mlexpert_nb.verify.behaviour.slots import Kind, Reading, Size, Slot, Template
from mlexpert_nb.verify.behaviour.subject import PAIR, SHORTER, clone, outputs
from mlexpert_nb.verify.behaviour.trying import Arguments, arguments_of, result, stretched, with_masks, works
from mlexpert_nb.verify.checks.network import seeded

_PLANE = 2  # axes of batch and positions


@dataclass(frozen=True, slots=True)
class _Given:
    """Examples by the name of their slot, how arguments are made of them, and how many rows and edges they have."""

    named: Mapping[str, Tensor]
    nested: Mapping[str, Template]
    rows: int | None = None
    edges: int | None = None


def reading_of(
    module: nn.Module, examples: Any, claimed: AbstractSet[str] = frozenset(), masks: AbstractSet[str] = frozenset()
) -> Reading:
    """Read the slots off examples, and try whether they may be longer or shorter.

    Args:
        module: The network; copies of it are run.
        examples: A tensor, a tuple of tensors, or tensors by the name of the argument.
        claimed: Inputs that claims are about, for which positions are looked for first.
        masks: Masks that claims are about.

    Raises:
        UsageError: There is no tensor, or the network does not run on the examples, or on random ones like them.
    """
    arguments = arguments_of(module)
    given = _given(examples, arguments)
    readings = []
    for rows in dict.fromkeys((given.rows, None)):
        wide = tuple(_slot(module, name, replace(given, rows=rows), masks) for name in given.named)
        narrow = tuple(_narrowed(slot, given.named[slot.name]) for slot in wide)
        readings += [
            Reading(slots, _positions(slots, given.named), by_name=arguments.by_name, nested=given.nested)
            for slots in dict.fromkeys((wide, narrow))
        ]
    plain = next((each for each in readings if works(module, each)), None)
    if plain is None:
        raise _refusal(module, given.named, readings[0])
    reading = _lengths(module, plain, given.named, claimed)
    return with_masks(module, reading, arguments) if isinstance(examples, Tensor) else reading


def tensors_of(module: nn.Module, examples: Any) -> Mapping[str, Tensor]:
    """Give the tensors of examples by the name of their slot.

    Raises:
        UsageError: There is none, or something else is among them.
    """
    return _given(examples, arguments_of(module)).named


def _given(examples: Any, arguments: Arguments) -> _Given:
    if isinstance(examples, Mapping):
        values = {str(name): each for name, each in examples.items()}
    else:
        listed = list(examples) if isinstance(examples, (tuple, list)) else [examples]
        names = [*arguments.needed, *(each for each in arguments.optional if each not in arguments.needed)]
        names += [f"input_{n}" for n in range(len(names), len(listed))]
        values = dict(zip(names, listed, strict=False))
    named = {name: each for key, value in values.items() for name, each in _leaves(key, value)}
    if not named:
        raise UsageError("example_inputs holds no tensor; give a tensor, a tuple of tensors, or a dict of them")
    nested = {name: _template(name, value) for name, value in values.items() if not isinstance(value, Tensor)}
    graph = next((each for name, each in named.items() if _is_edges(name, each)), None)
    edges = None if graph is None else graph.shape[1]
    others = {each.shape[0] for name, each in named.items() if each.ndim and not _is_of_edges(name, each, edges)}
    return _Given(named, nested, others.pop() if len(others) == 1 else None, edges)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """Give every tensor in an argument, by its place in it."""
    if isinstance(value, Tensor):
        yield name, value
    elif type(value) in (tuple, list):
        for number, each in enumerate(value):
            yield from _leaves(f"{name}.{number}", each)
    elif type(value) is dict:
        for key, each in value.items():
            yield from _leaves(f"{name}.{key}", each)
    else:
        raise UsageError(f"example_inputs: {name} is a {type(value).__name__}, not a tensor; give tensors only")


def _template(name: str, value: Any) -> Template:
    if isinstance(value, dict):
        return {key: _template(f"{name}.{key}", each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_template(f"{name}.{number}", each) for number, each in enumerate(value))
    return name


def _is_edges(name: str, example: Tensor) -> bool:
    whole = not example.is_floating_point() and example.ndim == _PLANE and example.shape[0] == 2  # noqa: PLR2004 - from and to
    return whole and bool(re.search(r"edge_index|(?:^|\.)edges?$", name))


def _is_of_edges(name: str, example: Tensor, edges: int | None) -> bool:
    return _is_edges(name, example) or ("edge" in name and example.ndim > 0 and example.shape[0] == edges)


def _slot(module: nn.Module, name: str, given: _Given, masks: AbstractSet[str]) -> Slot:
    """Describe an example."""
    example, shape = given.named[name], tuple(given.named[name].shape)
    sizes: tuple[Size, ...] = ("B", *shape[1:]) if shape[:1] == (given.rows,) else shape
    dtype = str(example.dtype).removeprefix("torch.")
    if _is_edges(name, example):
        return Slot(name, "edges", (2, "E"), dtype="int64")
    if _is_of_edges(name, example, given.edges):
        sizes = ("E", *shape[1:])
    elif name in masks or is_mask(name):
        if example.ndim == _PLANE and bool(((example == 0) | (example == 1)).all()):
            inverted, known = meaning(module, name, claimed=name in masks, example=example)
            return Slot(name, "mask", sizes, dtype=dtype, inverted=inverted, settled=known)
        if example.ndim == 1 and dtype.startswith("int"):
            return Slot(name, "lengths", ("B",), dtype=dtype)
    return _plain(name, example, sizes, dtype)


def _plain(name: str, example: Tensor, shape: tuple[Size, ...], dtype: str) -> Slot:
    if example.dtype == torch.bool:
        return Slot(name, "ids", shape, 0, 2, dtype)
    if example.is_floating_point():
        low, high = (float(example.min()), float(example.max())) if example.numel() else (0.0, 0.0)
        kind: Kind = "range" if low >= 0 and high > low else "float"
        return Slot(name, kind, shape, low if kind == "range" else 0, high if kind == "range" else 0, dtype)
    if example.is_complex():
        return Slot(name, "float", shape, dtype=dtype)
    low, high = (int(example.min()), int(example.max()) + 1) if example.numel() else (0, 1)
    return Slot(name, "ids", shape, min(low, 0), high, dtype)


def _narrowed(slot: Slot, example: Tensor) -> Slot:
    """Let ids be such as every column has: columns of a table know different numbers of them."""
    if slot.kind != "ids" or example.ndim != _PLANE or example.dtype == torch.bool or not example.numel():
        return slot
    return replace(slot, high=int(example.amax(0).min()) + 1)


def _positions(slots: tuple[Slot, ...], named: Mapping[str, Tensor]) -> int:
    """Give the positions that lengths count, before it is known which axis follows them; 0 if there are no lengths."""
    if all(slot.kind != "lengths" for slot in slots):
        return 0
    return next((named[slot.name].shape[1] for slot in slots if slot.is_content and len(slot.shape) >= _PLANE), 0)


def _lengths(
    module: nn.Module, plain: Reading, named: Mapping[str, Tensor], claimed: AbstractSet[str] = frozenset()
) -> Reading:
    """Find the axis of positions: dim 1 of ids, dim 1 or 2 of numbers, the one that may change where there is one.

    An input that a claim is about comes first, then one whose length the first output follows.
    """
    options = []
    for slot in plain.slots:
        if slot.is_content and slot.shape[:1] == ("B",) and len(slot.shape) in (_PLANE, 3):
            last = len(slot.shape) - (0 if slot.kind == "ids" else 1)
            options += [(slot.name, axis) for axis in range(1, last + (len(slot.shape) == 3 and slot.kind != "ids"))]  # noqa: PLR2004 - (B, C, T)
    best, highest = plain, (-1, 0, 0)
    for name, axis in options:
        length = named[name].shape[axis]
        slots = tuple(_long(slot, length, axis if slot.name == name else 1) for slot in plain.slots)
        reading = stretched(module, replace(plain, slots=slots, length=length))
        if reading.stretches or (axis == 1 and works(module, reading)):
            rank = (name in claimed, reading.stretches, reading.stretches and _is_followed(module, reading))
            best, highest = (reading, rank) if rank > highest else (best, highest)
    return best


def _is_followed(module: nn.Module, reading: Reading) -> bool:
    """Tell whether the first output changes its size with the length."""
    long = result(clone(module).eval(), reading, PAIR)
    short = result(clone(module).eval(), reading, PAIR, reading.length - SHORTER)
    if not long or not short:
        return False
    name = next(iter(long))
    return name in short and long[name].shape != short[name].shape


def _long(slot: Slot, length: int, axis: int) -> Slot:
    """Let one axis of a slot, or of a mask, follow the length."""
    if len(slot.shape) <= axis or slot.shape[axis] != length:
        return slot
    return replace(slot, shape=(*slot.shape[:axis], "T", *slot.shape[axis + 1 :]))


def _refusal(module: nn.Module, named: Mapping[str, Tensor], reading: Reading) -> UsageError:
    """Say what is wrong with the examples."""
    kind = type(module).__name__
    try:
        with torch.no_grad(), seeded(0):
            found = outputs(clone(module).eval(), named, reading)
    except Exception as error:  # noqa: BLE001 - the network is not ours
        line = (str(error).splitlines() or [""])[0]
        return UsageError(f"{kind} does not run on example_inputs: {line}; give others")
    if not found:
        return UsageError(f"{kind} gives no tensor for example_inputs, so nothing can be measured")
    return UsageError(
        f"{kind} runs on example_inputs, but not on random ones of the same shapes in batches of {PAIR}; give examples "
        "whose dim 0 is the batch"
    )
