"""Compose delivered pages from the blocks: one self-contained Python file from several source modules.

A block's source exists once, in this package. A page joins the modules it is made of: docstrings and imports are
merged, imports among its own parts are dropped, imports of other pages become relative ones, bodies follow in order.
Lines for options that were not chosen are left out (`writing.chosen`).
"""

import ast
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from mlexpert_nb.catalogue.writing import chosen
from mlexpert_nb.packages import Json

LINE_LENGTH = 120
PACKAGE = "mlexpert_nb"
_PRAGMA = re.compile(r" *# (?:noqa|type: ignore).*$", re.MULTILINE)  # answers to this project's linters


@dataclass(slots=True)
class _Imports:
    """Imports of a page: whole modules with their alias, and names by module (a leading dot is relative)."""

    modules: set[tuple[str, str | None]] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    docstring: str
    imports: tuple[ast.Import | ast.ImportFrom, ...]
    body: str


def compose(pages: Mapping[str, Sequence[str]], options: Mapping[str, Json] | None = None) -> dict[str, str]:
    """Give the text of each page, by page name.

    Args:
        pages: For each page the dotted names of its source modules, in order; the last one is the page's own and its
            docstring leads.
        options: Configuration that is delivered; decides about lines that are marked for an option.
    """
    home = {module: page for page, modules in pages.items() for module in modules}
    return {
        page: _page([_parse(module, options or {}) for module in modules], page, home)
        for page, modules in pages.items()
    }


def _page(parts: Sequence[_Part], page: str, home: Mapping[str, str]) -> str:
    imports = _Imports()
    for part in parts:
        for statement in part.imports:
            _collect(statement, imports, page, home)
    docstring = "\n\n".join(part.docstring for part in (parts[-1], *parts[:-1]))
    end = "\n" if "\n" in docstring else ""
    head = f'"""{docstring}{end}"""\n\n{_render(imports)}'
    gap = "\n\n\n" if parts[0].body.startswith(("def ", "class ", "@")) else "\n\n"
    return head + gap + "\n\n\n".join(part.body for part in parts) + "\n"


def _parse(module: str, options: Mapping[str, Json]) -> _Part:
    text = _PRAGMA.sub("", chosen(_source(module).read_text("utf-8"), options))
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    first = max(node.end_lineno or 0 for node in (tree.body[0], *imports))
    body = "\n".join(text.splitlines()[first:]).strip("\n")
    return _Part(ast.get_docstring(tree) or "", tuple(imports), body)


def _source(module: str) -> Path:
    path = Path(*module.split(".")[1:]).with_suffix(".py")
    return Path(str(resources.files(PACKAGE))) / path


def _collect(statement: ast.Import | ast.ImportFrom, imports: _Imports, page: str, home: Mapping[str, str]) -> None:
    if isinstance(statement, ast.Import):
        imports.modules.update((alias.name, alias.asname) for alias in statement.names)
        return
    module = statement.module or ""
    if module.startswith(f"{PACKAGE}."):
        if home[module] == page:
            return
        module = f".{home[module]}"
    imports.names.setdefault(module, set()).update(_spelled(alias) for alias in statement.names)


def _spelled(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _render(imports: _Imports) -> str:
    """Write the imports in isort's order: standard library, third party, relative."""
    lines: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for module, alias in sorted(imports.modules, key=lambda each: each[0]):
        lines[_section(module)].append(f"import {module} as {alias}" if alias else f"import {module}")
    for module in sorted(imports.names):
        lines[_section(module)].append(_from_import(module, imports.names[module]))
    return "\n\n".join("\n".join(section) for section in lines.values() if section)


def _section(module: str) -> int:
    if module.startswith("."):
        return 2
    return 0 if module.partition(".")[0] in sys.stdlib_module_names else 1


def _from_import(module: str, names: Iterable[str]) -> str:
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= LINE_LENGTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"
