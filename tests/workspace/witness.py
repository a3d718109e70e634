"""Ways to see what really happened: every byte below a folder, and a process that may die."""

import os
import stat
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from mlexpert_nb.errors import MLExpertError

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in memory, where there is one
TEMPORARY = Path("/tmp")  # noqa: S108 - the place that must be left clean


def look(folder: Path, *, times: bool = False) -> dict[str, tuple[object, ...]]:
    """Give everything below a folder: kind, permissions and bytes of each path, and on request when it changed."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        held = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        when = status.st_mtime_ns if times else None
        seen[path.relative_to(folder).as_posix()] = (stat.filemode(status.st_mode), held, when)
    return seen


def in_child(action: Callable[[], object]) -> int:
    """Run an action in a forked process; give its exit code, minus the signal that killed it, or 99 for a surprise."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            action()
            code = 0
        except KeyboardInterrupt:
            code = 130
        except MLExpertError as error:
            code = error.exit_code
        except BaseException:  # noqa: BLE001 - a forked test must never return into pytest
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def alive(folder: Path) -> list[int]:
    """Find the processes that run in a folder, as this process space numbers them."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == folder:
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def end_of(folder: Path, patience_s: float) -> list[int]:
    """Wait until no process runs in a folder any more; give those that still do."""
    deadline = time.monotonic() + patience_s
    while (left := alive(folder)) and time.monotonic() < deadline:
        time.sleep(0.005)
    return left
