"""Torch's own allocators: what tensors hold, what torch holds back, and how much of that lies idle.

Torch is not imported for it, and no device is woken: where the program has not used one, there is nothing to read.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from mlexpert_widgets.memory.source import Reading, UnavailableError

NOT_LOADED = "torch is not loaded yet"
NOT_USED = "torch has not used a GPU yet"
REFUSALS = (RuntimeError, AssertionError, AttributeError, TypeError)  # what builds without a device answer with
Indices = Callable[[], Mapping[str, int]]


class CudaAllocator:
    """The caching allocator of CUDA and ROCm."""

    name = "torch allocator"

    def __init__(self, indices: Indices = dict) -> None:
        """Make a source.

        Args:
            indices: Gives the driver's index of each device by its identifier: torch counts only those it may use.
        """
        self._indices, self._names = indices, tuple[str, ...]()

    def read(self, *, thorough: bool) -> Reading:  # noqa: ARG002 - all of it is told at once
        """Read every device that torch may use.

        Args:
            thorough: Makes no difference here.

        Raises:
            UnavailableError: This torch has no such device, or has not used one yet.
        """
        torch = _torch()
        if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
            raise UnavailableError(f"this torch ({torch.__version__}) is built without CUDA")
        if not torch.cuda.is_initialized():
            raise UnavailableError(NOT_USED, retry_s=0)
        try:
            found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
            if len(self._names) != len(found):
                self._names = device_names([str(getattr(each, "uuid", "")) for each in found], self._indices())
            stats = [torch.cuda.memory_stats_as_nested_dict(index) for index in range(len(found))]
        except REFUSALS as error:
            raise UnavailableError(f"torch does not tell: {type(error).__name__}: {error}") from None
        totals = [float(each.total_memory) for each in found]
        return reading_of({name: told for name, *told in zip(self._names, stats, totals, strict=True)})


class MpsAllocator:
    """The allocator of Apple's GPUs."""

    name = "MPS"

    def read(self, *, thorough: bool) -> Reading:  # noqa: ARG002 - all of it is told at once
        """Read it now.

        Args:
            thorough: Makes no difference here.

        Raises:
            UnavailableError: There is no such device.
        """
        torch = _torch()
        try:
            if not torch.backends.mps.is_available():
                raise UnavailableError("no Apple GPU (MPS) is here")
            values = {
                "MPS driver": float(torch.mps.driver_allocated_memory()),
                "MPS allocated": float(torch.mps.current_allocated_memory()),
            }
            limit = float(torch.mps.recommended_max_memory())
        except REFUSALS as error:
            raise UnavailableError(f"torch does not tell: {type(error).__name__}: {error}") from None
        return Reading(values, {"MPS driver": limit})


def device_names(identifiers: list[str], indices: Mapping[str, int]) -> tuple[str, ...]:
    """Name torch's devices as the driver counts them; by torch's own count where it does not know them.

    Args:
        identifiers: Of torch's devices, in its order ("6a4b…" or "GPU-6a4b…").
        indices: The driver's index of each identifier ("GPU-6a4b…").
    """
    known = {name.removeprefix("GPU-").lower(): index for name, index in indices.items()}
    found = [known.get(each.removeprefix("GPU-").lower()) for each in identifiers]
    return tuple(f"cuda:{at}" if index is None else f"GPU {index}" for at, index in enumerate(found))


def reading_of(devices: Mapping[str, list[Any]]) -> Reading:
    """Give the reading of torch's statistics.

    Args:
        devices: Statistics (`memory_stats_as_nested_dict`) and total bytes of each device, by its name.
    """
    values, limits, peaks, percents = (dict[str, float]() for _ in range(4))
    for name, (stats, total) in devices.items():
        if not stats:
            continue
        for word in ("reserved", "allocated"):
            told = stats[f"{word}_bytes"]["all"]
            values[f"{name} {word}"], peaks[f"{name} {word}"] = float(told["current"]), float(told["peak"])
        limits[f"{name} reserved"] = total
        if values[f"{name} reserved"]:
            percents[f"{name} reserved, unused"] = 100 * (1 - values[f"{name} allocated"] / values[f"{name} reserved"])
    return Reading(values, limits, peaks, percents)


def _torch() -> Any:
    torch = sys.modules.get("torch")
    if getattr(torch, "version", None) is None or not hasattr(torch, "backends"):  # or is being imported right now
        raise UnavailableError(NOT_LOADED, retry_s=0)
    return torch
