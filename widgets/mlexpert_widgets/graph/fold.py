"""Repeated blocks drawn once, and which modules are open in a picture of limited size."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlexpert_widgets.graph.walk import Entry

BOXES = 40  # of a picture without a browser
DEPTH = 7  # levels inside each other that are still read
LEAST_LEAVES = 3  # equal layers in a row that are drawn as one


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours of one structure: the first of them, and how many they are."""

    first: int
    count: int


def signatures(entries: Sequence[Entry]) -> list[int]:
    """Give modules of the same structure, parameters and output shapes the same number."""
    known: dict[tuple[object, ...], int] = {}
    numbers = [0] * len(entries)
    for entry in reversed(entries):
        inside = tuple((entries[each].name, numbers[each]) for each in entry.children)
        shapes = tuple(each.shape for each in entry.outputs)
        kind = (type(entry.module), entry.own, bool(entry.tied), entry.failed, shapes, inside)
        numbers[entry.index] = known.setdefault(kind, len(known))
    return numbers


def runs(entries: Sequence[Entry], children: Sequence[int], numbers: Sequence[int]) -> list[Run]:
    """Fold neighbours of one structure."""
    found: list[list[int]] = []
    for each in children:
        numbered = entries[each].name.isdigit()  # those with names have roles of their own
        if found and numbered and numbers[found[-1][0]] == numbers[each]:
            found[-1].append(each)
        else:
            found.append([each])
    folded = []
    for group in found:
        if len(group) >= (2 if entries[group[0]].children else LEAST_LEAVES):
            folded.append(Run(group[0], len(group)))
        else:
            folded += [Run(each, 1) for each in group]
    return folded


def opened(entries: Sequence[Entry], numbers: Sequence[int], limit: int = BOXES) -> dict[int, list[Run]]:
    """Choose which modules are open, level by level, as long as there are no more boxes than `limit`.

    Returns:
        The children to draw of each open module.
    """
    shown: dict[int, list[Run]] = {}
    waiting, boxes = [(0, 0)], 1
    while waiting:
        index, depth = waiting.pop(0)
        children = runs(entries, entries[index].children, numbers)
        if not children or depth > DEPTH or (index and boxes + len(children) > limit):
            continue
        shown[index] = children
        boxes += len(children)
        waiting += [(each.first, depth + 1) for each in children]
    return shown
