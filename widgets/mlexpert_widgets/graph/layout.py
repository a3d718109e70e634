"""Places for the boxes of a picture: children in rows by what flows between them, containers around their children."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlexpert_widgets.graph.fold import Run

Edge = tuple[int, int]
BOX_W, BOX_H = 208.0, 42.0
RAIL = 7.0  # from the side of a container to what goes past its children
HEAD, PAD, GAP_X, GAP_Y = 26.0, 12.0, 20.0, 22.0
MOST_ROWS = 24  # of one container; the rest is said in words


@dataclass(slots=True)
class Box:
    """One module, or a run of equal ones, and where it is drawn."""

    run: Run
    x: float = 0.0
    y: float = 0.0
    width: float = BOX_W
    height: float = BOX_H
    left_out: int = 0  # children for which there is no room


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is drawn.

    Attributes:
        boxes: By module, the model first, a container before what is in it.
        edges: Between the boxes of one container.
        entering: From an open container to a box in it that gets, past other boxes, what the container was given.
        leaving: From a box to its open container, past other boxes.
    """

    boxes: Mapping[int, Box]
    edges: Sequence[Edge]
    entering: Sequence[Edge]
    leaving: Sequence[Edge]


def lay_out(
    shown: Mapping[int, Sequence[Run]], edges: Sequence[Edge], parents: Sequence[int], order: Sequence[int]
) -> Layout:
    """Place every box.

    Args:
        shown: The children to draw of each open module, a module before those inside it.
        edges: As in `ModelGraph.edges`.
        parents: Parent of each module.
        order: When each was called first; -1 if it was not.
    """
    stands_for = _stands_for(shown, parents)
    inner, entering, leaving = _by_container(shown, edges, parents, stands_for)
    boxes = {0: Box(Run(0, 1))} | {run.first: Box(run) for children in shown.values() for run in children}
    rows = {index: _rows([run.first for run in shown[index]], inner[index], order) for index in shown}
    for index in reversed(list(shown)):
        _measure(boxes, index, rows[index])
    for index in shown:
        _place(boxes, index, rows[index][:MOST_ROWS])
    there = {0, *(each for index in shown for row in rows[index][:MOST_ROWS] for each in row)}
    visible = {index: box for index, box in boxes.items() if _visible(index, there, parents)}
    first = {each for index in shown for each in rows[index][0]}
    ran = {index: [row for row in rows[index] if order[row[0]] >= 0] for index in shown}
    last = {each for index in shown for row in ran[index][-1:] for each in row}
    return Layout(
        visible,
        [(a, b) for each in inner.values() for a, b in each if a in visible and b in visible],
        [(a, b) for a, b in entering if a in visible and b in visible and b not in first],
        [(a, b) for a, b in leaving if a in visible and b in visible and a not in last],
    )


def through(edges: Sequence[Edge], parents: Sequence[int]) -> list[Edge]:
    """Take edges apart where they cross the border of a module.

    Returns:
        Edges between children of one module, from a module to its child, and from a child to its module.
    """
    depths = [0] * len(parents)
    for index, parent in enumerate(parents[1:], 1):
        depths[index] = depths[parent] + 1
    found: dict[Edge, None] = {}
    for edge in edges:
        source, target = edge
        while parents[source] != parents[target] and source != target:
            up, down = depths[source] >= depths[target], depths[target] >= depths[source]
            if up:
                found[(source, parents[source])] = None
                source = parents[source]
            if down and source != target:
                found[(parents[target], target)] = None
                target = parents[target]
        if source != target:
            found[(source, target)] = None
    return list(found)


def _visible(index: int, there: set[int], parents: Sequence[int]) -> bool:
    while index > 0:
        if index not in there:
            return False
        index = parents[index]
    return True


def _stands_for(shown: Mapping[int, Sequence[Run]], parents: Sequence[int]) -> dict[int, int]:
    """Say for each drawn or folded module which box it is in."""
    siblings: dict[int, list[int]] = {}
    for index, parent in enumerate(parents):
        if parent in shown:
            siblings.setdefault(parent, []).append(index)
    found = {0: 0}
    for index, children in shown.items():
        firsts = {run.first for run in children}
        current = 0
        for each in siblings.get(index, []):
            current = each if each in firsts else current
            found[each] = current
    return found


def _by_container(
    shown: Mapping[int, Sequence[Run]], edges: Sequence[Edge], parents: Sequence[int], stands_for: Mapping[int, int]
) -> tuple[dict[int, list[Edge]], list[Edge], list[Edge]]:
    """Give the edges between the boxes of each open container, those into and those out of it."""
    inner: dict[int, dict[Edge, None]] = {index: {} for index in shown}
    entering: dict[Edge, None] = {}
    leaving: dict[Edge, None] = {}
    for source, target in through(edges, parents):
        a, b = stands_for.get(source), stands_for.get(target)
        if a is None or b is None:
            continue
        if parents[target] == source:
            entering[(a, b)] = None
        elif parents[source] == target:
            leaving[(a, b)] = None
        elif a != b:
            inner[parents[source]][(a, b)] = None
    return {index: list(each) for index, each in inner.items()}, list(entering), list(leaving)


def _rows(children: Sequence[int], edges: Sequence[Edge], order: Sequence[int]) -> list[list[int]]:
    """Put every child into a row below all that had run before and flows into it; what did not run comes last."""
    ran = sorted((each for each in children if order[each] >= 0), key=lambda each: order[each])
    idle = [[each] for each in children if order[each] < 0]
    if not edges:
        return [[each] for each in ran] + idle
    rank: dict[int, int] = {}
    for each in ran:
        rank[each] = 1 + max((rank[a] for a, b in edges if b == each and a in rank), default=-1)
    rows: dict[int, list[int]] = {}
    for each in ran:
        rows.setdefault(rank[each], []).append(each)
    return [rows[each] for each in sorted(rows)] + idle


def _measure(boxes: Mapping[int, Box], index: int, rows: Sequence[Sequence[int]]) -> None:
    box, drawn = boxes[index], rows[:MOST_ROWS]
    widths = [sum(boxes[each].width for each in row) + GAP_X * (len(row) - 1) for row in drawn]
    heights = [max(boxes[each].height for each in row) for row in drawn]
    box.left_out = sum(len(row) for row in rows[MOST_ROWS:])
    box.width = max(BOX_W, *widths) + 2 * PAD + 14
    box.height = HEAD + sum(heights) + GAP_Y * (len(drawn) - 1) + PAD + (GAP_Y if box.left_out else 0)


def _place(boxes: Mapping[int, Box], index: int, rows: Sequence[Sequence[int]]) -> None:
    box = boxes[index]
    y = box.y + HEAD
    for row in rows:
        width = sum(boxes[each].width for each in row) + GAP_X * (len(row) - 1)
        x = box.x + (box.width - width) / 2
        for each in row:
            boxes[each].x, boxes[each].y = x, y
            x += boxes[each].width + GAP_X
        y += max(boxes[each].height for each in row) + GAP_Y
