"""The small process between us and a command: sets its limits, waits for it, tells how it ended.

Run by path with `python -I -S`, so it imports nothing but the standard library. It also holds the end of a pipe whose
other end is ours: when we are gone, however that came about, it takes the whole process group with it.

Arguments: a JSON object {"limits": {"RLIMIT_AS": bytes, ...}, "report": fd, "lifeline": fd}, then the command.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

MARK = "MLEXPERT_CHILD"  # a variable in the environment of a command and all its descendants
NOT_STARTED = 127


def main() -> NoReturn:
    """Run the command that the arguments name, report its wait status and processor time, and end."""
    order, command = json.loads(sys.argv[1]), sys.argv[2:]
    for descriptor in (order["report"], order["lifeline"]):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the call takes no names; the command must reach neither
    woken = _wake_on_exit()
    child = os.fork()
    if child == 0:
        _become(order["limits"], command)
    status = _wait(child, order["lifeline"], woken)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = {"exit_code": os.waitstatus_to_exitcode(status), "cpu_s": used.ru_utime + used.ru_stime}
    os.write(order["report"], json.dumps(report).encode())
    os._exit(0)


def kill_marked(mark: str) -> None:
    """Kill every other process with this mark, also one that left the process group; again until there is none."""
    sought, found = f"{MARK}={mark}".encode(), True
    while found:
        found = False
        for file in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if int(file.parent.name) != os.getpid() and sought in file.read_bytes():
                    os.kill(int(file.parent.name), signal.SIGKILL)
                    found = True


def _wake_on_exit() -> int:
    """Give a file descriptor that becomes readable when a child ends."""
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _become(limits: dict[str, int], command: list[str]) -> NoReturn:
    for each in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(each, signal.SIG_DFL)
    try:
        for name, value in limits.items():
            _limit(getattr(resource, name), value)
        os.execv(command[0], command)  # noqa: S606 - becoming the command is what a launcher is for
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(NOT_STARTED)


def _limit(kind: int, value: int) -> None:
    """Lower a limit; the hard one is a second above the soft one, so that SIGXCPU comes before SIGKILL."""
    _, hard = resource.getrlimit(kind)
    most = value + (kind == resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or hard > most:
        hard = most
    resource.setrlimit(kind, (min(value, hard), hard))


def _wait(child: int, lifeline: int, woken: int) -> int:
    """Wait for the command, reaping whatever else ends; end everything if our parent is gone."""
    while True:
        ready: list[Any] = select.select([lifeline, woken], [], [])[0]
        if lifeline in ready:
            kill_marked(os.environ[MARK])
            os.killpg(0, signal.SIGKILL)
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 512)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == child:
                return status
            if pid == 0:
                break


if __name__ == "__main__":
    main()
