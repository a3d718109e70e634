"""How a delivered file is made from its source: defaults put in, holes filled, its first line told."""

import ast
import re
from collections.abc import Mapping


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


def first_line(text: str) -> str:
    """Give the first line of a Python file's docstring."""
    return text.split('"""')[1].strip().splitlines()[0] if '"""' in text else "test support"
