"""NVIDIA GPUs by the driver's own library (NVML): each whole device, and what is known of the processes on it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlexpert_widgets.memory.process import system_total
from mlexpert_widgets.memory.source import Reading, UnavailableError

NO_LIBRARY = (
    "no NVIDIA driver library (libnvidia-ml.so.1) was found: there is no NVIDIA GPU here, or its driver is not "
    "installed, or the container was started without it (docker run --gpus all)"
)
NO_PACKAGE = "nvidia-ml-py is not installed; type: pip install nvidia-ml-py"
NOT_LOADED = "the NVIDIA driver is installed but not loaded; as root: modprobe nvidia"
NO_DEVICES = "the NVIDIA driver is loaded and sees no GPU"
UNTOLD = (
    "the driver does not tell what each process uses (a container, or no permission); the part of this process is at "
    "least what torch has reserved"
)
UNLISTED = (
    "this process is not among those that the driver lists: nothing of it is on the GPU, or this is a container, which "
    "has process numbers of its own; its part is at least what torch has reserved"
)


class Running(NamedTuple):
    """A process on a GPU; its bytes are None if the driver does not tell."""

    gpu: int
    pid: int
    num_bytes: float | None


@dataclass
class _Told:
    """What is told slowly of one device."""

    values: dict[str, float] = field(default_factory=dict)
    percents: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Nvml:
    """All NVIDIA GPUs."""

    name = "NVML"

    def __init__(self) -> None:
        self._library: Any = None
        self._slow: dict[int, _Told] = {}

    def read(self, *, thorough: bool) -> Reading:
        """Read every device; what cannot be read is a note, and the rest goes on.

        Args:
            thorough: Whether to ask also for processes and for how busy a device is, which takes a driver long.

        Raises:
            UnavailableError: There is no driver, or no device that can be read.
        """
        nvml = self._opened()
        values, limits, percents = (dict[str, float]() for _ in range(3))
        notes: list[str] = []
        for index in range(self._count(nvml)):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            except _errors(nvml) as error:
                notes.append(f"GPU {index}: {_said(nvml, error)}")
                continue
            values[f"GPU {index} used"] = float(memory.used)
            limits[f"GPU {index} used"] = _limit(index, float(memory.total), notes)
            if thorough or index not in self._slow:
                self._slow[index] = _slowly(nvml, index, handle)
            slow = self._slow[index]
            values |= slow.values
            percents |= slow.percents
            notes += slow.notes
        if not values:
            raise UnavailableError("; ".join(notes))
        return Reading(values, limits, percents=percents, notes=tuple(notes))

    def indices(self) -> Mapping[str, int]:
        """Give the index of each device by its identifier, which torch tells too; empty if there is no driver."""
        found = {}
        try:
            nvml = self._opened()
            for index in range(self._count(nvml)):
                found[str(nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetHandleByIndex(index)))] = index
        except UnavailableError:
            return {}
        except _errors(self._library):
            return found
        return found

    def others(self) -> Sequence[Running]:
        """List the other processes on all devices.

        Raises:
            UnavailableError: There is no driver, or no device.
        """
        nvml = self._opened()
        found: list[Running] = []
        for index in range(self._count(nvml)):
            try:
                running = nvml.nvmlDeviceGetComputeRunningProcesses(nvml.nvmlDeviceGetHandleByIndex(index))
            except _errors(nvml):
                continue
            found += [Running(index, each.pid, each.usedGpuMemory) for each in running if each.pid != os.getpid()]
        return found

    def _count(self, nvml: Any) -> int:
        try:
            count = int(nvml.nvmlDeviceGetCount())
        except _errors(nvml) as error:
            self._library = None  # opened anew the next time: another part of the program may have shut it
            raise UnavailableError(_said(nvml, error)) from None
        if not count:
            raise UnavailableError(NO_DEVICES)
        return count

    def _opened(self) -> Any:
        if self._library is None:
            try:
                import pynvml  # noqa: PLC0415 - opens the driver's library
            except ImportError:
                raise UnavailableError(NO_PACKAGE) from None
            try:
                pynvml.nvmlInit()
            except _errors(pynvml) as error:
                raise UnavailableError(_said(pynvml, error)) from None
            self._library = pynvml
        return self._library


def _limit(index: int, total: float, notes: list[str]) -> float:
    if total > 0:
        return total
    notes.append(f"GPU {index} has no memory of its own (its total is 0): it shares the system's, which is the limit")
    return system_total()


def _slowly(nvml: Any, index: int, handle: Any) -> _Told:
    told = _Told()
    _busy(nvml, index, handle, told)
    _own(nvml, index, handle, told)
    return told


def _busy(nvml: Any, index: int, handle: Any, told: _Told) -> None:
    try:
        told.percents[f"GPU {index} busy"] = float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except _errors(nvml) as error:
        told.notes.append(f"GPU {index}, how busy it is: {_said(nvml, error)}")


def _own(nvml: Any, index: int, handle: Any, told: _Told) -> None:
    try:
        running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except _errors(nvml) as error:
        told.notes.append(f"GPU {index}, processes: {_said(nvml, error)}")
        return
    mine = [each.usedGpuMemory for each in running if each.pid == os.getpid()]
    others = [each.usedGpuMemory for each in running if each.pid != os.getpid()]
    if None in mine or (None in others and not mine):
        told.notes.append(f"GPU {index}: {UNTOLD}")
        return
    if mine:
        told.values[f"GPU {index} this process"] = float(sum(mine))
    elif others:
        told.notes.append(f"GPU {index}: {UNLISTED}")
    known = [each for each in others if each is not None]
    if known:
        told.values[f"GPU {index} other processes"] = float(sum(known))


def _errors(nvml: Any) -> tuple[type[Exception], ...]:
    """Give what the library raises; for a function that an old driver lacks it is no `NVMLError`."""
    mismatch: type[Exception] = getattr(nvml, "NVMLLibraryMismatchError", nvml.NVMLError)
    return (nvml.NVMLError, mismatch)


def _said(nvml: Any, error: Any) -> str:
    """Give an error of the library as a sentence."""
    value = getattr(error, "value", nvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    known = {
        nvml.NVML_ERROR_LIBRARY_NOT_FOUND: NO_LIBRARY,
        nvml.NVML_ERROR_DRIVER_NOT_LOADED: NOT_LOADED,
        nvml.NVML_ERROR_UNINITIALIZED: "another part of the program has shut the driver's library; it is opened anew",
        nvml.NVML_ERROR_GPU_IS_LOST: "it is lost (it fell off the bus, or was taken out); a reboot brings it back",
        nvml.NVML_ERROR_FUNCTION_NOT_FOUND: "this driver is too old to tell; a newer one does",
        nvml.NVML_ERROR_NOT_SUPPORTED: "this GPU does not tell",
        nvml.NVML_ERROR_NO_PERMISSION: "no permission to ask; the driver's settings or the container forbid it",
        nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the driver's library and its kernel module are of two versions; "
        "after an update of the driver: reboot",
    }
    return known.get(value, f"the driver says: {error}")
