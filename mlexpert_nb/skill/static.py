"""Reading objects without running their code: only C descriptors of C classes are asked, never a user's property.

`type(x)`, the method resolution order, class and instance dictionaries are read through the interpreter's own slots,
which a user's `__getattribute__`, metaclass or `__class__` cannot intercept.
"""

import sys
from collections.abc import Mapping
from types import GetSetDescriptorType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import Any

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement, or by a C module that allows the same
_OF_A_CLASS: Mapping[str, Any] = vars(type)
_class_dict = _OF_A_CLASS["__dict__"].__get__
_mro = _OF_A_CLASS["__mro__"].__get__
_flags = _OF_A_CLASS["__flags__"].__get__
_module = _OF_A_CLASS["__module__"].__get__
_qualname = _OF_A_CLASS["__qualname__"].__get__


def bases_of(value: object) -> tuple[type, ...]:
    """Give the class of an object and its bases, in the order attributes are looked up."""
    bases: tuple[type, ...] = _mro(type(value))
    return bases


def type_name(value: object) -> str:
    """Name the class of an object with its module; builtins without."""
    cls = type(value)
    module, name = class_dict(cls).get("__module__"), _qualname(cls)
    if not _flags(cls) & _HEAP_TYPE:  # of a C class the name tells both
        module = _module(cls)
    known = [part for part in (module, name) if type(part) is str and part != "builtins"]
    return ".".join(known)


def class_named(module: str, name: str) -> type | None:
    """Give a class of a module that is loaded already; None if it is not. Nothing is imported."""
    loaded = sys.modules.get(module)
    found = vars(loaded).get(name) if type(loaded) is ModuleType else None
    return found if type in _mro(type(found)) else None


def c_attribute(value: object, name: str) -> Any:
    """Read an attribute that a C class of the object computes; None if no C class has it."""
    for cls in bases_of(value):
        found: Any = class_dict(cls).get(name)
        if type(found) in (GetSetDescriptorType, MemberDescriptorType) and not _flags(cls) & _HEAP_TYPE:
            return found.__get__(value)
    return None


def instance_dict(value: object) -> dict[str, Any]:
    """Give a copy of the attributes stored in an object; empty if it stores none."""
    for cls in bases_of(value):
        found: Any = class_dict(cls).get("__dict__")
        if type(found) is GetSetDescriptorType:
            stored: dict[str, Any] = dict.copy(found.__get__(value))
            return stored
    return {}


def class_dict(cls: type) -> MappingProxyType[str, Any]:
    """Give what is defined in the body of a class."""
    body: MappingProxyType[str, Any] = _class_dict(cls)
    return body
