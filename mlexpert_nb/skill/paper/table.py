"""Tables of hyper-parameters: a name and a value in each row, or names on top and one model in each row."""

import re
from collections.abc import Callable, Iterator, Sequence

from mlexpert_nb.skill.paper.names import NUMBER
from mlexpert_nb.skill.paper.paper import Hyperparameter

_VALUE = re.compile(rf"(?:{NUMBER}|[^\s\d][^\d]{{0,40}})$")
_PAIR = 2


def hyperparameters(
    rows: Sequence[Sequence[str]], where: str, concept_of: Callable[[str], str]
) -> Iterator[Hyperparameter]:
    """Give what a table states; several columns or rows of values give several values, each told with its model."""
    head = rows[0] if rows else ()
    if len(head) > _PAIR and sum(bool(concept_of(cell)) for cell in head) >= _PAIR:
        for row in rows[1:]:
            for name, value in zip(head[1:], row[1:], strict=False):
                yield Hyperparameter(name, value, f"{where}, {row[0]}", concept_of(name))
        return
    for row in rows:
        name, *values = row
        stated = [value for value in values if value and _VALUE.match(value)]
        if not name or not stated or not (concept_of(name) or any(value[0].isdigit() for value in stated)):
            continue
        for at, value in enumerate(stated):
            column = f", {head[at + 1]}" if len(stated) > 1 and at + 1 < len(head) and row is not head else ""
            yield Hyperparameter(name, value, f"{where}{column}", concept_of(name))
