"""NVIDIA GPUs by the driver's own library (NVML): each whole device, and what is known of the processes on it."""

import os
from types import ModuleType
from typing import Any

from mlexpert_widgets.memory.process import system_total
from mlexpert_widgets.memory.source import Reading, UnavailableError

NO_LIBRARY = (
    "no NVIDIA driver library (libnvidia-ml.so.1) was found: there is no NVIDIA GPU here, or its driver is not "
    "installed, or the container was started without it (docker run --gpus all)"
)
NOT_LOADED = "the NVIDIA driver is installed but not loaded; as root: modprobe nvidia"
NO_DEVICES = "the NVIDIA driver is loaded and sees no GPU"
UNTOLD = "the driver does not tell what each process uses (a container, or no permission)"


class Nvml:
    """All NVIDIA GPUs."""

    name = "NVML"

    def __init__(self) -> None:
        self._library: ModuleType | None = None

    def read(self) -> Reading:
        """Read every device; one that cannot be read is a note, and the others go on.

        Raises:
            UnavailableError: There is no driver, or no device.
        """
        nvml = self._opened()
        values: dict[str, float] = {}
        limits: dict[str, float] = {}
        notes: list[str] = []
        try:
            count = nvml.nvmlDeviceGetCount()
        except _errors(nvml) as error:
            raise UnavailableError(_said(nvml, error)) from None
        if not count:
            raise UnavailableError(NO_DEVICES)
        for index in range(count):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            except _errors(nvml) as error:
                notes.append(f"GPU {index}: {_said(nvml, error)}")
                continue
            values[f"GPU {index} used"] = float(memory.used)
            limits[f"GPU {index} used"] = _limit(index, float(memory.total), notes)
            own = _own(nvml, index, handle, notes)
            if own is not None:
                values[f"GPU {index} this process"] = own
        if not values:
            raise UnavailableError("; ".join(notes))
        return Reading(values, limits, tuple(notes))

    def processes(self) -> list[tuple[int, int, float | None]]:
        """List device, process id and bytes (None if the driver does not tell) of every process on a GPU.

        Raises:
            UnavailableError: There is no driver.
        """
        nvml = self._opened()
        found = []
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                running = nvml.nvmlDeviceGetComputeRunningProcesses(nvml.nvmlDeviceGetHandleByIndex(index))
            except _errors(nvml):
                continue
            found += [(index, each.pid, each.usedGpuMemory) for each in running]
        return found

    def _opened(self) -> Any:
        if self._library is None:
            try:
                import pynvml  # noqa: PLC0415 - opens the driver's library
            except ImportError:
                raise UnavailableError("nvidia-ml-py is not installed; type: pip install nvidia-ml-py") from None
            try:
                pynvml.nvmlInit()
            except pynvml.NVMLError as error:
                raise UnavailableError(_said(pynvml, error)) from None
            self._library = pynvml
        return self._library


def _limit(index: int, total: float, notes: list[str]) -> float:
    if total > 0:
        return total
    notes.append(f"GPU {index} has no memory of its own (its total is 0): it shares the system's, which is the limit")
    return system_total()


def _own(nvml: Any, index: int, handle: Any, notes: list[str]) -> float | None:
    try:
        running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except _errors(nvml) as error:
        notes.append(f"GPU {index}, processes: {_said(nvml, error)}")
        return None
    mine = [each.usedGpuMemory for each in running if each.pid == os.getpid()]
    if any(each.usedGpuMemory is None for each in running) or None in mine:
        notes.append(f"GPU {index}: {UNTOLD}")
    return float(sum(each for each in mine if each is not None)) if mine and None not in mine else None


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
        nvml.NVML_ERROR_GPU_IS_LOST: "it is lost (it fell off the bus, or was taken out); a reboot brings it back",
        nvml.NVML_ERROR_FUNCTION_NOT_FOUND: "this driver is too old to tell; a newer one does",
        nvml.NVML_ERROR_NOT_SUPPORTED: "this GPU does not tell",
        nvml.NVML_ERROR_NO_PERMISSION: "no permission to ask; the driver's settings or the container forbid it",
        nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the driver's library and its kernel module are of two versions; "
        "after an update of the driver: reboot",
    }
    return known.get(value, f"the driver says: {error}")
