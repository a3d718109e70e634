"""How much memory operations hold at once, on a CPU, where no allocator tells."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """Follows every tensor that operations make inside, until nobody holds it.

    Attributes:
        peak: Most bytes that were held at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of torch
        self.peak: int = 0
        self._held: dict[int, int] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Leave torch's compiler alone, which would be loaded just to be told to skip this."""
        return False

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation and count what is new in its result."""
        del types
        known = {_key(each) for each in tree_leaves((args, dict(kwargs or {}))) if isinstance(each, Tensor)}
        result = func(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if isinstance(each, Tensor) and _key(each) not in known:
                self._follow(each.untyped_storage())
        self.peak = max(self.peak, sum(self._held.values()))
        return result

    def _follow(self, storage: torch.UntypedStorage) -> None:
        address = storage.data_ptr()
        if storage.nbytes() and address not in self._held:
            self._held[address] = storage.nbytes()
            weakref.finalize(storage, self._held.pop, address, None)


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
