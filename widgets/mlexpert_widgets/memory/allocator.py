"""Torch's own allocators: what tensors hold, what torch holds back, and how much of that lies in pieces.

Torch is not imported for it: where the notebook has not loaded it, there is nothing to read.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mlexpert_widgets.memory.source import Reading, UnavailableError

NOT_LOADED = "torch is not loaded"
REFUSALS = (RuntimeError, AssertionError, AttributeError, TypeError)  # what builds without a device answer with


class CudaAllocator:
    """The caching allocator of CUDA and ROCm."""

    name = "torch allocator"

    def read(self) -> Reading:
        """Read every device that torch has used.

        Raises:
            UnavailableError: This torch has no such device.
        """
        cuda = _torch().cuda
        try:
            if not cuda.is_available():
                raise UnavailableError(self._why_not())
            values: dict[str, float] = {}
            for index in range(cuda.device_count()):
                values[f"GPU {index} allocated"] = float(cuda.memory_allocated(index))
                values[f"GPU {index} reserved"] = float(cuda.memory_reserved(index))
        except REFUSALS as error:
            raise UnavailableError(f"torch does not tell: {type(error).__name__}: {error}") from None
        return Reading(values)

    def _why_not(self) -> str:
        torch = _torch()
        if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
            return f"this torch ({torch.__version__}) is built without CUDA"
        return f"this torch ({torch.__version__}) is built for GPUs and sees none"


class MpsAllocator:
    """The allocator of Apple's GPUs."""

    name = "MPS"

    def read(self) -> Reading:
        """Read it now.

        Raises:
            UnavailableError: There is no such device.
        """
        torch = _torch()
        try:
            if not torch.backends.mps.is_available():
                raise UnavailableError("no Apple GPU (MPS) is here")
            values = {
                "MPS allocated": float(torch.mps.current_allocated_memory()),
                "MPS driver": float(torch.mps.driver_allocated_memory()),
            }
            limit = float(torch.mps.recommended_max_memory())
        except REFUSALS as error:
            raise UnavailableError(f"torch does not tell: {type(error).__name__}: {error}") from None
        return Reading(values, {"MPS driver": limit})


def fragmentation(segments: Sequence[Mapping[str, Any]]) -> tuple[float, float, float]:
    """Give reserved bytes, free bytes among them, and the largest free block, of a snapshot's segments."""
    free = [
        float(block["size"])
        for segment in segments
        for block in segment.get("blocks", ())
        if block.get("state") == "inactive"
    ]
    return sum(float(each["total_size"]) for each in segments), sum(free), max(free, default=0.0)


def _torch() -> Any:
    torch = sys.modules.get("torch")
    if torch is None:
        raise UnavailableError(NOT_LOADED)
    return torch
