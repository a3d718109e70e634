"""Reads delivered code without running it: which tests the files contain, and what no delivery may contain."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_OWN = frozenset({"model", "src", "tests"})
_DATA = frozenset({"numpy", "sklearn"})  # data sets that ship inside a package
_TEST_BANS = {"_pytest": "reaches into the runner", "atexit": "acts after the tests", "coverage": "reaches the meter"}
_REACHES = "reaches into the process that measures"
_SOURCE_BANS = {
    **_TEST_BANS,
    **dict.fromkeys(("builtins", "ctypes", "gc", "importlib", "inspect"), _REACHES),
    "pytest": "is for tests",
    "mlexpert_nb": "must not be needed by what is delivered",
}
_CALL_BANS = {
    ("os", "_exit"): "ends the runner",
    ("os", "abort"): "ends the runner",
    ("pytest", "exit"): "ends the runner",
    ("sys", "setprofile"): "replaces the meter",
    ("sys", "settrace"): "replaces the meter",
}
_SOURCE_CALL_BANS = {("sys", "_getframe"): _REACHES, ("sys", "modules"): _REACHES}
_SOURCE_WORD_BANS = {"__builtins__", "__globals__", "__import__", "__subclasses__", "eval", "exec"}
_SETTINGS = "torch.backends."  # attributes that are there to be set
_NAME_BANS = {"collect_ignore", "collect_ignore_glob", "pytest_plugins"}


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed Python file; `error` says why it cannot be parsed."""

    path: str
    tree: ast.Module
    error: str = ""

    @classmethod
    def parse(cls, path: str, text: str) -> "Source":
        """Parse one file; a file that cannot be parsed has an empty tree and an error."""
        try:
            return cls(path, ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return cls(path, ast.Module([], []), f"{path}: cannot be parsed: {error}")


def is_test_file(path: str) -> bool:
    """Tell whether pytest collects the file: tests/**/test_*.py."""
    parts = PurePosixPath(path)
    return parts.parts[0] == "tests" and parts.name.startswith("test_") and parts.suffix == ".py"


def is_test_code(path: str) -> bool:
    """Tell whether the file belongs to the tests: anything under tests/, and every conftest.py."""
    parts = PurePosixPath(path)
    return parts.parts[0] == "tests" or parts.name == "conftest.py"


def is_compiled(path: str) -> bool:
    """Tell whether Python would import or obey the file although it is not source."""
    return PurePosixPath(path).suffix in {".pth", ".pyc", ".pyd", ".so"}


def names_of_tests(source: Source) -> tuple[str, ...]:
    """List the tests of one file as pytest names them, without parameters: `tests/test_a.py::TestB::test_c`."""
    return tuple(name for name, _ in _tests(source))


def summary(source: Source) -> str:
    """Give the first line of the file's docstring, or an empty string."""
    text = ast.get_docstring(source.tree) or ""
    return text.strip().split("\n", 1)[0]


def refusals(source: Source) -> tuple[str, ...]:
    """Say, one line each, what in the file would let it pass without being right."""
    if source.error:
        return (source.error,)
    imports, calls = _TEST_BANS, _CALL_BANS
    rules: list[Callable[[Source], Iterator[str]]] = [_hooks, _shadowed, _empty]
    if not is_test_code(source.path):
        imports, calls = _SOURCE_BANS, {**_CALL_BANS, **_SOURCE_CALL_BANS}
        rules = [_banned_words, _patched]
    rules += [lambda each: _banned_imports(each, imports), lambda each: _banned_calls(each, calls)]
    return tuple(f"{source.path}:{line}" for rule in rules for line in rule(source))


def foreign_imports(source: Source) -> tuple[str, ...]:
    """List the packages that the file imports other than torch, the standard library and its own.

    A file in examples/ may import, beside these, the packages that bring a data set along.
    """
    allowed = {"torch", *_OWN, *sys.stdlib_module_names, *(_DATA if source.path.startswith("examples/") else ())}
    return tuple(sorted({name for name, _ in _imports(source.tree) if name not in allowed}))


def _tests(source: Source) -> Iterator[tuple[str, ast.stmt]]:
    if is_test_file(source.path):
        yield from _tests_of(source.tree.body, source.path, unittest=False)


def _tests_of(body: list[ast.stmt], prefix: str, *, unittest: bool) -> Iterator[tuple[str, ast.stmt]]:
    for node in _flat(body):
        if isinstance(node, _Function) and node.name.startswith("test"):
            yield f"{prefix}::{node.name}", node
        elif isinstance(node, ast.ClassDef):
            inherits = unittest or any(ast.unparse(base).endswith("TestCase") for base in node.bases)
            if node.name.startswith("Test") or inherits:
                yield from _tests_of(node.body, f"{prefix}::{node.name}", unittest=inherits)


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Go through the statements of a scope, also those under `if`, `try` and `with`."""
    for node in body:
        if isinstance(node, (*_Function, ast.ClassDef)):
            yield node
            continue
        yield node
        for part in ("body", "orelse", "finalbody"):
            yield from _flat(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from _flat(handler.body)


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0], node.lineno


def _banned_imports(source: Source, bans: dict[str, str]) -> Iterator[str]:
    for name, line in _imports(source.tree):
        if name in bans:
            yield f"{line}: imports {name}, which {bans[name]}"


def _banned_calls(source: Source, bans: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [(node.value.id, node.attr)]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            if name in bans:
                yield f"{node.lineno}: uses {'.'.join(name)}, which {bans[name]}"


def _banned_words(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name):
            word = node.id
        elif isinstance(node, ast.Attribute) and node.attr.startswith("__"):  # model.eval() is not eval()
            word = node.attr
        else:
            continue
        if word in _SOURCE_WORD_BANS:
            yield f"{node.lineno}: uses {word}, which {_REACHES}"


def _patched(source: Source) -> Iterator[str]:
    """Find what is changed in other people's code: `time.perf_counter = ...`, `setattr(torch, ...)`."""
    theirs = set(_imported_names(source.tree))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            target: ast.expr = node
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"setattr", "delattr"} and node.args:
            target = node.args[0]
        else:
            continue
        name = ast.unparse(target)
        if name.split(".")[0] in theirs and not name.startswith(_SETTINGS):
            yield f"{node.lineno}: changes {name}, which is not its own"


def _imported_names(tree: ast.Module) -> Iterator[str]:
    """List the names under which a file knows modules, functions and classes that are not its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] not in _OWN:
            yield from (alias.asname or alias.name for alias in node.names)


def _hooks(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, _Function) and node.name.startswith("pytest_"):
            yield f"{node.lineno}: defines the hook {node.name}, which changes what the runner reports"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in _NAME_BANS:
            yield f"{node.lineno}: sets {node.id}, which changes what the runner collects"


def _shadowed(source: Source) -> Iterator[str]:
    seen: set[str] = set()
    for name, node in _tests(source):
        if name in seen:
            yield f"{node.lineno}: {name.rsplit('::', 1)[-1]} is defined twice, so that only the last one runs"
        seen.add(name)


def _empty(source: Source) -> Iterator[str]:
    for name, node in _tests(source):
        if not any(_can_fail(each) for part in getattr(node, "body", []) for each in ast.walk(part)):
            yield f"{node.lineno}: {name.rsplit('::', 1)[-1]} asserts nothing"


def _can_fail(node: ast.AST) -> bool:
    """Tell whether a test can fail there: it calls something, or asserts something about a name."""
    if isinstance(node, ast.Assert):
        return any(isinstance(each, (ast.Name, ast.Call)) for each in ast.walk(node.test))
    return isinstance(node, (ast.Call, ast.Raise))
