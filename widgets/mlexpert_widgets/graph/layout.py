"""Places for the boxes of a picture: children in rows by what flows between them, containers around their children."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlexpert_widgets.graph.fold import Run

BOX_W, BOX_H = 208.0, 42.0
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


def lay_out(
    shown: Mapping[int, Sequence[Run]],
    edges: Sequence[tuple[int, int]],
    parents: Sequence[int],
    order: Sequence[int],
) -> tuple[dict[int, Box], list[tuple[int, int]]]:
    """Place every box.

    Args:
        shown: The children to draw of each open module, a module before those inside it.
        edges: As in `ModelGraph.edges`.
        parents: Parent of each module.
        order: When each was called first; -1 if it was not.

    Returns:
        The boxes by module, the model first, and the edges between those of one container.
    """
    stands_for = _stands_for(shown, parents)
    inner = _between(shown, edges, parents, stands_for)
    boxes = {0: Box(Run(0, 1))} | {run.first: Box(run) for children in shown.values() for run in children}
    rows = {index: _rows([run.first for run in shown[index]], inner[index], order) for index in shown}
    for index in reversed(list(shown)):
        _measure(boxes, index, rows[index])
    for index in shown:
        _place(boxes, index, rows[index][:MOST_ROWS])
    there = {0, *(each for index in shown for row in rows[index][:MOST_ROWS] for each in row)}
    visible = {index: box for index, box in boxes.items() if _visible(index, there, parents)}
    kept = [edge for each in inner.values() for edge in each if edge[0] in visible and edge[1] in visible]
    return visible, kept


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


def _between(
    shown: Mapping[int, Sequence[Run]],
    edges: Sequence[tuple[int, int]],
    parents: Sequence[int],
    stands_for: Mapping[int, int],
) -> dict[int, list[tuple[int, int]]]:
    """Give the edges between the boxes of each open container."""
    found: dict[int, dict[tuple[int, int], None]] = {index: {} for index in shown}
    depths = [0] * len(parents)
    for index, parent in enumerate(parents[1:], 1):
        depths[index] = depths[parent] + 1
    for edge in edges:
        source, target = _lifted(*edge, parents, depths)
        a, b = stands_for.get(source), stands_for.get(target)
        if (
            a is not None
            and b is not None
            and a != b
            and parents[source] == parents[target]
            and parents[source] in found
        ):
            found[parents[source]][(a, b)] = None
    return {index: list(each) for index, each in found.items()}


def _lifted(source: int, target: int, parents: Sequence[int], depths: Sequence[int]) -> tuple[int, int]:
    """Raise the ends of an edge until they are children of one module, or one holds the other."""
    while parents[source] != parents[target] and source != target:
        if depths[source] >= depths[target]:
            source = parents[source]
        else:
            target = parents[target]
    return source, target


def _rows(children: Sequence[int], edges: Sequence[tuple[int, int]], order: Sequence[int]) -> list[list[int]]:
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
