"""What True means in a mask: that a position counts, or that it is left out; or that nobody says.

Shapes: B batch, T length.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.slots import Reading, Slot
from mlexpert_nb.verify.behaviour.subject import PAIR, clone
from mlexpert_nb.verify.behaviour.trying import result

_COUNTS = re.compile(r"valid|attention_mask|keep|kept|observed|present|not?n?_?pad")
_LEFT_OUT = re.compile(r"key_padding|padding|pad_mask|is_pad|padded|_pad$")
_SAID_COUNTS = re.compile(
    r"\btrue\b[^.;,\n]{0,40}?\b(?:not pad|non-?pad|no pad|real|valid|tokens?|there|kept?|keep|present|something|"
    r"observed|elements?|attended)"
)
_SAID_LEFT_OUT = re.compile(
    r"\btrue\b[^.;,\n]{0,40}?\b(?<!not )(?<!non-)(?<!no )"
    r"(?:pad|ignore|missing|left out|masked out|hidden|nothing|empty)"
)


def meaning(module: nn.Module, name: str, *, claimed: bool = False, example: Tensor | None = None) -> tuple[bool, bool]:
    """Find out what True means in a mask, from its name, its examples, what is told of it, and a claim.

    Args:
        module: The network, for what its documentation tells.
        name: Name of the mask.
        claimed: Whether a claim is about it: a claim means that positions at which it is False are left out.
        example: The mask that the user gave.

    Returns:
        Whether True leaves a position out, and whether something says so without being contradicted.
    """
    votes = [each for each in (_by_name(name), _by_example(example), _by_text(module)) if each is not None]
    if claimed:
        votes.append(False)
    first = votes[0] if votes else False
    return first, len(set(votes)) == 1


def settled(module: nn.Module, reading: Reading, claimed: Iterable[str]) -> Reading:
    """Give a reading whose masks mean what is said of them, where the network runs on that."""
    for slot in reading.slots:
        if slot.kind == "mask":
            inverted, known = meaning(module, slot.name, claimed=slot.name in claimed)
            for each in (inverted, not inverted):
                wanted = _with(reading, replace(slot, inverted=each, settled=known and each == inverted))
                if _is_finite(module, wanted):
                    reading = wanted
                    break
            else:
                reading = _with(reading, replace(slot, settled=known and slot.inverted == inverted))
    return reading


def _by_name(name: str) -> bool | None:
    low = name.lower()
    if _COUNTS.search(low):
        return False
    return True if _LEFT_OUT.search(low) else None


def _by_example(example: Tensor | None) -> bool | None:
    """Read an example: rows end in padding, and a row that is all the same has none."""
    if example is None or example.ndim != 2 or not example.numel():  # noqa: PLR2004 - batch and positions
        return None
    rows = example.bool()
    alike = rows.all(1) | ~rows.any(1)
    votes = {not bool(row[0]) for row in (rows[alike] if bool(alike.any()) else rows)}
    return votes.pop() if len(votes) == 1 and not bool(alike.all()) else None


def _by_text(module: nn.Module) -> bool | None:
    told = f"{type(module).__doc__ or ''}\n{type(module).forward.__doc__ or ''}".lower()
    counts, out = (bool(words.search(told)) for words in (_SAID_COUNTS, _SAID_LEFT_OUT))
    return None if counts == out else out


def _with(reading: Reading, slot: Slot) -> Reading:
    return replace(reading, slots=tuple(slot if each.name == slot.name else each for each in reading.slots))


def _is_finite(module: nn.Module, reading: Reading) -> bool:
    """Tell whether a network runs on a reading without a NaN: with a row of which nothing is left it may not."""
    given = result(clone(module).eval(), reading, PAIR)
    return given is not None and not any(bool(torch.isnan(each).any()) for each in given.values())
