"""Memory of this process: its resident set, by one read of a small file (Linux) or by psutil."""

import os
from pathlib import Path

import psutil

from mlexpert_widgets.memory.source import Reading

STATM = Path("/proc/self/statm")


class ProcessMemory:
    """The resident set of this process."""

    name = "process"

    def __init__(self) -> None:
        self._total = float(psutil.virtual_memory().total)
        self._page = os.sysconf("SC_PAGE_SIZE") if STATM.exists() else 0
        self._process = None if self._page else psutil.Process()

    def read(self) -> Reading:
        """Read it now."""
        return Reading({"this process": self._resident()}, {"this process": self._total})

    def _resident(self) -> float:
        if self._process is not None:
            return float(self._process.memory_info().rss)
        return resident_pages() * self._page


def resident_pages() -> int:
    """Give the resident pages of this process, from the kernel's own count; a tenth of what psutil takes."""
    file = os.open(STATM, os.O_RDONLY)
    try:
        return int(os.read(file, 128).split()[1])
    finally:
        os.close(file)


def system_total() -> float:
    """Give the memory of this machine in bytes."""
    return float(psutil.virtual_memory().total)
