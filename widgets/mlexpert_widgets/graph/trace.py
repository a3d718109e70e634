"""One run of a model that finds out what its modules are given, give and cost, and leaves the model as it was.

While it lasts, every call of a module of this model in this thread goes through `_Trace.call`. A layer that is known
(`leaves.py`) does not run: its shape comes from its rule. Everything else runs, without gradients and in evaluation
mode; what happens in a module's own code is seen by a dispatch mode, which counts it and follows what flows where.
"""

import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from mlexpert_widgets.graph.leaves import RULES, recurrent_flops
from mlexpert_widgets.graph.walk import Entry, Spec

MOST_ORIGINS = 4  # of one tensor: in a long residual stream everything flows into everything
DEEP = 150  # levels of modules that Python's own stack is good for
STACK_BYTES = 1 << 29
NEEDS_VALUES = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "multinomial"}
FLASH_CPU = "_scaled_dot_product_flash_attention_for_cpu"
_ONE_AT_A_TIME = threading.Lock()  # nn.Module has one __call__


class NeedsValuesError(Exception):
    """The model's code looks at values, which are not there while known layers do not run."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a run found beside the entries.

    Attributes:
        edges: From which module to which, as indices. From a container to its child is from what the container was
            given, and from a child to its container into what it gave; all others are between children of one.
        error: What the run stopped with; None if it went through.
    """

    edges: tuple[tuple[int, int], ...]
    error: BaseException | None


def trace(entries: Sequence[Entry], arguments: tuple[Any, ...], named: Mapping[str, Any], *, rules: bool) -> Flow:
    """Run the model of `entries` once and write into them what was found.

    Args:
        entries: What `walk` gave.
        arguments: Positional arguments of the call.
        named: Named arguments of the call.
        rules: Whether known layers are left out and only their shapes are worked out.
    """
    found = _Trace(entries, rules=rules)
    depth = _depth(entries)
    run: Callable[[], None] = lambda: found.run(arguments, named)  # noqa: E731 - what a thread needs
    with _ONE_AT_A_TIME:
        if depth <= DEEP:
            run()
        else:
            _deep(run, depth)
    return Flow(tuple(found.edges), found.error)


def _depth(entries: Sequence[Entry]) -> int:
    depths = [0] * len(entries)
    for entry in entries[1:]:
        depths[entry.index] = depths[entry.parent] + 1
    return max(depths)


def _deep(run: Callable[[], None], depth: int) -> None:
    """Run on a thread with room for calls nested this deep."""
    limit, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
    try:
        sys.setrecursionlimit(max(limit, 12 * depth + 2000))
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


