"""A paper as running text, as a PDF gives it: headings, formulas and tables are told by how their lines look."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlexpert_nb.skill.paper.names import NUMBER, concept_of, stated_in_prose
from mlexpert_nb.skill.paper.paper import Algorithm, Equation, Figure, Hyperparameter, Paper, Section
from mlexpert_nb.skill.paper.table import hyperparameters

_ABSTRACT = re.compile(r"^abstract\b[.:\s—-]*", re.IGNORECASE)
_NUMBERED = re.compile(r"^(?P<number>\d+(?:\.\d+)*)\.?\s+(?P<title>[A-Z][^.=]{2,70})$")
_UNNUMBERED = re.compile(
    r"^(?:References|Acknowledge?ments?|Appendix\b.{0,60}|Conclusions?|Introduction|Related Work)$"
)
_EQUATION = re.compile(r"^(?P<text>.*(?:=|≈|∝|←|:=).*?)\s*\((?P<number>[A-Z]?\.?\d+[a-z]?)\)$")
_BOX = re.compile(r"^(?P<kind>Table|Algorithm|Figure|Fig\.)\s+(?P<number>\d+)\s*[:.]?\s*(?P<title>.*)$")
_ROW = re.compile(rf"^(?P<name>\D.*?)\s+(?P<value>{NUMBER})$")
_CELLS = re.compile(r"\s{2,}|\t")
_OPEN_END = (":", "-", " for", " of", " and", " with", " in", " the", " a", " to", ",")
_LONGEST_ALGORITHM = 60  # lines


@dataclass(slots=True)
class _Found:
    sections: list[tuple[str, list[str]]] = field(default_factory=lambda: [("Abstract", [])])
    equations: list[Equation] = field(default_factory=list)
    tables: list[Hyperparameter] = field(default_factory=list)
    algorithms: list[Algorithm] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


def read_plain(text: str) -> Paper:
    """Read running text; what does not look like a heading, a formula, a table or a box is prose."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    title, start = _title(lines)
    found, at, expected = _Found(), start, 1
    while at < len(lines):
        line = lines[at]
        heading = _NUMBERED.match(line)
        if heading and int(heading["number"].split(".")[0]) in {expected - 1, expected}:
            expected = int(heading["number"].split(".")[0]) + 1
            found.sections.append((heading["title"], []))
        elif _UNNUMBERED.match(line):
            found.sections.append((line, []))
        elif box := _BOX.match(line):
            at += _box(box, lines[at + 1 :], found)
        elif equation := _EQUATION.match(line):
            found.equations.append(Equation(equation["number"], equation["text"], _heading(found)))
        elif _ABSTRACT.match(line) and len(found.sections) == 1:
            found.sections = [("Abstract", [_ABSTRACT.sub("", line)])]  # the lines before it name the authors
        else:
            found.sections[-1][1].append(line)
        at += 1
    return _paper(title, found)


def _title(lines: Sequence[str]) -> tuple[str, int]:
    """Give the title and the line after it: the first line, and the next one where the first breaks off."""
    if not lines:
        return "", 0
    end = 1
    while end < min(3, len(lines)) and lines[end - 1].casefold().endswith(_OPEN_END):
        end += 1
    return " ".join(lines[:end]), end


def _heading(found: _Found) -> str:
    return found.sections[-1][0] if len(found.sections) > 1 else ""


def _box(box: re.Match[str], following: Sequence[str], found: _Found) -> int:
    """Take a table, an algorithm or a figure; give how many of the following lines belong to it."""
    kind, number, title = box["kind"], box["number"], box["title"]
    if kind == "Table":
        return _table(number, following, found)
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


def _table(number: str, following: Sequence[str], found: _Found) -> int:
    rows: list[list[str]] = []
    for line in following:
        row = None if _ends(line) or _EQUATION.match(line) else _cells(line)
        if row is None:
            break
        rows.append(row)
    found.tables += hyperparameters(rows, f"Table {number}", concept_of)
    return len(rows)


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


def _paper(title: str, found: _Found) -> Paper:
    sections = [Section(name, " ".join(lines).strip()) for name, lines in found.sections]
    prose = [each for section in sections for each in stated_in_prose(section.text, section.title)]
    return Paper(
        title=title,
        abstract=sections[0].text,
        sections=tuple(sections[1:]),
        equations=tuple(found.equations),
        hyperparameters=(*found.tables, *prose),
        algorithms=tuple(found.algorithms),
        figures=tuple(found.figures),
    )
