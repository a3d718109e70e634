"""The public surface of two versions of a package, and how they differ; read by griffe, nothing of them is run.

griffe gives the trees: `__all__`, re-exports, inheritance, the constructors of dataclasses. Its find_breaking_changes
is not used: it misses a base that was exchanged, a constructor that is new, a re-export without `__all__`, a name whose
target is gone and a function that became async, and it takes a renamed `self`, positional-only or `*args` parameter,
a removed annotation and `Old = New` for breaks.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import griffe

from mlexpert_nb.verify import signature

Node: TypeAlias = griffe.Object | griffe.Alias
_UNRESOLVED = (griffe.AliasResolutionError, griffe.CyclicAliasError, KeyError)
_UNREADABLE = (griffe.GriffeError, ModuleNotFoundError, SyntaxError, RecursionError, ValueError, OSError)
_NOT_CALLED = frozenset({"__annotations__", "__init__", "__module__", "__post_init__", "__slots__"})  # __init__: below
_NO_CONTRACT = frozenset({"abc.ABC", "object", "typing.Generic", "typing.Protocol"})  # bases that nobody relies on
_TAKES_NOTHING = _NO_CONTRACT | {"torch.nn.Module", "torch.nn.modules.module.Module"}  # bases called without arguments
_NAMES = (griffe.ExprAttribute, griffe.ExprName)
_LITERALS = (str, griffe.ExprDict, griffe.ExprList, griffe.ExprSet, griffe.ExprTuple)  # griffe has constants as str
_REGISTERS = frozenset({"add_module", "register_buffer", "register_module", "register_parameter", "setattr"})
_FAR = 20  # names that stand for names that stand for names: a circle


@dataclass(frozen=True, slots=True)
class Difference:
    """One break: the file that defined the name, the name within it, and what happened."""

    file: Path
    name: str
    what: str


def load(place: Path, root: Path, top: str) -> griffe.Module | None:
    """Read a package or module and what it imports from its neighbours; None if it cannot be read."""
    loader = griffe.GriffeLoader(search_paths=[place, root, root / "src"], allow_inspection=False)
    try:
        found = loader.load(top, try_relative_path=False)
        loader.resolve_aliases(implicit=True, external=True)
    except _UNREADABLE:
        return None
    return found if isinstance(found, griffe.Module) else None


def find(tree: griffe.Module, dotted: str) -> griffe.Module | None:
    """Give a module of a tree by its dotted name; None if it is not there."""
    for part in dotted.split(".")[1:]:
        inner = tree.members.get(part)
        if not isinstance(inner, griffe.Module):
            return None
        tree = inner
    return tree


def differences(old: griffe.Module, new: griffe.Module) -> Iterator[Difference]:
    """List what code written for the old tree can no longer do with the new one; modules that are gone are left out."""
    yield from _members(old, new, set())


def _members(old: Node, new: Node, seen: set[tuple[str, str]]) -> Iterator[Difference]:
    if (old.path, new.path) in seen:
        return
    seen.add((old.path, new.path))
    now = new.all_members  # griffe gathers them anew each time
    for name, each in old.all_members.items():
        if not _is_public(name, each, old):
            continue
        twin = now.get(name)
        if twin is not None:
            yield from _pair(each, twin, seen)
        elif not _is_excused(name, each, new):
            yield _difference(each, f"the {_kind(each)} was removed or renamed")


def _pair(old: Node, new: Node, seen: set[tuple[str, str]]) -> Iterator[Difference]:
    was, now = _target(old), _target(new)
    if was is None:
        return
    if now is None:
        if isinstance(new, griffe.Alias) and _top(new.target_path) in new.modules_collection.members:
            yield _difference(was, f"{new.path} can no longer be imported: {new.target_path} is gone")
    elif was.is_module and now.is_module:
        yield from _members(was, now, seen)
    elif _has_other_kind(was, now):
        yield _difference(was, f"was {_a(_kind(was))}, is {_a(_kind(now))} now")
    elif isinstance(was, griffe.Class) and isinstance(now, griffe.Class):
        yield from _class(was, now, seen)
    elif isinstance(was, griffe.Function) and isinstance(now, griffe.Function):
        yield from (_difference(was, what) for what in signature.breaks(was, now))


def _class(old: griffe.Class, new: griffe.Class, seen: set[tuple[str, str]]) -> Iterator[Difference]:
    for base in sorted({_base(each) for each in old.bases} - _NO_CONTRACT):
        if not _last(base).startswith("_") and not _descends(new, base):
            yield _difference(old, f"is no longer a subclass of {_last(base)}")
    (was, is_known), (now, is_still_known) = _constructor(old), _constructor(new)
    if is_known and is_still_known:
        yield from (_difference(was or old, what) for what in signature.breaks(was, now))
    yield from _members(old, new, seen)
    yield from _no_longer_assigned(old, new)


def _no_longer_assigned(old: griffe.Class, new: griffe.Class) -> Iterator[Difference]:
    """Find attributes that methods set and that griffe does not list."""
    if old.source == new.source:
        return
    lost = {name for name in _assigned([old]) if not name.startswith("_")}
    lost -= old.all_members.keys() | new.all_members.keys()
    file, owner = _place(old)
    for name in sorted(lost - _assigned([new, *_mro(new)]) if lost else ()):
        yield Difference(file, f"{owner}.{name}", "the attribute was removed or renamed")


def _is_public(name: str, node: Node, owner: Node) -> bool:
    is_private = name.startswith("_")
    if owner.is_class:
        is_special = name.startswith("__") and name.endswith("__")
        return not is_private or (is_special and name not in _NOT_CALLED)
    if not node.is_alias and node.is_module:
        return not is_private
    if owner.exports is not None:
        return name in owner.exports
    if isinstance(node, griffe.Alias):  # imported: for others only where a package gathers what its modules define
        is_own = _top(node.target_path) == _top(owner.path)
        return not is_private and is_own and owner.is_init_module and bool(node.runtime)
    return not is_private


def _is_excused(name: str, node: Node, new: Node) -> bool:
    """Tell whether a name that is not in the new version's tree is there all the same, or is reported elsewhere."""
    if not node.is_alias and node.is_module:
        return True
    if "__getattr__" in new.members:
        return True
    if not new.is_class or not isinstance(new, griffe.Class):
        return False
    if node.is_alias and node.inherited:
        definition = _target(node)
        if definition is not None and not any(part.startswith("_") for part in definition.path.split(".")[:-1]):
            return True
    return name in vars(object) or name in _assigned([new, *_mro(new)])


