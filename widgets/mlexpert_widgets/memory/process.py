"""Memory of this process: its resident set, by one read of a file that stays open (Linux) or by psutil."""

import os
import weakref
from pathlib import Path

import psutil

from mlexpert_widgets.memory.source import Reading, UnavailableError

STATM, STATUS = Path("/proc/self/statm"), Path("/proc/self/status")
# what a container may use: of control groups version 2, then version 1
GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
NAME = "this process"


class ProcessMemory:
    """The resident set of this process."""

    name = "process"

    def __init__(self) -> None:
        total = system_total()
        self._total = min(total, group_limit(GROUP_LIMITS) or total)
        self._notes = ("the container's limit is less than this machine's memory",) if self._total < total else ()
        self._kernel = Kernel() if STATM.exists() else None
        self._process = psutil.Process()

    def read(self, *, thorough: bool) -> Reading:
        """Read it now.

        Args:
            thorough: Whether to ask for the peak too.

        Raises:
            UnavailableError: The system does not tell.
        """
        try:
            if self._kernel is None:
                return Reading({NAME: float(self._process.memory_info().rss)}, {NAME: self._total}, notes=self._notes)
            resident = float(self._kernel.resident())
            peaks = {NAME: float(self._kernel.peak())} if thorough else {}
        except (OSError, psutil.Error) as error:
            raise UnavailableError(f"the system does not tell: {type(error).__name__}: {error}") from None
        return Reading({NAME: resident}, {NAME: self._total}, peaks, notes=self._notes)


class Kernel:
    """Linux's own count of this process's pages, in files that stay open: a tenth of what psutil takes."""

    def __init__(self) -> None:
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._open()

    def resident(self) -> int:
        """Give the bytes of this process that are in memory."""
        if os.getpid() != self._pid:  # a fork: the files are still those of the parent
            self._close()
            self._open()
        return int(os.pread(self._statm, 128, 0).split()[1]) * self._page

    def peak(self) -> int:
        """Give the most that `resident` ever was; `getrusage` would tell that of the parent, if it was more."""
        told = os.pread(self._status, 4096, 0).partition(b"VmHWM:")[2]
        return 1024 * int(told.split(None, 1)[0]) if told else 0

    def _open(self) -> None:
        self._pid = os.getpid()
        self._statm, self._status = (os.open(each, os.O_RDONLY | os.O_CLOEXEC) for each in (STATM, STATUS))
        self._close = weakref.finalize(self, _close, self._statm, self._status)


def _close(*files: int) -> None:
    for each in files:
        os.close(each)


def group_limit(files: tuple[Path, ...]) -> float | None:
    """Give the bytes that the control group of this process may use; None if it has no limit.

    Args:
        files: Where the limit stands; the first that is there counts.
    """
    for file in files:
        try:
            text = file.read_text("ascii").strip()
        except OSError:
            continue
        return float(text) if text.isdigit() else None  # "max" is no limit
    return None


def system_total() -> float:
    """Give the memory of this machine in bytes."""
    return float(psutil.virtual_memory().total)
