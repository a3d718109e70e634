"""A paper as running text, as a PDF gives it: headings, formulas and tables are told by how their lines look."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mlexpert_nb.skill.paper.assemble import Parts, assemble
from mlexpert_nb.skill.paper.names import concept_of
from mlexpert_nb.skill.paper.numbers import CHUNK
from mlexpert_nb.skill.paper.page_text import is_mixed, lines_of, title_of
from mlexpert_nb.skill.paper.paper import Algorithm, Equation, Figure, Paper, Section
from mlexpert_nb.skill.paper.table import Table

_ABSTRACT = re.compile(r"^abstract\b[.:\s—-]*", re.IGNORECASE)
_NUMBERED = re.compile(r"^(?P<number>\d{1,2}(?:\.\d{1,2}){0,3})\.?\s{1,9}(?P<title>[A-Z][^.=]{2,70})$")
_APPENDIX = re.compile(r"^[A-H](?:\.\d{1,2}){0,2}\.?\s{1,9}(?P<title>[A-Z][^.=,]{3,60})$")
_UNNUMBERED = re.compile(
    r"^(?:References|Acknowledge?ments?|Appendix\b.{0,60}|Conclusions?|Introduction|Related Work)$"
)
_EQUATION = re.compile(r"^(?P<text>[^=≈∝←]{0,200}[=≈∝←].{0,400}?)\s{0,99}\((?P<number>[A-Z]?\.?\d{1,3}[a-z]?)\)$")
_BOX = re.compile(r"^(?P<kind>Table|Algorithm|Figure|Fig\.)\s+(?P<number>\d+)\s*[:.]?\s*(?P<title>.*)$")
_ROW = re.compile(rf"^(?P<name>\D.{{0,80}}?)\s(?P<value>{CHUNK})$")
_CELLS = re.compile(r"\s{2,}|\t")
_LONGEST_ALGORITHM = 60  # lines
_MIXED = "the lines of two columns stand side by side in this PDF, so that no value was read; give the .tex"


@dataclass(slots=True)
class _Found:
    sections: list[tuple[str, list[str]]] = field(default_factory=lambda: [("Abstract", [])])
    equations: list[Equation] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    algorithms: list[Algorithm] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def read_plain(text: str) -> Paper:
    """Read running text; what does not look like a heading, a formula, a table or a box is prose."""
    lines = lines_of(text)
    title, start = title_of(lines)
    found, at, expected = _Found(), start, 1
    while at < len(lines):
        line = lines[at]
        heading = _NUMBERED.match(line)
        if heading and int(heading["number"].split(".")[0]) in {expected - 1, expected}:
            expected = int(heading["number"].split(".")[0]) + 1
            found.sections.append((heading["title"], []))
        elif _UNNUMBERED.match(line):
            found.sections.append((line, []))
        elif len(found.sections) > 1 and (appendix := _APPENDIX.match(line)):
            found.sections.append((appendix["title"], []))
        elif box := _BOX.match(line):
            at += _box(box, lines[at + 1 :], found)
        elif equation := _EQUATION.match(line):
            found.equations.append(Equation(equation["number"], equation["text"], _heading(found)))
        elif _ABSTRACT.match(line) and len(found.sections) == 1:
            found.sections = [("Abstract", [_ABSTRACT.sub("", line)])]  # the lines before it name the authors
        else:
            found.sections[-1][1].append(line)
        at += 1
    if not is_mixed(lines):
        return _paper(title, found)
    unsure = [replace(each, section="") for each in found.equations]
    abstract = " ".join(found.sections[0][1]).strip()
    return _paper(title, _Found(sections=[("Abstract", [])], equations=unsure), (_MIXED,), abstract)


def _heading(found: _Found) -> str:
    return found.sections[-1][0] if len(found.sections) > 1 else ""


def _box(box: re.Match[str], following: Sequence[str], found: _Found) -> int:
    """Take a table, an algorithm or a figure; give how many of the following lines belong to it."""
    kind, number, title = box["kind"], box["number"], box["title"]
    if kind == "Table":
        return _table(number, title, following, found)
    if kind == "Algorithm":
        end = next((n for n, line in enumerate(following) if _ends(line)), len(following))
        end = min(end, _LONGEST_ALGORITHM)
        returns = next((n + 1 for n, line in enumerate(following[:end]) if "return" in line.casefold()), end)
        found.algorithms.append(Algorithm(number, title, " ".join(following[:returns])))
        return returns
    found.figures.append(Figure(number, title))
    return 0


def _ends(line: str) -> bool:
    return bool(_BOX.match(line) or _UNNUMBERED.match(line) or (_NUMBERED.match(line) and line[0].isdigit()))


def _table(number: str, caption: str, following: Sequence[str], found: _Found) -> int:
    rows: list[list[str]] = []
    for line in following:
        row = None if _ends(line) or _EQUATION.match(line) else _cells(line)
        if row is None:
            break
        rows.append(row)
    rows = _head_and_values(following) or rows
    found.tables.append(Table(f"Table {number}", caption, rows))
    return len(rows)


def _head_and_values(following: Sequence[str]) -> list[list[str]]:
    """Give a line of names and the lines of as many numbers below it, where blanks alone divide them."""
    names = [_CELLS.split(line) if _CELLS.search(line) else line.split() for line in following[:1]]
    rows = [line.split() for line in following[1:_LONGEST_ALGORITHM]]
    end = next((n for n, row in enumerate(rows) if len(row) != len(names[0]) or not row[-1][:1].isdigit()), len(rows))
    is_table = end and len(names[0]) > 1 and sum(bool(concept_of(name)) for name in names[0]) > 1
    return [*names, *rows[:end]] if is_table else []


def _cells(line: str) -> list[str] | None:
    """Split a row; None if the line is none."""
    cells = _CELLS.split(line)
    if len(cells) > 1:
        return cells
    if pair := _ROW.match(line):
        return [pair["name"], pair["value"]]
    words = line.split()
    named = next((n for n in range(len(words) - 1, 0, -1) if concept_of(" ".join(words[:n]))), 0)
    return [" ".join(words[:named]), " ".join(words[named:])] if named and len(words) <= named + 3 else None


def _paper(title: str, found: _Found, notes: tuple[str, ...] = (), abstract: str = "") -> Paper:
    return assemble(
        Parts(
            title=title,
            abstract=abstract or " ".join(found.sections[0][1]).strip(),
            sections=tuple(Section(name, " ".join(lines).strip()) for name, lines in found.sections),
            equations=tuple(found.equations),
            tables=tuple(found.tables),
            algorithms=tuple(found.algorithms),
            figures=tuple(found.figures),
            notes=notes,
        )
    )
