"""How a delivered file is made from its source: options left out, defaults put in, holes filled, first line told."""

import ast
import re
from collections.abc import Mapping, Sequence

from mlexpert_nb.packages import Json

_MARK = re.compile(r" *(?:#|<!--) only (?P<key>\w+)=(?P<value>\w+)(?: -->)?$")


def with_defaults(text: str, values: Mapping[str, object]) -> str:
    """Replace the default values of the fields of a page's `ModelConfig`."""
    lines = text.splitlines(keepends=True)
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    body = next(node.body for node in classes if node.name == "ModelConfig")
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            start, end, line = node.value.col_offset, node.value.end_col_offset, lines[node.lineno - 1]
            lines[node.lineno - 1] = line[:start] + _literal(values[node.target.id]) + line[end:]
    return "".join(lines)


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill the holes of a template, `{{ key }}`."""
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found[1]], text)


def chosen(text: str, options: Mapping[str, Json]) -> str:
    """Leave out what is marked for an option that was not chosen, and take the marks off what stays.

    A line that ends in `# only memory=titans` (in Markdown `<!-- only memory=titans -->`) stays where the option
    `memory` is "titans"; else it goes, with the lines below it that are indented deeper.
    """
    lines, kept = text.split("\n"), list[str]()
    index = 0
    while index < len(lines):
        mark = _MARK.search(lines[index])
        if mark is None or str(options.get(mark["key"])) == mark["value"]:
            kept.append(lines[index][: mark.start()] if mark else lines[index])
            index += 1
            continue
        index = _end(lines, index)
        while kept and not kept[-1] and (index == len(lines) or not lines[index]):  # one gap is enough
            kept.pop()
    return "\n".join(kept)


def _end(lines: Sequence[str], start: int) -> int:
    """Give the number of the line after those that are indented deeper than the first."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        if lines[number] and _indent(lines[number]) <= _indent(lines[start]):
            break
        end = number + 1 if lines[number] else end
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def first_line(text: str) -> str:
    """Give the first line of a Python file's docstring."""
    return text.split('"""')[1].strip().splitlines()[0] if '"""' in text else "test support"
