"""Lines of a delivery: where a value is set, where an operation is computed, which test holds it."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

CONFIG = "src/model/config.py"


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a delivered file."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"`{self.path}:{self.line}`"


@dataclass(frozen=True, slots=True)
class _Definition:
    """A class, function or value at the top of a module: where it starts, and its text with the decorators."""

    name: str
    place: Place
    text: str


def place_of_key(key: str, files: Mapping[str, str]) -> Place | None:
    """Give the line of the configuration that sets a key; None if this delivery has none."""
    lines = files[CONFIG].splitlines()
    number = next((n for n, line in enumerate(lines, 1) if re.match(rf"\s+{re.escape(key)}\s*:.*=", line)), None)
    return Place(CONFIG, number) if number else None


def places_of(patterns: Sequence[str], files: Mapping[str, str]) -> tuple[Place | None, ...]:
    """Give for each pattern a line of code that matches: where most of them are together, if that has one."""
    source = {path: text for path, text in files.items() if path.startswith("src/") and path != CONFIG}
    blocks = [block for path, text in source.items() for block in _definitions(path, text)]
    ranked = sorted(blocks, key=lambda block: -sum(_first(pattern, block) is not None for pattern in patterns))
    return tuple(next((at for block in ranked if (at := _first(pattern, block))), None) for pattern in patterns)


def place_of_test(patterns: Sequence[str], files: Mapping[str, str]) -> Place | None:
    """Give the test that speaks of most of the patterns, itself or in what it calls; None if none does.

    Of several the one that compares with what was worked out apart comes first, then the one that reaches least.
    """
    tests = {path: text for path, text in files.items() if path.startswith("tests/") and path.endswith(".py")}
    modules = {path: _definitions(path, text) for path, text in tests.items()}
    shared = {each.name: each for path, found in modules.items() if not _is_suite(path) for each in found}
    best: tuple[tuple[int, bool, int], Place | None] = ((0, False, 0), None)
    for path in filter(_is_suite, modules):
        known = {**shared, **{each.name: each for each in modules[path]}}
        for each in modules[path]:
            if each.name.startswith("test_"):
                whole = "\n".join(_reached(each, known))
                found = sum(bool(re.search(pattern, whole, re.IGNORECASE)) for pattern in patterns)
                score = (found, "expected" in each.text and "assert_close" in whole, -len(whole))
                best = (score, each.place) if found and score > best[0] else best
    return best[1]


def _is_suite(path: str) -> bool:
    return path.startswith("tests/test_")


def _definitions(path: str, text: str) -> list[_Definition]:
    lines, found = text.splitlines(), []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min((each.lineno for each in node.decorator_list), default=node.lineno)
            found.append(_Definition(node.name, Place(path, node.lineno), _between(lines, first, node.end_lineno)))
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            body = _between(lines, node.lineno, node.end_lineno)
            found += [_Definition(name, Place(path, node.lineno), body) for name in names]
    return found


def _between(lines: Sequence[str], first: int, last: int | None) -> str:
    return "\n".join(lines[first - 1 : last])


def _first(pattern: str, block: _Definition) -> Place | None:
    """Give the first line of code in a block that matches; what docstrings and comments say is no code."""
    start, told, decorators = block.place.line, _told(block.text), _offset(block)
    for number, line in enumerate(block.text.splitlines()):
        if number + 1 not in told and re.search(pattern, line.partition("  # ")[0]):
            return Place(block.place.path, start - decorators + number)
    return None


def _offset(block: _Definition) -> int:
    """Count the lines of the decorators above a definition."""
    node = ast.parse(block.text).body[0]
    return node.lineno - 1 if isinstance(node, ast.ClassDef | ast.FunctionDef) else 0


def _told(text: str) -> set[int]:
    told: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return told


def _reached(start: _Definition, known: Mapping[str, _Definition]) -> Iterator[str]:
    """Give the text of a test and of everything of the test folder that it uses."""
    waiting, seen = [start], {start.name}
    while waiting:
        each = waiting.pop()
        yield each.text
        used = [word for word in dict.fromkeys(re.findall(r"\w+", each.text)) if word in known and word not in seen]
        seen.update(used)
        waiting += [known[word] for word in used if not word.startswith("test_")]
