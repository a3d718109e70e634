"""Who holds memory where there is no caching allocator to ask (CPU, MPS): the tensors that Python knows."""

import gc
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlexpert_widgets.memory.snapshot import Holder

if TYPE_CHECKING:
    from torch import Tensor, nn


def holders_alive(variables: Mapping[str, object], model: "nn.Module | None") -> list[Holder]:
    """List the tensors that are alive, the largest first, one for each piece of memory.

    Args:
        variables: Those of the notebook, whose names are told.
        model: Its parameters and their gradients are told by path.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return []
    names = _names(torch, variables, model)
    found: dict[tuple[str, int], Holder] = {}
    for each in gc.get_objects():
        storage = _storage(torch, each)
        if storage is None or not storage.nbytes():
            continue
        place = (str(storage.device), storage.data_ptr())
        name, module = names.get(id(each), ("", ""))
        if place in found and not name:
            continue
        shape = "×".join(map(str, each.shape)) or "scalar"
        where = f"{name or 'a tensor'}: {shape} {str(each.dtype).removeprefix('torch.')}"
        found[place] = Holder(where, module, float(storage.nbytes()), 1)
    return sorted(found.values(), key=lambda each: -each.num_bytes)


def _storage(torch: Any, value: Any) -> Any:
    """Give the memory of an object that is a tensor with memory of its own."""
    if type(value) not in {torch.Tensor, torch.nn.Parameter} or value.is_meta or value.layout is not torch.strided:
        return None
    try:
        return value.untyped_storage()
    except (NotImplementedError, RuntimeError):  # of vmap, grad and the like
        return None


def _names(torch: Any, variables: Mapping[str, object], model: "nn.Module | None") -> dict[int, tuple[str, str]]:
    """Give name and module of tensors by their identity: variables, and what the models among them hold."""
    found: dict[int, tuple[str, str]] = {}
    for name, value in list(variables.items()):
        if name.startswith("_"):
            continue
        if isinstance(value, torch.nn.Module) and value is not model:
            found |= {id(each): (f"{name}.{path}", "") for path, _, each in _held(value)}
        elif isinstance(value, torch.Tensor):
            found[id(value)] = (name, "")
    if model is not None:
        found |= {id(each): (path, owner or "(model)") for path, owner, each in _held(model)}
    return found


def _held(model: "nn.Module") -> Iterator[tuple[str, str, "Tensor"]]:
    """Give path, module and tensor of parameters, their gradients, and buffers."""
    for path, each in model.named_parameters():
        yield path, path.rpartition(".")[0], each
        if each.grad is not None:
            yield f"gradient of {path}", path.rpartition(".")[0], each.grad
    for path, buffer in model.named_buffers():
        yield path, path.rpartition(".")[0], buffer
