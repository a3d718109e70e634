"""Tables of hyper-parameters: a name and a value in each row, or names on top; of several models the paper's own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mlexpert_nb.skill.paper.names import concept_of
from mlexpert_nb.skill.paper.numbers import read_number
from mlexpert_nb.skill.paper.paper import Hyperparameter

UNCLEAR = "the table has several models, and the paper does not say which one is its own"
_FEWEST = 2  # known names in a row that make it the head
_LONGEST_CELL = 60
_EMPTY = frozenset({"", "-", "--", "---", "–", "—", "n/a", "na", "none"})  # noqa: RUF001 - dashes as papers set them
_RESULTS = re.compile(
    r"\b(?:ablat\w*|results?|comparisons?|perplexity|accuracy|performance|scores?|speed)\b", re.IGNORECASE
)
_METRIC = re.compile(
    r"\b(?:ppl|perplexity|acc\w*|top-?[15]|f1|bleu|rouge|error|loss|flops|macs|params?|parameters|auc|map|miou|fid|mse|mae|"
    r"rmse|latency|throughput|speed|score|time|memory)\b",
    re.IGNORECASE,
)
_NO_VALUES = re.compile(
    r"\b(?:range|search|space|grid|tried|candidates?|units?|description|symbols?|notation|meaning|type)\b",
    re.IGNORECASE,
)
_OURS = re.compile(r"\bours?\b|\bproposed\b|\bthis (?:work|paper)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Whole:
    """What the rest of a paper says that a table needs: its title, and what it says of its own model."""

    title: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table as rows of cells."""

    where: str
    caption: str
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Read:
    """What tables state, and what a reader should know of how they were read."""

    values: list[Hyperparameter] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_table(table: Table, whole: Whole, read: Read) -> None:
    """Add what a table states; one of results, or without a known name, states nothing about a network."""
    rows = [list(map(str.strip, row)) for row in table.rows if any(cell.strip() for cell in row)]
    known = {concept_of(cell) for row in rows for cell in row} - {""}
    if not known or (_RESULTS.search(table.caption) and not known - {"training"}):
        return
    if re.search(r"\bablat", table.caption, re.IGNORECASE):
        read.notes.append(f"{table.where} is about an ablation; nothing is taken from it")
        return
    head = _head_on_top(rows)
    cells = list(_on_top(rows, head) if head is not None else _in_rows(rows))
    read.values += _chosen(table, cells, whole, read.notes)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A value in a table with its name, and what its column or row of values is called."""

    name: str
    value: str
    label: str
    line: int  # column or row of values


def _head_on_top(rows: Sequence[Sequence[str]]) -> int | None:
    """Give the row that names what stands below it, if there is one."""
    for number, row in enumerate(rows[:-1]):
        at = [place for place, cell in enumerate(row) if concept_of(cell)]
        if len(at) >= _FEWEST and not any(_is_number(cell) for cell in row):
            below = [rows[number + 1][place] for place in at if place < len(rows[number + 1])]
            if sum(_is_number(cell) for cell in below) * 2 >= len(at):
                return number
    return None


def _on_top(rows: Sequence[Sequence[str]], head: int) -> Iterator[_Cell]:
    names = rows[head]
    is_labelled = not concept_of(names[0])
    for number, row in enumerate(rows[head + 1 :]):
        for name, value in list(zip(names, row, strict=False))[is_labelled:]:
            if value.casefold() not in _EMPTY and name and not _METRIC.search(name):
                yield _Cell(name, value, row[0] if is_labelled else "", number)


def _in_rows(rows: Sequence[Sequence[str]]) -> Iterator[_Cell]:
    """Give names with what follows them in their row; columns of values are told apart by the row above them."""
    first = next((n for n, row in enumerate(rows) if any(_is_number(cell) for cell in row[1:])), len(rows))
    heads = [row for row in rows[:first] if len(row) > 1]
    head = heads[-1] if heads else []
    for row in rows:
        named = [place for place, cell in enumerate(row) if concept_of(cell)]
        named = named or [place for place, cell in enumerate(row[:2]) if cell and not _is_number(cell)][:1]
        for number, place in enumerate(named):
            end = named[number + 1] if number + 1 < len(named) else len(row)
            for column in range(place + 1, end):
                label, value = head[column] if column < len(head) and row is not head else "", row[column]
                if _is_value(value, row[place]) and not _METRIC.search(label) and not _NO_VALUES.search(label):
                    yield _Cell(row[place], value, label, column - place)


def _is_number(cell: str) -> bool:
    return bool(re.match(r"[\d.\[{(−-]*\d", cell))  # noqa: RUF001 - a minus


def _is_value(value: str, name: str) -> bool:
    if value.casefold() in _EMPTY or len(value) > _LONGEST_CELL:
        return False
    return _is_number(value) or bool(concept_of(name))


def _chosen(table: Table, cells: Sequence[_Cell], whole: Whole, notes: list[str]) -> Iterator[Hyperparameter]:
    """Give the values of the paper's own column; where none is, all of them, and those that differ with a doubt."""
    counted = [cell for cell in cells if _is_number(cell.value)] or cells
    lines = dict.fromkeys(cell.line for cell in counted)
    labels = {cell.line: cell.label for cell in counted}
    own, why = _own(labels, whole) if len(lines) > 1 else (next(iter(lines), 0), "")
    if why:
        notes.append(f"{table.where}: of {_listed(labels)}, {labels.get(own or 0, '')!r} is read, {why}")
    elif own is None:
        notes.append(
            f"{table.where}: of {_listed(labels)} it is not clear which is the paper's; nothing that differs is taken"
        )
    for cell in dict.fromkeys(cells):
        if own is not None and cell.line != own:
            continue
        values = {other.value for other in cells if other.name == cell.name}
        shared = len(values) == 1 and sum(other.name == cell.name for other in cells) == len(lines)
        concept = concept_of(cell.name)
        number, unread = read_number(cell.value, concept)
        doubt = UNCLEAR if own is None and not shared else unread if _is_number(cell.value) else ""
        where = f"{table.where}, {cell.label}" if len(lines) > 1 and cell.label else table.where
        yield Hyperparameter(cell.name, cell.value, where, concept, "" if doubt else number, doubt)


def _own(labels: dict[int, str], whole: Whole) -> tuple[int | None, str]:
    """Give which of several columns or rows is the paper's own, and by what."""
    ours = [line for line, label in labels.items() if _OURS.search(label)]
    titled = [line for line, label in labels.items() if label and _is_in(label, whole.title)]
    said = [line for line, label in labels.items() if label and _is_in(label, whole.said)]
    reasons = (
        "because it is called the paper's own",
        "because the title names it",
        "because the text calls it its own",
    )
    return next(
        ((found[0], why) for found, why in zip((ours, titled, said), reasons, strict=True) if len(found) == 1),
        (None, ""),
    )


def _is_in(label: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(label)}(?![\w-])", text))


def _listed(labels: dict[int, str]) -> str:
    return ", ".join(repr(label) for label in labels.values() if label) or f"{len(labels)} columns without a name"
