"""Whose memory it is: what each call of each module of a model adds, by hooks that are taken away again."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn


class Watch:
    """Counts what modules add: on a GPU the growth of what is allocated, else the bytes of what the layers give.

    The bytes of the outputs are what a training step must keep for its way back, short of what torch shares or frees.

    Attributes:
        peaks: The most bytes that one call of each module added, by its path.
    """

    def __init__(self, model: nn.Module) -> None:
        """Put hooks on every module of a model.

        Args:
            model: Any module.
        """
        self.peaks: dict[str, int] = {}
        self._open: list[list[int]] = []  # bytes given inside each module that is running, and allocated before it
        self._handles = []
        for path, module in model.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._enter))
            self._handles.append(module.register_forward_hook(self._leaver(path), always_call=True))

    def stop(self) -> None:
        """Take the hooks away; the peaks stay."""
        for each in self._handles:
            each.remove()
        self._handles = []

    def _enter(self, _module: nn.Module, _given: object) -> None:
        self._open.append([0, _allocated()])

    def _leaver(self, path: str) -> Any:
        def leave(module: nn.Module, _given: object, output: object) -> None:
            if not self._open:
                return
            inside, before = self._open.pop()
            leaf = next(module.children(), None) is None
            given = inside + (_bytes_in(output) if leaf else 0)
            added = max(0, _allocated() - before) if before or torch.cuda.is_available() else given
            self.peaks[path] = max(self.peaks.get(path, 0), added)
            if self._open:
                self._open[-1][0] += given

        return leave

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _allocated() -> int:
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


def _bytes_in(value: object) -> int:
    """Give the bytes of the tensors in nested tuples, lists and mappings."""
    total, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Tensor):
            total += each.numel() * each.element_size()
        elif isinstance(each, list | tuple):
            waiting.extend(each)
        elif isinstance(each, Mapping):
            waiting.extend(each.values())
    return total
