"""What a network gives, as named tensors: a tensor, or a dataclass, mapping or tuple of them, however deep."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def named_tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Give every tensor of an output by its place in it: `logits`, `states.0`; a lone one is called `output`."""
    if isinstance(value, Tensor):
        yield name or "output", value
        return
    if is_dataclass(value) and not isinstance(value, type):
        parts = [(each.name, getattr(value, each.name)) for each in fields(value)]
    elif isinstance(value, Mapping):
        parts = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, (tuple, list)):
        parts = list(zip(getattr(value, "_fields", map(str, range(len(value)))), value, strict=True))
    else:
        return
    for key, each in parts:
        yield from named_tensors(each, f"{name}.{key}" if name else key)
