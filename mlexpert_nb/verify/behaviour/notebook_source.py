"""The source of a class that lives in a notebook, with all that it needs of the notebook, as text for a file.

Only names that the class uses are taken: modules and library names become imports, classes and functions of the
notebook are copied, plain values are written out. Other cells, and what they run, stay behind.
"""

import ast
import builtins
import inspect
import linecache
import symtable
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_PLAIN = (int, float, str, bool, bytes, type(None), tuple)


def source_of(kind: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the imports that a class needs, and the source of it and of what it uses.

    Returns:
        Lines of imports, and the source of each thing, in the order they are needed; both empty if the source of the
        class is not to be had.
    """
    imports: dict[str, None] = {}
    pieces: dict[str, str] = {}
    found = _take(kind.__name__, kind, imports, pieces)
    return (tuple(imports), tuple(pieces.values())) if found else ((), ())


def _take(name: str, thing: Any, imports: dict[str, None], pieces: dict[str, str]) -> bool:
    """Add a name of the notebook, and before it what it uses; tell whether its source was found."""
    node = _definition(thing)
    if node is None:
        return False
    pieces[name] = ""  # known from here on: a class may name itself
    namespace = vars(sys.modules.get(thing.__module__, builtins))
    for used in sorted(_free_names(node)):
        if used not in pieces and used in namespace:
            _take_used(used, namespace[used], imports, pieces)
    text = pieces.pop(name) or ast.unparse(node)
    pieces[name] = _original(thing, node) or text
    return True


def _take_used(name: str, value: Any, imports: dict[str, None], pieces: dict[str, str]) -> None:
    if isinstance(value, ModuleType):
        parent, _, last = value.__name__.rpartition(".")
        if value.__name__ == name:
            imports[f"import {name}"] = None
        elif parent and last == name:
            imports[f"from {parent} import {name}"] = None
        else:
            imports[f"import {value.__name__} as {name}"] = None
    elif isinstance(value, type) or inspect.isfunction(value):
        if value.__module__ == "__main__":
            _take(name, value, imports, pieces)
        else:
            origin = "" if value.__name__ == name else f"{value.__name__} as "
            imports[f"from {value.__module__} import {origin}{name}"] = None
    elif isinstance(value, _PLAIN):
        pieces[name] = f"{name} = {value!r}"
    elif getattr(sys.modules.get(getattr(value, "__module__", None) or ""), name, None) is value:
        imports[f"from {value.__module__} import {name}"] = None


def _definition(thing: Any) -> ast.ClassDef | ast.FunctionDef | None:
    """Find the definition of a class or a function in the text of the cell that made it."""
    for path in _files(thing):
        lines = linecache.getlines(path)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:  # a cell with magics in it
            tree = ast.parse("".join(each if not each.lstrip().startswith(("%", "!")) else "\n" for each in lines))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == thing.__name__:
                return node
    return None


def _files(thing: Any) -> Iterator[str]:
    functions = (
        [each for each in vars(thing).values() if inspect.isfunction(each)] if isinstance(thing, type) else [thing]
    )
    yield from dict.fromkeys(each.__code__.co_filename for each in functions)


def _original(thing: Any, node: ast.ClassDef | ast.FunctionDef) -> str:
    """Give the text as it was typed, which keeps comments."""
    for path in _files(thing):
        lines = linecache.getlines(path)
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        text = "".join(lines[first - 1 : node.end_lineno]).rstrip()
        if f" {thing.__name__}" in text and not lines[first - 1].startswith((" ", "\t")):
            return text
    return ""


def _free_names(node: ast.AST) -> set[str]:
    """Give the names that a definition takes from outside; arguments and local names are its own."""
    tables = [symtable.symtable(ast.unparse(node), "definition", "exec")]
    names: set[str] = set()
    while tables:
        table = tables.pop()
        is_outermost = table.get_type() == "module"
        names |= {each.get_name() for each in table.get_symbols() if is_outermost or each.is_global()}
        tables += table.get_children()
    return {name for name in names if not hasattr(builtins, name)}