class _Trace:
    """The state of one run."""

    def __init__(self, entries: Sequence[Entry], *, rules: bool) -> None:
        self.entries, self.rules = entries, rules
        self.known = {id(entry.module): entry for entry in entries}
        self.edges: dict[tuple[int, int], None] = {}
        self.error: BaseException | None = None
        self.stack: list[Entry] = []
        self.needs_values, self.started = False, 0
        self._origins: dict[int, tuple[weakref.ref[Tensor], tuple[int, ...]]] = {}
        self._blank: dict[tuple[Any, ...], Tensor] = {}
        self._thread = 0
        self._original: Callable[..., Any] = nn.Module.__call__

    def run(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        self._thread = threading.get_ident()
        model = self.entries[0].module
        try:
            with ExitStack() as stack:
                for each in (torch.no_grad(), _untouched(self.entries), _calls(self.call), _Dispatch(self)):
                    stack.enter_context(each)
                arguments, named = _copied((arguments, dict(named)))
                model(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - whatever the user's model raises is what is to be told
            self.error = NeedsValuesError("its code looks at values") if self.needs_values else error

    def call(self, module: nn.Module, /, *arguments: Any, **named: Any) -> Any:
        """Stand in for `nn.Module.__call__`."""
        entry = self.known.get(id(module))
        if entry is None or threading.get_ident() != self._thread:
            return self._original(module, *arguments, **named)
        given = tensors_in((arguments, named) if named else arguments)
        if not entry.calls:
            entry.inputs = tuple(spec(each) for each in given)
            entry.order = self.started
            self.started += 1
        entry.calls += 1
        known = [(each, self.origins(each)) for each in given]
        for each, origins in known:
            self.flow(origins, entry.index)
            if entry.children:
                self.remember(each, (entry.index,))
        output = self._output(entry, given, arguments, named)
        made = tensors_in(output)
        if entry.children:
            for each in made:
                self.flow(self.origins(each), entry.index)
            for each, origins in known:
                self.remember(each, origins)
        if entry.calls == 1:
            entry.outputs = tuple(spec(each) for each in made)
        for each in made:
            entry.activation_bytes += each.numel() * each.element_size()
            self.remember(each, (entry.index,))
        return output

    def _output(self, entry: Entry, given: Sequence[Tensor], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        module = entry.module
        rule = RULES.get(type(module)) if self.rules and len(arguments) == 1 and not named and given else None
        if rule and not (module._forward_hooks or module._forward_pre_hooks) and "forward" not in module.__dict__:  # noqa: SLF001 - a user's hook may change what comes out
            worked_out = rule(module, given[0])
            if worked_out:
                entry.flops += worked_out[1]
                return self._made(module, given[0], worked_out[0])
        if isinstance(module, nn.RNNBase) and given:
            entry.flops += recurrent_flops(module, getattr(given[0], "data", given[0]))
        self.stack.append(entry)
        try:
            return self._original(module, *arguments, **named)
        except Exception as error:
            if not any(each.failed for each in self.entries[entry.index :]) and not self.needs_values:
                entry.failed = f"{type(error).__name__}: {first_line(error)}"
            raise
        finally:
            self.stack.pop()

    def _made(self, module: nn.Module, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Give a tensor of zeros; all of one kind share their memory, and each is an object of its own."""
        dtype = module.weight.dtype if isinstance(module, nn.Embedding) else x.dtype
        device = module.weight.device if isinstance(module, nn.Embedding) else x.device
        kind = (shape, dtype, device)
        with torch._C._DisableTorchDispatch():  # noqa: SLF001 - not to be seen by `_Dispatch`, and 4 µs cheaper
            if kind not in self._blank:
                self._blank[kind] = torch.zeros(shape, dtype=dtype, device=device)
            return self._blank[kind].data

    def remember(self, tensor: Tensor, origins: tuple[int, ...]) -> None:
        """Note which modules a tensor comes from."""
        self._origins[id(tensor)] = (weakref.ref(tensor), origins)

    def origins(self, tensor: Tensor) -> tuple[int, ...]:
        """Give the modules that a tensor comes from, the newest last."""
        known = self._origins.get(id(tensor))
        return known[1] if known and known[0]() is tensor else ()

    def flow(self, origins: tuple[int, ...], to: int) -> None:
        """Note an edge from each origin."""
        for origin in origins:
            if origin != to:
                self.edges[(origin, to)] = None

    def operation(self, function: Any, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        """Count an operation of a module's own code, and follow what flows through it."""
        if self.stack and not isinstance(self.stack[-1].module, nn.RNNBase):
            self.stack[-1].flops += _flops(function, arguments, named, output)
        origins: dict[int, None] = {}
        for each in tensors_in(arguments):
            origins |= dict.fromkeys(self.origins(each))
        newest = tuple(origins)[-MOST_ORIGINS:]
        for each in tensors_in(output):
            self.remember(each, newest)


class _Dispatch(TorchDispatchMode):
    """Sees every operation that runs."""

    def __init__(self, found: _Trace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        self._found = found

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first operation imports the compiler, 1.3 s and 80 MB

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._found.rules and func._schema.name.removeprefix("aten::") in NEEDS_VALUES:  # noqa: SLF001 - torch has no public name
            self._found.needs_values = True
            raise NeedsValuesError
        output = func(*args, **(kwargs or {}))
        self._found.operation(func, args, kwargs or {}, output)
        return output


def _flops(function: Any, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> int:
    packet = function._overloadpacket  # noqa: SLF001 - the key of torch's own registry
    if packet in flop_registry:
        return int(flop_registry[packet](*arguments, **named, out_val=output))
    if packet.__name__ == FLASH_CPU:
        return int(sdpa_flop_count(*(each.shape for each in arguments[:3])))
    return 0


@contextmanager
def _calls(call: Callable[..., Any]) -> Iterator[None]:
    """Have every call of a module go through `call`."""

    def through(module: nn.Module, /, *arguments: Any, **named: Any) -> Any:
        return call(module, *arguments, **named)

    original = nn.Module.__call__
    nn.Module.__call__ = through  # type: ignore[method-assign]  # put back below; cheaper than a hook on each module
    try:
        yield
    finally:
        nn.Module.__call__ = original  # type: ignore[method-assign]  # see above


@contextmanager
def _untouched(entries: Sequence[Entry]) -> Iterator[None]:
    """Run in evaluation mode and put back what a run may change: mode, buffers, random state, the fast path."""
    modes = [entry.module.training for entry in entries]
    buffers = [each for entry in entries for each in entry.module._buffers.values() if each is not None]  # noqa: SLF001 - without a walk
    kept = [(each, each._version, None if each.is_meta else each.detach().clone()) for each in buffers]  # noqa: SLF001 - tells a change without comparing
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it would hide the layers inside
    for entry in entries:
        entry.module.__dict__["training"] = False
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_available() else []):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for entry, mode in zip(entries, modes, strict=True):
            entry.module.__dict__["training"] = mode
        for buffer, version, copy in kept:
            if copy is not None and buffer._version != version:  # noqa: SLF001 - see above
                buffer.copy_(copy)


def tensors_in(value: Any) -> list[Tensor]:
    """List the tensors in nested tuples, lists, mappings and dataclasses, in order."""
    if isinstance(value, Tensor):
        return [value]
    found, waiting = [], [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Tensor):
            found.append(each)
        elif isinstance(each, list | tuple):
            waiting.extend(reversed(each))
        elif isinstance(each, Mapping):
            waiting.extend(reversed(list(each.values())))
        elif is_dataclass(each) and not isinstance(each, type):
            waiting.extend(getattr(each, field.name) for field in reversed(fields(each)))
    return found


def _copied(value: Any) -> Any:
    """Copy the tensors of the arguments, since a model may write into them."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_copied, value))
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value))
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return value


def spec(tensor: Tensor) -> Spec:
    """Give shape and dtype."""
    return Spec(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


def first_line(error: BaseException) -> str:
    """Give the first line of what an error says."""
    return (str(error).strip().splitlines() or ["no message"])[0][:300]