def _target(node: Node) -> griffe.Object | None:
    """Follow imports, and assignments such as `Old = New`, to the definition; None if it is not in the tree."""
    found = _resolved(node)
    stands_for = found
    for _ in range(_FAR):
        if isinstance(stands_for, griffe.Class | griffe.Function):
            return stands_for
        if not isinstance(stands_for, griffe.Attribute) or not isinstance(stands_for.value, _NAMES):
            break
        stands_for = _resolved(_lookup(stands_for, stands_for.value.canonical_path))
    return found


def _resolved(node: Node | None) -> griffe.Object | None:
    try:
        return node.final_target if isinstance(node, griffe.Alias) else node
    except _UNRESOLVED:
        return None


def _lookup(node: griffe.Object, dotted: str) -> Node | None:
    """Find a name anywhere in the trees that were loaded with a node's."""
    try:
        found: Node = node.modules_collection.get_member(dotted)
    except _UNRESOLVED:
        return None
    return found


def _has_other_kind(old: griffe.Object, new: griffe.Object) -> bool:
    """Compare kinds; an attribute whose value is computed may hold anything, a function too."""
    if old.kind is new.kind:
        return False
    return all(
        not isinstance(each, griffe.Attribute) or "property" in each.labels or isinstance(each.value, _LITERALS)
        for each in (old, new)
    )


def _descends(new: griffe.Class, base: str) -> bool:
    ancestors = {_base(each) for ancestor in (new, *_mro(new)) for each in ancestor.bases}
    moved = _resolved(_lookup(new, base))
    if {base, moved.path if moved else base} & ancestors:
        return True
    builtin = getattr(builtins, base, None)
    known = (getattr(builtins, each, None) for each in ancestors)
    return isinstance(builtin, type) and any(isinstance(each, type) and issubclass(each, builtin) for each in known)


def _constructor(node: griffe.Class) -> tuple[griffe.Function | None, bool]:
    """Give what a class is called with, None for nothing, and whether that is known."""
    members = node.all_members
    if "__init__" in members:
        init = _target(members["__init__"])
        return (init, True) if isinstance(init, griffe.Function) else (None, False)
    bases = {_base(each) for ancestor in (node, *_mro(node)) for each in ancestor.bases}
    return None, "__new__" not in members and bases <= _TAKES_NOTHING | {each.path for each in _mro(node)}


def _assigned(classes: Iterable[griffe.Class]) -> set[str]:
    """List the attributes that methods set, by `self.x = …` or as PyTorch has it: `self.register_buffer("x", …)`."""
    return {name for each in classes for node in ast.walk(_parsed(each)) for name in _names_set_by(node)}


def _names_set_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
        yield from [node.attr] if node.value.id == "self" else []
    elif isinstance(node, ast.Call) and _last(ast.unparse(node.func)) in _REGISTERS:
        yield from (
            each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )


def _parsed(node: griffe.Class) -> ast.Module:
    try:
        return ast.parse(node.source)
    except (SyntaxError, ValueError):  # dedented within a string of several lines
        return ast.Module([], [])


def _mro(node: griffe.Class) -> list[griffe.Class]:
    try:
        return node.mro()
    except ValueError:  # bases that contradict each other
        return []


def _base(base: str | griffe.Expr) -> str:
    plain = base.left if isinstance(base, griffe.ExprSubscript) else base
    return plain if isinstance(plain, str) else plain.canonical_path


def _difference(node: Node, what: str) -> Difference:
    return Difference(*_place(node), what)


def _place(node: Node) -> tuple[Path, str]:
    """Give the file that a name stands in, and the name within it."""
    owner = node.parent if node.is_alias and node.parent is not None else node
    file = owner.module.filepath
    return (Path() if isinstance(file, list) else file), node.path.removeprefix(owner.module.path + ".")


def _kind(node: Node) -> str:
    if node.is_alias and not node.inherited:
        return "re-export"
    target = _target(node)
    if target is None:
        return "name"
    if target.is_function and target.parent is not None and target.parent.is_class:
        return "method"
    return "property" if "property" in target.labels else target.kind.value


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _top(dotted: str) -> str:
    return dotted.split(".", 1)[0]


def _last(dotted: str) -> str:
    return dotted.rsplit(".", 1)[-1]
