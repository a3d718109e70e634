"""Faults of indices, bounds, sums and branches."""

import ast
import re
from collections.abc import Iterator

from mlexpert_nb.verify.mutation.mutant import Edit
from mlexpert_nb.verify.mutation.network_faults import is_mask, is_scale
from mlexpert_nb.verify.mutation.page import Page, called, is_guard, names, parameters, wrapped

_REDUCTIONS = {
    "mean": "sum",
    "sum": "mean",
    "max": "min",
    "min": "max",
    "amax": "amin",
    "amin": "amax",
    "argmax": "argmin",
    "argmin": "argmax",
    "any": "all",
    "all": "any",
}
_SIZES = frozenset({"shape", "size", "len", "numel", "dim", "ndim", "head_dim", "num_heads"})
_SHAPERS = frozenset({"view", "reshape", "expand", "repeat", "unflatten", "split", "new_zeros", "zeros", "arange"}) | {
    *("ones", "empty", "full", "range", "new_ones", "new_full", "rand", "randn", "chunk", "narrow", "pad", "linspace"),
}
_WHOLE = re.compile(
    r"(^|_)(pos|position|positions|index|idx|len|length|size|num|count|window|step|steps|offset|distance|age|arange"
    r"|T|time|tokens?|ids?|rows?|cols?|shape|taps|limit|level)(_|$)"
)
_TUNED = re.compile(r"^[A-Z][A-Z0-9_]{2,}$")
_STATE = re.compile(r"(^|_)(state|states|cache|hidden|carry|past|prev|memory|kv)(_|$)")
_SWAPPED: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
_BOUNDARIES: dict[type[ast.cmpop], str] = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
_SIGNS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_TINY = 1e-3  # a constant below is there against a division by zero


