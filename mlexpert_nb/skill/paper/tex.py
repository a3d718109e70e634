r"""A paper in LaTeX: headings, formulas, tables, boxes, of what a reader sees. Nothing is executed."""

import re
from collections.abc import Iterator
from itertools import islice

from mlexpert_nb.skill.paper.assemble import Parts, assemble
from mlexpert_nb.skill.paper.paper import Algorithm, Equation, Figure, Paper, Section
from mlexpert_nb.skill.paper.setting import set_text
from mlexpert_nb.skill.paper.source import visible
from mlexpert_nb.skill.paper.structure import DISPLAY, Environment, Source
from mlexpert_nb.skill.paper.table import Table

_HEADING = re.compile(r"\\(?:sub){0,2}(?:section|paragraph)\*?\s{0,9}(?:\[[^\]]{0,200}\])?\s{0,9}(?=\{)")
_FORMULAS = ("equation", "align", "gather", "multline", "eqnarray", "flalign", "alignat", DISPLAY)
_ROWS = frozenset({"align", "gather", "eqnarray", "flalign", "alignat"})  # environments that number every line
_TABLES = ("table", "wraptable", "sidewaystable", "longtable")
_TABULARS = ("tabular", "tabularx", "tabulary", "longtable", "tabu", "tblr")
_WIDE = frozenset({"tabularx", "tabulary"})  # whose first argument is a width
_MOST_TABLES = 300
_BOXES = ("algorithm", "figure", "wrapfigure")
_BREAK = re.compile(r"\\\\\*?(?:\s{0,3}\[[^\]]{0,20}\])?|\\tabularnewline\b")
_UNNUMBERED = re.compile(r"\\(?:nonumber|notag)\b")
_TAG = re.compile(r"\\tag\*?\{([^}]{0,40})\}")
_INNER = re.compile(r"\\(?:begin|end)\{(?:aligned|split|cases|gathered|array)\}(?:\{[^}]{0,40}\})?")
_RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|endhead|endfirsthead|endfoot|endlastfoot|addlinespace|"
    r"cline\{[^}]{0,20}\}|cmidrule(?:\(\w{1,4}\))?\{[^}]{0,20}\}|rowcolor\{[^}]{0,40}\})"
)
_COLUMNS = re.compile(r"\s{0,9}(?:\[[^\]]{0,20}\])?\s{0,9}(?=\{)")
_SPANNING = re.compile(
    r"\\multi(?P<kind>row|column)\s{0,3}(?:\[[^\]]{0,20}\])?\{(?P<count>\d{1,2}|\*)\}(?:\[[^\]]{0,20}\])?"
)
_WIDEST = 30  # columns
_LONGEST_HEADING = 300


def read_tex(source: str) -> Paper:
    """Read LaTeX; comments, code, hidden letters and the list of references are no part of the paper."""
    text, notes = visible(source)
    start, end = text.find(r"\begin{document}"), text.find(r"\end{document}")
    body = Source(text[start + len(r"\begin{document}") : end if end > start else None] if start >= 0 else text)
    aside = (*_TABLES, *_TABULARS, *_BOXES)
    spans = [(each.start, each.end) for each in body.environments if each.name in aside]
    bare = body.without([*spans, *((each.start, each.end) for each in body.named(*_FORMULAS))])
    first, *sections = _sections(Source(bare))
    abstract = next((set_text(body.inside(each)) for each in body.named("abstract")), "")
    return assemble(
        Parts(
            title=set_text(Source(text).argument(r"\title").replace(r"\\", " ")),
            abstract=abstract or set_text(body.argument(r"\abstract")),
            sections=(first, *sections),
            equations=tuple(_equations(body)),
            tables=tuple(_tables(body)),
            algorithms=tuple(_algorithms(body)),
            figures=tuple(_figures(body)),
            notes=notes,
        )
    )


