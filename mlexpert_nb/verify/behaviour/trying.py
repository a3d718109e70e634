"""Tries a network on inputs: does it run, may they be shorter, does it take a mask beside them.

Shapes: B batch, T length.
"""

import inspect
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.candidates import Hints, is_left_out, is_mask, slots_for
from mlexpert_nb.verify.behaviour.slots import Reading
from mlexpert_nb.verify.behaviour.subject import PAIR, SHORTER, cast, clone, outputs
from mlexpert_nb.verify.checks.network import seeded

_NEEDED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments of `forward`: those it needs, those it may be given, and whether they have names."""

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    by_name: bool


def works(module: nn.Module, reading: Reading, batch: int = PAIR, length: int = 0) -> bool:
    """Tell whether a copy of a network runs on what a reading draws, and gives tensors."""
    return result(clone(module).eval(), reading, batch, length) is not None


def result(module: nn.Module, reading: Reading, batch: int, length: int = 0) -> dict[str, Tensor] | None:
    """Give what a network returns for what a reading draws; None if it raises, or gives no tensor."""
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    inputs = reading.draw(batch, seed=0, length=length)
    try:
        with torch.no_grad(), seeded(0):
            return outputs(module, cast(inputs, dtype), reading) or None
    except Exception:  # noqa: BLE001 - the network is not ours and may raise anything on inputs that are not its own
        return None


def arguments_of(module: nn.Module) -> Arguments:
    """Read the arguments of `forward`."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    needed = [each.name for each in parameters if each.kind in _NEEDED and each.default is inspect.Parameter.empty]
    optional = [each.name for each in parameters if each.kind in _NEEDED and each.default is None]
    loose = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters)
    by_name = not any(each.kind is inspect.Parameter.POSITIONAL_ONLY for each in parameters)
    if not needed:
        first = [name for name in optional if not is_left_out(name) and not is_mask(name)][:1]
        return Arguments(tuple(first or (["input"] if loose else [])), tuple(optional), by_name and bool(first))
    return Arguments(tuple(needed), tuple(optional), by_name)


def with_masks(module: nn.Module, reading: Reading, arguments: Arguments) -> Reading:
    """Add the masks that `forward` takes but does not need, where the network runs with them."""
    taken = {slot.name for slot in reading.slots}
    hints = Hints((), (), (), (), (), "")
    for name in arguments.optional:
        if name in taken or not is_mask(name) or not reading.length or not reading.by_name:
            continue
        for slot, _ in slots_for(name, hints):
            wider = replace(reading, slots=(*reading.slots, slot))
            if works(module, wider):
                reading = wider
                break
    return reading


def stretched(module: nn.Module, reading: Reading) -> Reading:
    """Find out whether fewer positions will do, too."""
    shorter = reading.length > SHORTER + 1 and works(module, reading, length=reading.length - SHORTER)
    return replace(reading, stretches=bool(shorter))