def off_by_one(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Move a bound by one: of a slice, of a range, of a diagonal, of a window."""
    match node:
        case ast.Slice(lower=lower, upper=upper):
            if lower is not None and not _is_number(lower):
                yield Edit(lower, f"{wrapped(page.source(lower))} + 1", f"from {page.source(lower)} + 1")
            if upper is not None and not _is_number(upper):
                yield Edit(upper, f"{wrapped(page.source(upper))} - 1", f"to {page.source(upper)} - 1")
        case ast.Call(func=ast.Name(id="range"), args=[*_, stop]) if len(node.args) < 3:  # noqa: PLR2004 - no step
            yield Edit(stop, f"{wrapped(page.source(stop))} - 1", "the loop ends one early")
        case ast.Call(func=ast.Attribute(attr="tril" | "triu")):
            yield from _diagonal(node, page)
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=ast.Constant(value=1)):
            if page.computes(node):
                yield Edit(node, wrapped(page.source(left)), f"{page.source(left)} stands for {page.source(node)}")


def wrong_reduction(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Sum where the mean is wanted, take the least where the greatest is wanted."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name, value=value) as func) if name in _REDUCTIONS:
            yield Edit(func, f"{page.source(value)}.{_REDUCTIONS[name]}", f"{_REDUCTIONS[name]} stands for {name}")
        case ast.Call(func=ast.Name(id="max" | "min" as name) as func) if page.computes(node):
            yield Edit(func, _REDUCTIONS[name], f"{_REDUCTIONS[name]} stands for {name}")
        case ast.keyword(arg="reduction", value=ast.Constant(value="mean" | "sum" as name) as value):
            yield Edit(value, f'"{_REDUCTIONS[name]}"', f"{_REDUCTIONS[name]} stands for {name}")


def wrong_index(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Take the last for the first, or the first for the last."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return
    if names(node.value) & {"shape", "size", "args"}:
        return
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if ast.unparse(node.slice) == "0" and not _has_others(node, page):
        return  # perhaps the only one
    for part in parts:
        if _is_number(part) and ast.unparse(part) in {"0", "-1"}:
            other = "-1" if ast.unparse(part) == "0" else "0"
            yield Edit(part, other, f"[{other}] stands for [{page.source(part)}]")


def stale_state(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Hand back the state that came in."""
    function = page.function(node)
    if not (isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and function):
        return
    given = next((name for name in parameters(function) if _STATE.search(name)), None)
    last = node.value.elts[-1]
    if given and len(node.value.elts) > 1 and not isinstance(last, ast.Constant) and ast.unparse(last) != given:
        yield Edit(last, given, f"{given} stands for {page.source(last)}")


def arithmetic_swapped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Subtract for add, divide for multiply, and the other way round."""
    if not isinstance(node, ast.BinOp) or type(node.op) not in _SWAPPED or not page.computes(node):
        return
    sides = (node.left, node.right)
    is_product = isinstance(node.op, (ast.Mult, ast.Div))
    if any(_is_no_summand(side) for side in sides) or (is_product and any(is_mask(s) or is_scale(s) for s in sides)):
        return
    if all(_is_size(side) for side in sides) or _sets_a_size(node, page):
        return
    sign = _SWAPPED[type(node.op)]
    left, right = (wrapped(page.source(side)) for side in sides)
    yield Edit(node, f"({left} {sign} {right})", f"{sign} stands for {_sign(node)}")


def boundary_moved(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Let a comparison of whole numbers include its end, or leave it out."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in _BOUNDARIES:
        return
    sides = (node.left, node.comparators[0])
    in_guard = any(is_guard(outer) for outer in page.above(node))
    whole = any(_WHOLE.search(name) for side in sides for name in names(side))
    is_tuned = any(_TUNED.match(name) for side in sides for name in names(side))  # which way is faster
    if not in_guard and whole and not is_tuned and page.computes(node):
        sign = _BOUNDARIES[type(node.ops[0])]
        left, right = (wrapped(page.source(side)) for side in sides)
        yield Edit(node, f"({left} {sign} {right})", f"{sign} stands for {_SIGNS[type(node.ops[0])]}")


def condition_negated(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Take the other branch."""
    if isinstance(node, ast.IfExp) and any(_is_text(each) for each in (node.body, node.orelse)):
        return  # words for a message
    if isinstance(node, (ast.If, ast.IfExp)) and not is_guard(node) and "training" not in names(node.test):
        yield Edit(node.test, f"(not {wrapped(page.source(node.test))})", f"not {page.source(node.test)}")


def _diagonal(call: ast.Call, page: Page) -> Iterator[Edit]:
    """Move the diagonal of a triangle by one."""
    is_function = ast.unparse(call.func).startswith("torch.")
    given = [keyword.value for keyword in call.keywords if keyword.arg == "diagonal"] or call.args[int(is_function) :]
    if given:
        yield Edit(given[0], f"{wrapped(page.source(given[0]))} + 1", f"diagonal {page.source(given[0])} + 1")
    elif not call.keywords:
        text = page.source(call)
        close = text.rindex(")")
        yield Edit(call, f"{text[:close].rstrip().rstrip(',')}{', ' if call.args else ''}1)", "diagonal 1")


def _has_others(node: ast.Subscript, page: Page) -> bool:
    """Tell whether the function also takes another one of the same things."""
    function, owner = page.function(node), ast.unparse(node.value)
    inside = [each for each in ast.walk(function or page.tree) if isinstance(each, ast.Subscript)]
    return any(ast.unparse(each.value) == owner and ast.unparse(each.slice) != "0" for each in inside)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_number(node: ast.AST) -> bool:
    value = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(value, ast.Constant) and type(value.value) in (int, float)


def _is_no_summand(node: ast.expr) -> bool:
    """Tell what is not arithmetic, or is there against a division by zero alone."""
    if isinstance(node, (ast.List, ast.Tuple, ast.ListComp, ast.Set, ast.Dict, ast.JoinedStr)):
        return True
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, (int, float)) or abs(node.value) < _TINY or node.value == 1
    return any(re.search(r"(^|_)(eps|epsilon|tiny)(_|$)", name, re.IGNORECASE) for name in names(node))


def _is_size(node: ast.expr) -> bool:
    return _is_number(node) or bool(names(node) & _SIZES)


def _sets_a_size(node: ast.AST, page: Page) -> bool:
    """Tell whether the figure says how large something is, or where: there, moving bounds is the fault to plant."""
    for outer in page.above(node):
        if isinstance(outer, (ast.Subscript, ast.Slice)):
            return True
        if isinstance(outer, ast.Call) and called(outer) in _SHAPERS:
            return True
        if isinstance(outer, ast.stmt):
            return False
    return False


def _sign(node: ast.BinOp) -> str:
    return {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(node.op)]
