"""Variables of the notebook: names, types, shapes, dtypes, devices, parameter counts. Never values, never user code.

torch, numpy and pandas objects are recognised by the classes of those libraries that are loaded already; nothing is
imported. Of a user's subclass that could answer for itself, only the name of its type is told.
"""

import math
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

from mlexpert_nb.skill.static import bases_of, c_attribute, class_dict, class_named, instance_dict, type_name

MAX_VARIABLES = 200
MAX_NAME = 100  # characters
MAX_MODULES = 100_000
HIDDEN = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open", "display"})
_NUMPY_NUMBERS = {"i": "int", "u": "uint", "f": "float", "c": "complex"}
_NUMPY_OTHERS = {
    "b": "bool",
    "O": "object",
    "S": "bytes",
    "U": "str",
    "M": "datetime64",
    "m": "timedelta64",
    "V": "structured",
}

Facts = dict[str, Any]


def describe_variables(namespace: Mapping[str, object]) -> tuple[tuple[Facts, ...], int]:
    """Describe the variables of a notebook, by name.

    Returns:
        The first `MAX_VARIABLES` of them in alphabetical order, and how many were left out.
    """
    names = sorted(name for name in dict(namespace) if type(name) is str and _is_shown(name, namespace[name]))
    return tuple(describe(name, namespace[name]) for name in names[:MAX_VARIABLES]), max(0, len(names) - MAX_VARIABLES)


def describe(name: str, value: object) -> Facts:
    """Tell what may be told of one variable."""
    facts: Facts = {"name": name[:MAX_NAME], "type": type_name(value)[:MAX_NAME]}
    return facts | (_tensor(value) or _array(value) or _frame(value) or _network(value))


def _is_shown(name: str, value: object) -> bool:
    return not name.startswith("_") and name not in HIDDEN and ModuleType not in bases_of(value)


def _tensor(value: object) -> Facts:
    if not _is_tensor(value):
        return {}
    dtype, device = str(c_attribute(value, "dtype")), str(c_attribute(value, "device"))
    return {"shape": _shape(value), "dtype": dtype.removeprefix("torch."), "device": device}


def _is_tensor(value: object) -> bool:
    # exactly these: the C getters of any other subclass hand over to its __torch_function__
    own = class_named("torch", "Tensor"), class_named("torch.nn.parameter", "Parameter")
    return any(cls is type(value) for cls in own)


def _array(value: object) -> Facts:
    array = class_named("numpy", "ndarray")
    if array is None or array not in bases_of(value):
        return {}
    return {"shape": _shape(value), "dtype": _numpy_dtype(c_attribute(value, "dtype"))}


def _numpy_dtype(dtype: object) -> str:
    kind, size = c_attribute(dtype, "kind"), c_attribute(dtype, "itemsize")
    return f"{_NUMPY_NUMBERS[kind]}{8 * size}" if kind in _NUMPY_NUMBERS else _NUMPY_OTHERS.get(kind, "unknown")


def _frame(value: object) -> Facts:
    """Tell the shape of a pandas object, by pandas' own property; a subclass is told by its type alone."""
    own = class_named("pandas", "DataFrame"), class_named("pandas", "Series")
    if not any(cls is type(value) for cls in own):
        return {}
    getter = next((class_dict(cls)["shape"] for cls in bases_of(value) if "shape" in class_dict(cls)), None)
    compute = getter.fget if type(getter) is property else None
    if type(compute) is not FunctionType or not compute.__module__.startswith("pandas.core."):
        return {}
    return {"shape": [int(size) for size in compute(value)]}


def _network(value: object) -> Facts:
    module = class_named("torch.nn.modules.module", "Module")
    if module is None or module not in bases_of(value):
        return {}
    count = _count_parameters(value)
    return {} if count is None else {"parameters": count}


def _count_parameters(network: object) -> int | None:
    """Count the parameters of a network, a shared one once; None if one of them has no size yet."""
    pending, seen, total = [network], set[int](), 0
    while pending:
        stored = instance_dict(pending.pop())
        for parameter in _members(stored.get("_parameters")):
            if id(parameter) in seen or parameter is None:
                continue
            if not _is_tensor(parameter) or len(seen) > MAX_MODULES:
                return None
            seen.add(id(parameter))
            total += math.prod(_shape(parameter))
        inner = [child for child in _members(stored.get("_modules")) if id(child) not in seen]
        seen.update(id(child) for child in inner)
        pending += inner
    return total


def _members(stored: Any) -> list[object]:
    return list(dict.values(stored)) if dict in bases_of(stored) else []  # isinstance would ask stored.__class__


def _shape(value: object) -> list[int]:
    return [int(size) for size in tuple.__iter__(c_attribute(value, "shape"))]
