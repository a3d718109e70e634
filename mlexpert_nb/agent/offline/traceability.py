"""The matrix from a paper to the code: equation or value, line, test, status; then what is open and what is missing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlexpert_nb.agent.offline.formulas import Form, form_of, operations_of, words_beyond
from mlexpert_nb.agent.offline.lines import Place, place_of_key, place_of_test, places_of
from mlexpert_nb.agent.offline.paper import CONTRADICTED, TRACEABILITY, UNDECIDED, Reading, one_line, read_values
from mlexpert_nb.agent.offline.paper_values import place_of_value, values_test
from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.packages import Json

_NONE = "none"
_NO_LINE = "the code was written for this choice; no line of its own sets it"
_BY_HAND = "compare by hand"
_INTRODUCTION = """# Traceability: {title}

Network: {entry}. A value is traced to the line that sets it and to the line of a test that fails when it changes.
A formula is *implemented* only if all of it has a known form and the code has every line of that form; *in part* says
which of its operations were found, and no more. The test beside a formula is one that speaks of the same operations;
that it notices every change of that line is not measured here. The delivered tests hold the code to the equations in
`docs/architecture.md`.

| paper | where | line | test | status |
|---|---|---|---|---|
"""
_OPEN = """
## What the paper leaves open

Not found in the paper's text as one value. The paper may still say it where it is not read: in figures, in formulas,
or in words that are not known.

