"""Faults of a network's mathematics: what people really forget, swap or leave on."""

import ast
import re
from collections.abc import Iterator

from mlexpert_nb.verify.mutation.mutant import Edit
from mlexpert_nb.verify.mutation.page import Page, called, names, parameters, sets_up, wrapped

_MASKS = frozenset({"attn_mask", "attention_mask", "key_padding_mask", "padding_mask", "mask"})
_MASK = re.compile(r"(^|_)(mask|masks|valid)(_|$)", re.IGNORECASE)
_NORM = re.compile(r"^(\w*norm\w*|ln_?\w*)$")
_SCALE = re.compile(r"(^|_)(scale|scaling|temperature|tau)$")
_ACTIVATIONS = {
    "silu": "relu",
    "gelu": "relu",
    "relu": "silu",
    "sigmoid": "tanh",
    "tanh": "sigmoid",
    "softplus": "relu",
    "SiLU": "ReLU",
    "GELU": "ReLU",
    "ReLU": "SiLU",
    "Sigmoid": "Tanh",
    "Tanh": "Sigmoid",
    "Softplus": "ReLU",
    "elu": "relu",
    "ELU": "ReLU",
    "leaky_relu": "silu",
    "mish": "relu",
    "Mish": "ReLU",
    "relu_": "tanh_",
}
_NO_GRADIENT = frozenset({"argmax", "argmin", "item", "tolist", "numpy", "long", "bool", "int", "eq", "gt", "lt"})


def mask_dropped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Take a mask away, turn it over, or let it hide the other half."""
    match node:
        case ast.Call(func=ast.Attribute(attr="masked_fill" | "masked_fill_", value=value)):
            yield Edit(node, wrapped(page.source(value)), "the mask is left out")
        case ast.Call(func=ast.Attribute(attr="where"), args=[_, kept, _]):
            yield Edit(node, wrapped(page.source(kept)), "the mask is left out")
        case ast.Call(keywords=keywords):
            for keyword in keywords:
                yield from _mask_argument(keyword)
        case ast.Attribute(attr="tril" | "triu" as half, value=value):
            other = "triu" if half == "tril" else "tril"
            yield Edit(node, f"{page.source(value)}.{other}", f"{other} stands for {half}")
        case ast.UnaryOp(op=ast.Invert(), operand=mask):
            yield Edit(node, wrapped(page.source(mask)), "the mask is not turned over")
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            for mask, kept in ((right, left), (left, right)):
                if is_mask(mask):
                    yield Edit(node, wrapped(page.source(kept)), "the mask is left out")


def axis_swapped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Work along a neighbouring axis."""
    if not isinstance(node, ast.Call):
        return
    name = called(node)
    for keyword in node.keywords:
        if keyword.arg == "dim" and (axis := _whole(keyword.value)) is not None:
            yield _other_axis(keyword.value, axis)
        elif keyword.arg == "batch_first" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            yield Edit(keyword.value, "False", "batch_first=False")
    if name in {"transpose", "swapaxes", "permute", "movedim"} and isinstance(node.func, ast.Attribute):
        if "torch" not in names(node.func.value):
            yield Edit(node, wrapped(page.source(node.func.value)), f"{name} is left out")
    elif name in _ALONG and isinstance(node.func, ast.Attribute):
        place = 1 if ast.unparse(node.func.value) in {"torch", "F", "functional", "torch.nn.functional"} else 0
        if len(node.args) > place and (axis := _whole(node.args[place])) is not None:
            yield _other_axis(node.args[place], axis)


def scale_dropped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Leave out a factor such as 1/sqrt(d)."""
    if isinstance(node, ast.BinOp):
        if sets_up(page.function(node)) or names(node) & {"randn", "rand", "empty"}:  # initial values
            return
        if isinstance(node.op, (ast.Mult, ast.Div)) and is_scale(node.right):
            yield Edit(node, wrapped(page.source(node.left)), "the scale is left out")
        elif isinstance(node.op, ast.Mult) and is_scale(node.left):
            yield Edit(node, wrapped(page.source(node.right)), "the scale is left out")
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            is_own = not isinstance(keyword.value, ast.Constant)
            if keyword.arg == "scale" and is_own and called(node) == "scaled_dot_product_attention":
                yield Edit(keyword.value, "1.0", "scale=1.0")


def residual_dropped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Replace `x + f(x)` by `f(x)`."""
    for branch in _branches(node, page):
        yield Edit(_whole_node(node), _instead_of_sum(node, page, branch), "the residual is left out")


