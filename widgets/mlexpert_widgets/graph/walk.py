"""The modules of a model in order, with parents, parameters and buffers; no recursion, and nothing runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import Tensor, nn

UNINITIALIZED = (nn.parameter.UninitializedParameter, nn.parameter.UninitializedBuffer)


@dataclass(slots=True)
class Entry:
    """One module and what is found out about it.

    Attributes:
        index: Its place in the order of `named_modules()`.
        path: Its name there; empty for the model itself.
        name: The last part of the path.
        module: The module.
        parent: Index of its parent; -1 for the model.
        children: Indices of its children.
        own: Number of its own parameters, without those of its children.
        total: Number of parameters under it, each counted once.
        trainable: Those of them that are trained.
        tied: Own parameters that an earlier module has too: their names, and that module's path.
        num_bytes: Bytes of the parameters and buffers under it, each counted once.
        calls: How often it ran.
        order: Its place in the order of first calls, that of its first child if only children ran; -1 if none did.
        inputs: What it was given in its first call: shape and dtype of each tensor.
        outputs: What it gave in its first call.
        flops: Floating point operations of its own code and of a leaf, over all calls.
        activation_bytes: Bytes of what it gave, over all calls.
        failed: First line of the error that it stopped with.
    """

    index: int
    path: str
    name: str
    module: nn.Module
    parent: int
    children: list[int] = field(default_factory=list)
    own: int = 0
    total: int = 0
    trainable: int = 0
    tied: dict[str, str] = field(default_factory=dict)
    num_bytes: int = 0
    calls: int = 0
    order: int = -1
    inputs: tuple["Spec", ...] = ()
    outputs: tuple["Spec", ...] = ()
    flops: int = 0
    activation_bytes: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of one tensor."""

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return "×".join(map(str, self.shape)) or "scalar"


def walk(model: nn.Module) -> list[Entry]:
    """List the modules, the model first, in the order of `named_modules()`; a shared one under its first name."""
    entries: list[Entry] = []
    for parent, name, module in _visit(model, entries):
        path = f"{entries[parent].path}.{name}" if parent > 0 else name
        entry = Entry(len(entries), path, name, module, parent)
        entries.append(entry)
        if parent >= 0:
            entries[parent].children.append(entry.index)
    _count(entries)
    return entries


def _visit(model: nn.Module, entries: list[Entry]) -> Iterator[tuple[int, str, nn.Module]]:
    seen = {id(model)}
    waiting = [(-1, "", model)]
    while waiting:
        parent, name, module = waiting.pop()
        if parent >= 0 and id(module) in seen:
            continue
        seen.add(id(module))
        yield parent, name, module
        here = len(entries) - 1
        waiting.extend((here, key, each) for key, each in reversed(module._modules.items()) if each is not None)  # noqa: SLF001 - named_children() skips a module's second name and is slower


def _count(entries: list[Entry]) -> None:
    """Count parameters and bytes of every subtree, each tensor once, however many modules have it."""
    owners: dict[int, tuple[Tensor, list[int]]] = {}
    for entry in entries:
        for name, tensor in (*entry.module._parameters.items(), *entry.module._buffers.items()):  # noqa: SLF001 - without the walk into children
            if tensor is None or isinstance(tensor, UNINITIALIZED):
                continue
            known = owners.setdefault(id(tensor), (tensor, []))[1]
            if isinstance(tensor, nn.Parameter):
                entry.own += tensor.numel()
                if known and known[0] != entry.index:
                    entry.tied[name] = entries[known[0]].path
            if entry.index not in known:
                known.append(entry.index)
                _add(entry, tensor, 1)
    for entry in reversed(entries[1:]):
        parent = entries[entry.parent]
        parent.total += entry.total
        parent.trainable += entry.trainable
        parent.num_bytes += entry.num_bytes
    for tensor, sharing in owners.values():
        if len(sharing) > 1:
            _count_once(entries, tensor, sharing)


def _count_once(entries: list[Entry], tensor: Tensor, sharing: list[int]) -> None:
    """Take a shared tensor out of the subtrees that counted it several times."""
    met: dict[int, int] = {}
    for index in sharing:
        at = index
        while at >= 0:
            met[at] = met.get(at, 0) + 1
            at = entries[at].parent
    for at, times in met.items():
        _add(entries[at], tensor, 1 - times)


def _add(entry: Entry, tensor: Tensor, times: int) -> None:
    entry.num_bytes += times * tensor.numel() * tensor.element_size()
    if isinstance(tensor, nn.Parameter):
        entry.total += times * tensor.numel()
        entry.trainable += times * tensor.numel() * tensor.requires_grad