def _algorithms(body: Source) -> Iterator[Algorithm]:
    for number, each in enumerate(body.named("algorithm"), 1):
        box = Source(body.inside(each))
        caption = box.argument(r"\caption")
        yield Algorithm(str(number), set_text(caption), set_text(box.text.replace(rf"\caption{{{caption}}}", "")))


def _figures(body: Source) -> Iterator[Figure]:
    for number, each in enumerate(body.named("figure", "wrapfigure"), 1):
        yield Figure(str(number), set_text(Source(body.inside(each)).argument(r"\caption")))


def _headings(source: Source) -> list[tuple[int, int, str]]:
    """Give where each heading starts and ends, and what it says; one in another one's braces is none."""
    found: list[tuple[int, int, str]] = []
    for each in _HEADING.finditer(source.text):
        end = source.closing.get(each.end())
        is_inside = bool(found) and each.start() < found[-1][1]
        if end is not None and end - each.end() <= _LONGEST_HEADING and not is_inside:
            found.append((each.start(), end + 1, set_text(source.text[each.end() + 1 : end])))
    return found


def _sections(source: Source) -> list[Section]:
    """Split a text at its headings; what stands before the first one is the abstract."""
    heads, text = _headings(source), source.text
    starts = [*(start for start, _, _ in heads[1:]), len(text)]
    first = Section("Abstract", set_text(text[: heads[0][0] if heads else len(text)]))
    rest = zip(heads, starts, strict=False)
    return [first, *(Section(title, set_text(text[end:stop])) for (_, end, title), stop in rest)]


def _equations(body: Source) -> Iterator[Equation]:
    heads, number, at, section = _headings(body), 0, 0, ""
    for each in body.named(*_FORMULAS):
        while at < len(heads) and heads[at][0] < each.start:
            section, at = heads[at][2], at + 1
        text = _INNER.sub(" ", body.inside(each))
        for row in _BREAK.split(text) if each.name in _ROWS else [text]:
            tag = _TAG.search(row)
            is_numbered = each.name != DISPLAY and not each.is_starred and not tag and not _UNNUMBERED.search(row)
            shown = set_text(_UNNUMBERED.sub("", _TAG.sub("", row)).replace(r"\&", " and ").replace("&", " "))
            if shown:
                number += is_numbered
                yield Equation(tag[1] if tag else str(number) if is_numbered else "", shown, section)


def _tables(body: Source) -> Iterator[Table]:
    """Give every table, in a numbered box or without one."""
    boxes = [each for each in body.environments if each.name in _TABLES][:_MOST_TABLES]
    for each in islice(body.named(*_TABULARS), _MOST_TABLES):
        around = [number for number, box in enumerate(boxes, 1) if box.start <= each.start and each.end <= box.end]
        box = boxes[around[0] - 1] if around else each
        caption = set_text(Source(body.inside(box)).argument(r"\caption")) if around else ""
        where = f"Table {around[0]}" if around else "Table without a number"
        yield Table(where, caption, list(_rows(body, each)))


def _rows(body: Source, each: Environment) -> Iterator[list[str]]:
    at, num_arguments = each.inner, 2 if each.is_starred or each.name in _WIDE else 1
    for _ in range(num_arguments):
        found = _COLUMNS.match(body.text, at)
        closing = body.closing.get(found.end(), each.stop) if found else each.stop
        at = closing + 1 if closing < each.stop else at
    inner = Source(_RULES.sub(" ", body.text[at : each.stop]))
    text = inner.text.replace(rf"\caption{{{inner.argument(chr(92) + 'caption')}}}", " ")
    for row in _BREAK.split(text):
        cells = [cell for part in re.split(r"(?<!\\)&", row) for cell in _spread(part)]
        yield cells[:_WIDEST]


def _spread(part: str) -> list[str]:
    """Give a cell as often as it spans columns."""
    found = _SPANNING.search(part)
    if found is None:
        return [set_text(part)]
    shown = set_text(Source(part).argument("", part.find("}", found.end()) + 1))
    times = int(found["count"]) if found["kind"] == "column" and found["count"].isdigit() else 1
    return [shown] * max(1, min(times, _WIDEST))
