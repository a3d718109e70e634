"""One page of code as the operators see it: its tree, who is inside what, and where each node stands in the text."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SILENT = frozenset({"__repr__", "__str__", "__hash__", "extra_repr", "example_batch"})  # no network depends on them
_SETS_UP = re.compile(r"^(__init__|__post_init__|_?init_\w*|_?reset_\w*|\w*_init)$")
_TORCH = re.compile(r"\b(Tensor|torch|F|functional)\b")
_FILLS = frozenset({"normal_", "uniform_", "trunc_normal_", "fill_", "zero_", "constant_"}) | {
    *("randint", "random_", "warn", "print", "info"),
}
_ATOMS = (ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.Subscript)


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One parsed file.

    Attributes:
        path: Relative to the delivery.
        data: Its text in UTF-8, which is what positions in the tree count.
        tree: The parsed text.
        parents: The node around each node.
        starts: Where each line begins in `data`.
        computing: Functions that work on tensors, as far as their text shows.
    """

    path: str
    data: bytes
    tree: ast.Module
    parents: Mapping[ast.AST, ast.AST]
    starts: tuple[int, ...]
    computing: frozenset[Function]

    @classmethod
    def parse(cls, path: str, text: str) -> "Page":
        """Parse a file.

        Raises:
            SyntaxError: It is not Python.
        """
        tree, data = ast.parse(text), text.encode()
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        lengths = (len(line) + 1 for line in data.split(b"\n"))
        computing = frozenset(node for node in parents if isinstance(node, Function) and _computes(node))
        return cls(path, data, tree, parents, tuple(accumulate(lengths, initial=0)), computing)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Tell where a node begins and ends in `data`."""
        last_line, last_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[last_line - 1] + last_column

    def source(self, node: ast.expr | ast.stmt) -> str:
        """Give the text of a node as it was written."""
        begin, end = self.span(node)
        return self.data[begin:end].decode()

    def replaced(self, node: ast.expr | ast.stmt, text: str) -> str:
        """Give the whole text with one node written otherwise; everything else keeps its line."""
        begin, end = self.span(node)
        return (self.data[:begin] + text.encode() + self.data[end:]).decode()

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Go outwards from a node to the module."""
        while (outer := self.parents.get(node)) is not None:
            yield outer
            node = outer

    def function(self, node: ast.AST) -> Function | None:
        """Give the innermost function around a node."""
        return next((each for each in self.above(node) if isinstance(each, Function)), None)

    def computes(self, node: ast.AST) -> bool:
        """Tell whether a node stands in a function that works on tensors."""
        return self.function(node) in self.computing

    def nodes(self) -> Iterator[ast.AST]:
        """Go through what may be mutated: bodies of functions, without what nothing depends on."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function) and self.function(node) is None and not _is_silent(node):
                yield from _inside(node)

    def lines(self, node: ast.AST) -> tuple[int, int]:
        """Give the first and last line whose execution means that the node was reached."""
        if isinstance(self.parents.get(node), Function) and isinstance(node, ast.expr):  # a decorator
            return body_lines(self.parents[node])
        chain = (node, *self.above(node))
        statement = next((each for each in chain if isinstance(each, ast.stmt)), None)
        if statement is None:
            return 1, len(self.starts)
        body = getattr(statement, "body", None)
        last = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno or statement.lineno
        return statement.lineno, max(statement.lineno, last)


def body_lines(function: ast.AST) -> tuple[int, int]:
    """Give the first and last line of a function's body, without its docstring."""
    body = code_of(function)
    return body[0].lineno, body[-1].end_lineno or body[-1].lineno


def code_of(function: ast.AST) -> list[ast.stmt]:
    """Give the statements of a function, without its docstring unless that is all it has."""
    body: list[ast.stmt] = getattr(function, "body", [])
    return body[1:] if len(body) > 1 and _is_text(body[0]) else body


def sets_up(function: Function | None) -> bool:
    """Tell whether a function builds or initialises instead of computing."""
    return function is not None and _SETS_UP.match(function.name) is not None


def called(node: ast.AST) -> str:
    """Give the last name of what a call calls: `F.softmax(x)` calls `softmax`."""
    func = node.func if isinstance(node, ast.Call) else node
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def names(node: ast.AST) -> set[str]:
    """List the names and attributes that an expression mentions."""
    inside = list(ast.walk(node))
    attributes = {each.attr for each in inside if isinstance(each, ast.Attribute)}
    return attributes | {each.id for each in inside if isinstance(each, ast.Name)}


def parameters(function: Function | None) -> dict[str, None]:
    """List the names of a function's parameters, in their order."""
    given = function.args if function else ast.arguments([], [], None, [], [], None, [])
    return dict.fromkeys(each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs))


def wrapped(text: str) -> str:
    """Put an expression in parentheses, unless it stands alone anyway."""
    return text if isinstance(ast.parse(f"({text})", mode="eval").body, _ATOMS) and "\n" not in text else f"({text})"


def is_guard(node: ast.AST) -> bool:
    """Tell whether a statement only refuses something."""
    return isinstance(node, ast.If) and not node.orelse and all(isinstance(each, ast.Raise) for each in node.body)


def _computes(function: Function) -> bool:
    if sets_up(function):
        return False
    return function.name == "forward" or _TORCH.search(ast.unparse(function)) is not None


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in _children(node):
        if not _is_silent(child):
            yield from _inside(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, Function):
        yield from (*(each for each in node.decorator_list if _stops_gradients(each)), *code_of(node))
    elif isinstance(node, ast.AnnAssign):
        yield from () if node.value is None else (node.value,)
    elif isinstance(node, ast.Assert):
        yield node.test
    else:
        yield from ast.iter_child_nodes(node)


def _is_silent(node: ast.AST) -> bool:
    if isinstance(node, Function):
        return node.name in _SILENT
    if isinstance(node, ast.Call):
        return called(node) in _FILLS or ast.unparse(node.func).startswith(("nn.init.", "init."))
    return isinstance(node, (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)) or _is_text(node)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _stops_gradients(decorator: ast.expr) -> bool:
    return called(decorator) in {"no_grad", "inference_mode"}
