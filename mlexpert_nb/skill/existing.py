"""How far the user's own code is: judged by its syntax tree, never by running it."""

import ast
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mlexpert_nb.packages import ExistingCode
from mlexpert_nb.skill.documents import Document

_MEANT_EMPTY = {"abstractmethod", "overload"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Verdict(NamedTuple):
    """What is unfinished in one file; nothing if `why` is empty."""

    file: str
    why: str


def judge_existing(documents: Sequence[Document]) -> tuple[ExistingCode, tuple[Verdict, ...]]:
    """Say which code files there are and whether they are finished.

    `partial_implementation` means that a file cannot be parsed, or that a function in it has no body yet.
    """
    verdicts = tuple(Verdict(each.file, unfinished(each.text)) for each in documents if each.kind == "code")
    open_ends = tuple(verdict for verdict in verdicts if verdict.why)
    status = "none" if not verdicts else "partial_implementation" if open_ends else "complete"
    return ExistingCode(tuple(verdict.file for verdict in verdicts), status), open_ends


def unfinished(source: str) -> str:
    """Name the first thing that is unfinished in a Python source; empty if nothing is."""
    if not source.strip():
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user's invalid escapes are not our news
            tree = ast.parse(source)
    except SyntaxError as error:
        return f"line {error.lineno or 1}: syntax error: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"cannot be parsed ({type(error).__name__})"
    first = next(_stubs(tree), None)
    return f"line {first.lineno}: {first.name} has no body yet" if first else ""


def _stubs(tree: ast.Module) -> Iterator[_Function]:
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, in_protocol = pending.pop()
        if isinstance(node, _Function) and not in_protocol and _is_stub(node):
            yield node
        inside = any(_name(base) == "Protocol" for base in node.bases) if isinstance(node, ast.ClassDef) else False
        pending.extend((child, inside) for child in reversed(list(ast.iter_child_nodes(node))))


def _is_stub(function: _Function) -> bool:
    if any(_name(decorator) in _MEANT_EMPTY for decorator in function.decorator_list):
        return False
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return all(_says_nothing(statement) for statement in body)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return raised is not None and _name(raised) == "NotImplementedError"
    is_ellipsis = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass) or is_ellipsis


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