| key | value | line | why this value |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the matrix; `missing` says what is not shown to be implemented, empty if all of it is."""

    subject: str
    where: str
    line: str
    test: str
    status: str
    missing: str = ""

    def to_text(self) -> str:
        cells = (_cell(self.subject), _cell(self.where), self.line, self.test, self.status)
        return f"| {' | '.join(cells)} |\n"


def extra_files(
    paper: Mapping[str, Any], entry_name: str, configuration: Mapping[str, Json]
) -> tuple[tuple[str, str], ...]:
    """Give what a delivery about a paper has beside the entry's own files: the test of its values, and the matrix.

    Args:
        paper: What was found in the paper.
        entry_name: Entry that is delivered.
        configuration: Its configuration, as the plan was approved.
    """
    entry = ENTRIES[entry_name]
    test = values_test(read_values(paper, entry).options, entry, configuration)
    return (*test.items(), (TRACEABILITY, traceability(paper, entry_name, configuration)))


def traceability(paper: Mapping[str, Any], entry_name: str, configuration: Mapping[str, Json]) -> str:
    """Give the text of the matrix for a delivery of an entry with a configuration, as the plan was approved."""
    entry = ENTRIES[entry_name]
    reading, defaults = read_values(paper, entry), entry.solve(None)
    test = values_test(reading.options, entry, configuration)
    files = {**entry.skeleton(configuration), **entry.tests(configuration), **test}
    values = {**defaults, **configuration}
    rows = [*_values(reading, values, files), *_formulas(paper, values, files)]
    open_keys = [key for key in values if key not in reading.options and place_of_key(key, files)]
    open_rows = [_open(key, values[key], defaults[key], files) for key in open_keys]
    missing = [
        f"- {_cell(each.subject)} ({_cell(each.where)}): {_cell(each.missing)}\n" for each in rows if each.missing
    ]
    notes = [f"- {_cell(each)}\n" for each in paper["notes"]]
    return "".join(
        [
            _INTRODUCTION.format(title=_cell(paper["title"]), entry=entry.title),
            *(row.to_text() for row in rows),
            _OPEN,
            *(open_rows or ["| nothing | | | |\n"]),
            "\n## Not shown to be implemented\n\n",
            *(missing or ["Nothing: every equation, algorithm and value that was found has a line.\n"]),
            *(["\n## How the paper was read\n\n", *notes] if notes else []),
        ]
    )


def _values(reading: Reading, values: Mapping[str, Json], files: Mapping[str, str]) -> Iterator[_Row]:
    for each in reading.stated:
        subject = f"{each.name} = {each.value}"
        line = str((each.key and place_of_key(each.key, files)) or _NONE)
        if each.reason or not each.key:
            yield _Row(subject, each.where, line, _NONE, _status(each.key, each.reason), each.reason)
            continue
        changed = values[each.key] != reading.options[each.key]
        note = f"the plan says {values[each.key]}" if changed else "" if line != _NONE else _NO_LINE
        test = str(place_of_value(each.key, files) or _NONE)
        status = "implemented" if line != _NONE else "by the choice of code"
        yield _Row(subject, each.where, line, test, "changed in the plan" if changed else status, note)


def _status(key: str, reason: str) -> str:
    """Say in a word what became of a value that is not taken over."""
    if not key:
        return "not mapped"
    return "contradicted" if reason == CONTRADICTED or reason.endswith(UNDECIDED) else "not taken"


def _formulas(paper: Mapping[str, Any], values: Mapping[str, Json], files: Mapping[str, str]) -> Iterator[_Row]:
    for each in paper["equations"]:
        name = f"Equation ({each['number']})" if each["number"] else "Equation without a number"
        subject = f"{name}: {each['text']}"
        form = form_of(each["text"])
        whole = _whole(subject, each["section"], form, values, files) if form else None
        yield whole or _traced(subject, each["section"], each["text"], files)
    for each in paper["algorithms"]:
        yield _traced(f"Algorithm {each['number']}: {each['title']}", "algorithm box", each["text"], files)


def _whole(subject: str, where: str, form: Form, values: Mapping[str, Json], files: Mapping[str, str]) -> _Row | None:
    """Trace a formula of a known form; None if the code lacks a part of it, or is configured to do something else."""
    if any(key in values and values[key] not in allowed for key, allowed in form.needs.items()):
        return None
    places = places_of([code for _, code in form.parts], files)
    if not all(places):
        return None
    test = str(place_of_test([form.tests], files) or _NONE)
    return _Row(
        subject, where, _listed(zip((name for name, _ in form.parts), places, strict=True)), test, "implemented"
    )


def _traced(subject: str, where: str, text: str, files: Mapping[str, str]) -> _Row:
    """Trace the operations whose words are in a text; what else it says is for a reader to compare."""
    operations = list(operations_of(text))
    if not operations:
        return _Row(subject, where, _NONE, _NONE, "not recognised", f"no operation in it is recognised; {_BY_HAND}")
    places = places_of([each.code for each in operations], files)
    found = [(each, at) for each, at in zip(operations, places, strict=True) if at]
    lost = [each.name for each, at in zip(operations, places, strict=True) if at is None]
    beyond = words_beyond(text) if "=" in text else ()
    told = [
        *([f"found: {', '.join(each.name for each, _ in found)}"] if found else []),
        *([f"not in the code: {', '.join(lost)}"] if lost else []),
        *([f"not recognised: {', '.join(beyond)}"] if beyond else []),
    ]
    missing = f"{'; '.join(told)}; the rest of it and how it is put together: {_BY_HAND}"
    lines = _listed((each.name, at) for each, at in found)
    test = place_of_test([each.tests for each, _ in found], files) if found else None
    return _Row(subject, where, lines or _NONE, str(test or _NONE), "in part" if found else "not in the code", missing)


def _listed(found: Iterable[tuple[str, Place | None]]) -> str:
    return "; ".join(f"{at} ({name})" for name, at in found)


def _open(key: str, value: Json, default: Json, files: Mapping[str, str]) -> str:
    why = "published default" if value == default else "follows from the other values, or was set in the plan"
    return f"| `{key}` | {_cell(str(value))} | {place_of_key(key, files)} | {why} |\n"


def _cell(text: str) -> str:
    """Give text so that it stays inside its cell, and is neither markup nor a link."""
    return re.sub(r"([\\*_\[\]<>#|])", r"\\\1", one_line(text)) or " "
