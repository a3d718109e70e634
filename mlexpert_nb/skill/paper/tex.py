r"""The source of a paper in LaTeX: headings, formulas, tables, boxes. `\input` is not followed, nothing is executed."""

import re
from collections.abc import Iterator, Sequence

from mlexpert_nb.skill.paper.names import concept_of, stated_in_prose
from mlexpert_nb.skill.paper.paper import Algorithm, Equation, Figure, Hyperparameter, Paper, Section
from mlexpert_nb.skill.paper.table import hyperparameters

_COMMENT = re.compile(r"(?<!\\)%.*")
_HEADING = re.compile(r"\\(?:sub)*section\*?\s*(?=\{)")
_FORMULA = re.compile(
    r"\\begin\{(?P<kind>equation|align|gather|multline|eqnarray)(?P<star>\*?)\}(?P<body>.*?)\\end\{(?P=kind)(?P=star)\}"
    r"|\\\[(?P<plain>.*?)\\\]",
    re.DOTALL,
)
_ROWS = frozenset({"align", "gather", "eqnarray"})  # environments that number every line
_BREAK = re.compile(r"\\\\(?:\s*\[[^\]]*\])?")
_UNNUMBERED = re.compile(r"\\(?:nonumber|notag)\b")
_TAG = re.compile(r"\\tag\*?\{([^}]*)\}")
_RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|centering|small|footnotesize|cline\{[^}]*\}|cmidrule(?:\(\w+\))?\{[^}]*\})"
)
_WORDS = (  # what a command looks like once it is set
    (re.compile(r"\\(?:label|ref|eqref|cite\w*|color|vspace|hspace|includegraphics(?:\[[^\]]*\])?)\{[^}]*\}"), ""),
    (re.compile(r"\\times\b"), "×"),
    (re.compile(r"\\sqrt\{([^{}]*)\}"), r"sqrt(\1)"),
    (re.compile(r"\\top\b"), "T"),
    (re.compile(r"\\frac\{([^{}]*)\}\{((?:[^{}]|\{[^{}]*\})*)\}"), r"\1 / \2"),
    (re.compile(r"\\[,;:!> ]|~"), " "),
    (re.compile(r"\\([%&#_$])"), r"\1"),
    (re.compile(r"\\(?:begin|end)\{[^}]*\}(?:\[[^\]]*\])?"), " "),
    (re.compile(r"\\(?:left|right|quad|qquad|mathrm|mathbf|mathcal|operatorname|text\w*|emph|item)\b\*?"), ""),
    (re.compile(r"\\([A-Za-z]+)\*?"), r"\1"),
    (re.compile(r"[{}$]|\\"), ""),
)


def read_tex(source: str) -> Paper:
    """Read LaTeX; comments are no part of the paper."""
    text = _COMMENT.sub("", source)
    body = text.partition(r"\begin{document}")[2].partition(r"\end{document}")[0] or text
    tables = [each for number, table in enumerate(_environments(body, "table"), 1) for each in _values(table, number)]
    bare = _without(_FORMULA.sub(" ", body), ("table", "algorithm", "figure"))
    sections = _sections(bare)
    prose = [each for section in sections for each in stated_in_prose(section.text, section.title)]
    return Paper(
        title=set_text(_argument(text, r"\title")),
        abstract=set_text("".join(_environments(body, "abstract"))),
        sections=tuple(sections[1:]),
        equations=tuple(_equations(body)),
        hyperparameters=(*tables, *prose),
        algorithms=tuple(
            Algorithm(str(number), set_text(_argument(box, r"\caption")), set_text(_without_caption(box)))
            for number, box in enumerate(_environments(body, "algorithm"), 1)
        ),
        figures=tuple(
            Figure(str(number), set_text(_argument(box, r"\caption")))
            for number, box in enumerate(_environments(body, "figure"), 1)
        ),
    )


def set_text(tex: str) -> str:
    """Give LaTeX as the words that a reader sees, on one line."""
    for pattern, words in _WORDS:
        tex = pattern.sub(words, tex)
    return " ".join(tex.split())


def _argument(text: str, command: str) -> str:
    """Give the argument in braces of the first use of a command, with the braces inside it."""
    found = re.search(re.escape(command) + r"\s*(?:\[[^\]]*\])?\s*\{", text)
    return _braced(text, found.end()) if found else ""


def _braced(text: str, start: int) -> str:
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return text[start:]


def _environments(text: str, name: str) -> list[str]:
    return re.findall(rf"\\begin\{{{name}\*?\}}(?:\[[^\]]*\])?(.*?)\\end\{{{name}\*?\}}", text, re.DOTALL)


def _without(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = re.sub(rf"\\begin\{{{name}\*?\}}.*?\\end\{{{name}\*?\}}", " ", text, flags=re.DOTALL)
    return text


def _without_caption(box: str) -> str:
    return box.replace(rf"\caption{{{_argument(box, chr(92) + 'caption')}}}", "")


def _headings(text: str) -> list[tuple[int, int, str]]:
    """Give where each heading starts and ends, and what it says."""
    found = []
    for each in _HEADING.finditer(text):
        title = _braced(text, each.end() + 1)
        found.append((each.start(), each.end() + len(title) + 2, set_text(title)))
    return found


def _sections(text: str) -> list[Section]:
    """Split a text at its headings; what stands before the first one is the abstract."""
    heads = _headings(text)
    starts = [*(start for start, _, _ in heads[1:]), len(text)]
    first = Section("Abstract", set_text(text[: heads[0][0] if heads else len(text)]))
    rest = zip(heads, starts, strict=False)
    return [first, *(Section(title, set_text(text[end:stop])) for (_, end, title), stop in rest)]


def _equations(text: str) -> Iterator[Equation]:
    heads, number = _headings(text), 0
    for each in _FORMULA.finditer(text):
        section = next((title for start, _, title in reversed(heads) if start < each.start()), "")
        body = each["body"] if each["body"] is not None else each["plain"]
        for row in _BREAK.split(body) if each["kind"] in _ROWS else [body]:
            tag = _TAG.search(row)
            is_numbered = bool(each["kind"]) and not each["star"] and not tag and not _UNNUMBERED.search(row)
            shown = set_text(_UNNUMBERED.sub("", _TAG.sub("", row)).replace("&", " "))
            if shown:
                number += is_numbered
                yield Equation(tag[1] if tag else str(number) if is_numbered else "", shown, section)


def _values(table: str, number: int) -> Iterator[Hyperparameter]:
    for tabular in re.findall(r"\\begin\{tabular\w*\}(.*?)\\end\{tabular\w*\}", table, re.DOTALL):
        rows = [
            [set_text(cell) for cell in re.split(r"(?<!\\)&", row)]
            for row in _BREAK.split(_RULES.sub("", re.sub(r"^\s*(?:\{[^{}]*\}\s*)+", "", tabular)))
        ]
        yield from hyperparameters([row for row in rows if any(row)], f"Table {number}", concept_of)