def detach_changed(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Take a detach away, or cut the gradient of a residual branch or of the last layer."""
    match node:
        case ast.Call(func=ast.Attribute(attr="detach", value=value), args=[]):
            outer = page.parents.get(node)
            if not (isinstance(outer, ast.Attribute) and outer.attr in _NO_GRADIENT) and not _has_no_gradient(
                page, node
            ):
                yield Edit(node, wrapped(page.source(value)), "detach is left out")
        case ast.Return(value=ast.Call(func=func, args=[ast.Name() as first, *_])):
            if ast.unparse(func).startswith("self.") and page.computes(node) and not _has_no_gradient(page, node):
                yield Edit(first, f"{first.id}.detach()", f"{first.id} is detached")
    for branch in _branches(node, page):
        if not _has_no_gradient(page, node):
            yield Edit(branch, f"{wrapped(page.source(branch))}.detach()", "the branch is detached")


def norm_dropped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Hand the input on as it is."""
    if isinstance(node, ast.Call) and node.args and _NORM.match(called(node)):
        func = node.func
        owner = ast.unparse(func.value) if isinstance(func, ast.Attribute) else ""
        measures = called(node) in {"norm", "vector_norm", "matrix_norm"} and not owner.startswith("self")
        if not measures and owner not in {"nn.utils", "torch.nn.utils"}:
            yield Edit(node, wrapped(page.source(node.args[0])), f"{called(node)} is left out")


def no_grad_removed(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Build a graph where none is wanted."""
    if isinstance(node, ast.Call) and called(node) in {"no_grad", "inference_mode"}:
        outer = page.parents.get(node)
        if isinstance(outer, (ast.withitem, ast.FunctionDef)) and not sets_up(page.function(node)):
            yield Edit(node, page.source(node).replace(called(node), "enable_grad"), "enable_grad")


def dropout_left_on(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Drop units also where nothing is trained."""
    match node:
        case ast.Attribute(attr="training", ctx=ast.Load()):
            yield Edit(node, "True", f"True stands for {page.source(node)}")
        case ast.Call(func=ast.Attribute() as func, args=[_]) if re.search("drop", func.attr):
            layer = page.source(func)
            if layer.startswith("self."):
                given = page.source(node)[len(layer) :]
                yield Edit(node, f"type({layer})({layer}.p){given}", f"{layer} is always on")


def activation_swapped(node: ast.AST, page: Page) -> Iterator[Edit]:
    """Bend with another curve."""
    if (
        isinstance(node, ast.Call)
        and (other := _ACTIVATIONS.get(called(node)))
        and isinstance(node.func, ast.Attribute)
    ):
        given = f"({page.source(node.args[0])})" if node.args else "()"
        owner = page.source(node.func.value)
        is_module = other[0].isupper()
        yield Edit(node, f"{owner}.{other}{'()' if is_module else given}", f"{other} stands for {called(node)}")


def is_mask(node: ast.AST) -> bool:
    """Tell whether an expression is a mask by name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # mask.float(), mask.unsqueeze(-1)
        return is_mask(node.func.value)
    if isinstance(node, ast.Subscript):  # mask[..., None]
        return is_mask(node.value)
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return _MASK.search(name) is not None


def is_scale(node: ast.AST) -> bool:
    """Tell whether an expression is a square root, a power by a half, or named as a scale."""
    match node:
        case ast.Call():
            return called(node) in {"sqrt", "rsqrt"}
        case ast.BinOp(op=ast.Pow(), right=power):
            return ast.unparse(power).strip("-()") in {"0.5", "1 / 2"}
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _SCALE.search(name) is not None
    return False


_ALONG = frozenset(
    {"softmax", "log_softmax", "logsumexp", "mean", "sum", "cumsum", "cumprod", "prod", "amax", "amin"}
) | {
    *("max", "min", "argmax", "argmin", "std", "var", "flip", "roll", "sort", "topk", "softmin", "all", "any"),
    *("chunk", "cat", "stack", "gather", "index_select", "unbind"),
}


def _mask_argument(keyword: ast.keyword) -> Iterator[Edit]:
    value = keyword.value
    if keyword.arg == "is_causal" and not (isinstance(value, ast.Constant) and value.value is False):
        yield Edit(value, "False", "is_causal=False")
    elif keyword.arg in _MASKS and not isinstance(value, ast.Constant):
        yield Edit(value, "None", f"{keyword.arg}=None")


def _whole(node: ast.expr) -> int | None:
    """Read a whole number, also a negative one."""
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return -value
    return None


def _other_axis(node: ast.expr, axis: int) -> Edit:
    other = {-1: -2, -2: -1, 0: 1}.get(axis, axis - 1 if axis > 0 else axis + 1)
    return Edit(node, str(other), f"axis {other} stands for {axis}")


def _branches(node: ast.AST, page: Page) -> Iterator[ast.expr]:
    """Give the branch of a residual sum: the call in `x + f(x)`, `x += f(x)`, and `x + self.f(y)` of a given x."""
    given = set(parameters(page.function(node)))
    match node:
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            outer = page.parents.get(node)
            given |= {ast.unparse(each) for each in outer.targets} if isinstance(outer, ast.Assign) else set()
            for stream, branch in ((left, right), (right, left)):
                if isinstance(stream, (ast.Name, ast.Attribute)) and _is_branch(branch, stream, given):
                    yield branch
                    return
        case ast.AugAssign(op=ast.Add(), target=ast.Name() as stream, value=branch):
            if _is_branch(branch, stream, given):
                yield branch


def _is_branch(branch: ast.expr, stream: ast.expr, given: set[str]) -> bool:
    if any(isinstance(each, (ast.List, ast.ListComp, ast.Tuple)) for each in (branch, *ast.iter_child_nodes(branch))):
        return False
    calls = [each for each in ast.walk(branch) if isinstance(each, ast.Call)]
    name = ast.unparse(stream)
    inside = any(ast.unparse(each) == name for call in calls for argument in call.args for each in ast.walk(argument))
    return inside or (name in given and any(ast.unparse(call.func).startswith("self.") for call in calls))


def _whole_node(node: ast.AST) -> ast.expr | ast.stmt:
    if not isinstance(node, (ast.expr, ast.stmt)):
        raise TypeError(f"{node!r} is neither an expression nor a statement")
    return node


def _instead_of_sum(node: ast.AST, page: Page, branch: ast.expr) -> str:
    text = page.source(branch)
    return f"{page.source(node.target)} = {text}" if isinstance(node, ast.AugAssign) else wrapped(text)


def _has_no_gradient(page: Page, node: ast.AST) -> bool:
    """Tell whether no graph is built around a node anyway."""
    for outer in page.above(node):
        decorators = outer.decorator_list if isinstance(outer, ast.FunctionDef) else []
        items = [item.context_expr for item in outer.items] if isinstance(outer, ast.With) else []
        if any(called(each) in {"no_grad", "inference_mode"} for each in (*decorators, *items)):
            return True
    return False
