"""Whose memory it is: what each call of each module of a model takes, by hooks that are taken away again."""

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

FIRST, PERIOD_S = 3, 1.0  # calls of the model that are looked at in any case; then seconds from one to the next
PLAIN = frozenset((Tensor, nn.Parameter))  # what subclasses hold is theirs to know


class Watch:
    """Counts the memory that calls of modules take.

    On a GPU it is what torch's allocator has more than at the beginning of the call, seen whenever a module inside
    begins or ends. Elsewhere it is the bytes of the layers' outputs: with gradients all of them stay for the way back,
    without gradients only the largest counts. Both are of the forward pass. After the first few calls of the model only
    one a second is looked at, so that a training loop does not wait for it.

    Attributes:
        peaks: The most bytes that one call of each module took at any moment, by its path.
        added: The most bytes that one call of each module left behind, by its path.
    """

    def __init__(self, model: nn.Module) -> None:
        """Put hooks on every module of a model.

        Args:
            model: Any module.

        Raises:
            TypeError: It is something else.
        """
        if not isinstance(model, nn.Module):
            raise TypeError(f"the model is a torch module, not {type(model).__name__}")
        self.peaks: dict[str, int] = {}
        self.added: dict[str, int] = {}
        self._handles = []
        calls = _Calls(model, self._note)
        for path, module in model.named_modules():
            self._handles.append(module.register_forward_pre_hook(_Hook(calls.enter)))
            self._handles.append(module.register_forward_hook(_Hook(calls.leaver(path)), always_call=True))

    def stop(self) -> None:
        """Take the hooks away; the counts stay."""
        for each in self._handles:
            each.remove()
        self._handles = []

    def _note(self, path: str, peak: int, added: int) -> None:
        self.peaks[path] = max(self.peaks.get(path, 0), peak)
        self.added[path] = max(self.added.get(path, 0), added)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Hook:
    """A hook that stays behind when its module is copied or saved: copies are not watched."""

    def __init__(self, call: Callable[..., None]) -> None:
        self._call = call

    def __call__(self, *given: object) -> None:
        if not torch.compiler.is_compiling():  # a compiled model has no calls of modules
            self._call(*given)

    def __reduce__(self) -> tuple[Callable[[], Callable[..., None]], tuple[()]]:
        return _no_hook, ()


def _no_hook() -> Callable[..., None]:
    return _nothing


def _nothing(*_given: object) -> None:
    pass


class _Frame:
    """One call of a module that is running."""

    def __init__(self, seen: set[int], allocated: int) -> None:
        self.seen, self.before = seen, allocated
        self.peak, self.added, self.most = 0, 0, allocated


class _Calls:
    """The calls that are running, innermost last, in each thread."""

    def __init__(self, model: nn.Module, note: Callable[[str, int, int], None]) -> None:
        self._model, self._note, self._local = model, note, threading.local()
        self._looked, self._again = 0, 0.0

    def enter(self, module: nn.Module, given: object) -> None:
        """Begin a call."""
        if module is self._model or not hasattr(self._local, "open"):
            self._local.open = []  # what an interrupt left open is gone
        if not self._local.open:
            if self._looked >= FIRST and time.monotonic() < self._again:
                return
            self._looked, self._again = self._looked + 1, time.monotonic() + PERIOD_S
            self._local.devices = {each.device.index for each in self._model.parameters() if each.is_cuda}
        self._local.open.append(_Frame(set(_storages(given)), self._allocated()))

    def leaver(self, path: str) -> Callable[..., None]:
        """Give the hook that ends the calls of one module."""

        def leave(_module: nn.Module, _given: object, output: object) -> None:
            if not getattr(self._local, "open", None):
                return
            frame = self._local.open.pop()
            if self._local.devices:
                now = self._allocated()
                frame.most = max(frame.most, now)
                frame.peak, frame.added = frame.most - frame.before, max(0, now - frame.before)
            else:
                self._count_outputs(frame, output)
            self._note(path, frame.peak, frame.added)
            if self._local.open:
                self._pass_on(frame, self._local.open[-1])

        return leave

    def _count_outputs(self, frame: _Frame, output: object) -> None:
        own = _storages(output)
        new = sum(num for place, num in own.items() if place not in frame.seen)
        frame.seen |= own.keys()
        frame.added = frame.added + new if torch.is_grad_enabled() else new
        frame.peak = max(frame.peak, frame.added)

    def _pass_on(self, frame: _Frame, outer: _Frame) -> None:
        """Tell the call around one that has ended."""
        outer.most = max(outer.most, frame.most)
        if self._local.devices:
            return
        outer.peak = max(outer.peak, outer.added + frame.peak)
        if torch.is_grad_enabled():
            outer.added += frame.added
            outer.seen |= frame.seen

    def _allocated(self) -> int:
        stats = (torch.cuda.memory_stats_as_nested_dict(index) for index in self._local.devices)
        return sum(each["allocated_bytes"]["all"]["current"] for each in stats if each)


def _storages(value: object) -> dict[int, int]:
    """Give place and bytes of the memory of the tensors in nested tuples, lists and mappings.

    A tensor that has none of its own (meta, fake, sparse) counts as nothing.
    """
    found: dict[int, int] = {}
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if type(each) in PLAIN:
            _put(each, found)
        elif isinstance(each, tuple | list):
            waiting.extend(each)
        elif isinstance(each, Mapping):
            waiting.extend(each.values())
    return found


def _put(tensor: Any, found: dict[int, int]) -> None:
    if tensor.is_meta or tensor.layout is not torch.strided:
        return
    try:
        storage = tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):  # of vmap, grad and the like
        return
    found[storage.data_ptr()] = storage.nbytes()
