"""One child process from start to end: spawn, listen, and leave nothing of it running."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.workspace.folders import temporary_folder, undisturbed
from mlexpert_nb.workspace.launcher import MARK, kill_marked
from mlexpert_nb.workspace.output import Capture
from mlexpert_nb.workspace.paths import real
from mlexpert_nb.workspace.problems import explained
from mlexpert_nb.workspace.surroundings import environment, homes, needed_by_python
from mlexpert_nb.workspace.walls import PREFIXES, STATEMENTS, Level, Walls, gpu_devices

LAUNCHER = Path(__file__).with_name("launcher.py")
_GRACE_S = 1.0  # for the last output of processes that were just killed
_CHUNK = 65536
_SIGNALLED = 128  # bubblewrap adds this to the number of a signal


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Limits of one child; `cpu_s`, `memory_bytes` and `file_bytes` hold for each of its processes."""

    timeout_s: float = 600.0
    cpu_s: int = 600
    memory_bytes: int = 16 * 2**30
    file_bytes: int = 2**30
    processes: int = 4096


@dataclass(frozen=True, slots=True)
class ChildResult:
    """How a child ended.

    Attributes:
        exit_code: Of the program; minus the number of the signal that ended it.
        stdout: What it printed; the middle of a very long output is left out.
        stderr: Likewise.
        elapsed_s: Seconds from start to end.
        cpu_s: Processor seconds of all its processes; 0 if it was killed.
        timed_out: It was killed because its time was over.
        isolation: What kept it in, in plain words.
    """

    exit_code: int
    stdout: str
    stderr: str
    elapsed_s: float
    cpu_s: float
    timed_out: bool
    isolation: str


@dataclass(frozen=True, slots=True)
class Child:
    """What to run, and within which limits."""

    command: tuple[str, ...]
    cwd: Path
    writable: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    limits: ChildLimits = field(default_factory=ChildLimits)
    on_line: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class _Pipes:
    """The ends of the two pipes between us and the launcher: we keep `report` and `lifeline`, it gets the others."""

    report: IO[bytes]
    report_end: IO[bytes]
    lifeline: IO[bytes]
    lifeline_end: IO[bytes]


def run(child: Child, level: Level) -> ChildResult:
    """Run a command to its end behind the walls of one level.

    Raises:
        EnvironmentProblem: The program or the level's tool is not there, or the walls could not be built.
    """
    with ExitStack() as stack:
        mark = uuid.uuid4().hex
        started = time.monotonic()
        with explained(child.cwd):
            private = stack.enter_context(temporary_folder("mlx-"))  # a short name: sockets in it must fit 108 bytes
            pipes = _pipes(stack)
            process = _spawn(child, level, private, pipes, mark)
        stop = partial(_stop, process, level, mark)
        stack.callback(_close, process)
        stack.callback(undisturbed, stop)
        pipes.report_end.close()
        pipes.lifeline_end.close()
        captures = (Capture(child.on_line), Capture(child.on_line))
        report = _listen(process, captures, pipes.report, started + child.limits.timeout_s)
        elapsed_s = time.monotonic() - started
        stop()
        _listen(process, captures, None, time.monotonic() + _GRACE_S)
        for capture in captures:
            capture.finish()
        stdout, stderr = (capture.text for capture in captures)
        exit_code, cpu_s = _ending(report, process.returncode, stderr)
        return ChildResult(exit_code, stdout, stderr, elapsed_s, cpu_s, report is None, STATEMENTS[level])


def _pipes(stack: ExitStack) -> _Pipes:
    report, lifeline = os.pipe(), os.pipe()
    ends = ((report[0], "rb"), (report[1], "wb"), (lifeline[1], "wb"), (lifeline[0], "rb"))
    return _Pipes(*(stack.enter_context(os.fdopen(end, mode, buffering=0)) for end, mode in ends))


def _spawn(child: Child, level: Level, private: Path, pipes: _Pipes, mark: str) -> subprocess.Popen[bytes]:
    home, scratch = private / "home", private / "tmp"
    home.mkdir()
    scratch.mkdir()
    env = environment(os.environ, home, scratch, child.env) | {MARK: mark}
    program = shutil.which(child.command[0], path=env["PATH"])
    if program is None:
        raise EnvironmentProblem(f"{child.command[0]!r} is not installed or not on PATH; install it and run again")
    walls = Walls(
        folder=child.cwd,
        writable=(*child.writable, home, scratch),
        scratch=scratch,
        needed=(*needed_by_python(), Path(program), real(Path(program))),
        hidden=homes(os.environ),
    )
    ends = {"report": pipes.report_end.fileno(), "lifeline": pipes.lifeline_end.fileno()}
    order = json.dumps({"limits": _rlimits(child.limits), **ends})
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), order, program, *child.command[1:]]
    try:
        return subprocess.Popen(
            [*PREFIXES[level](walls), *launcher],
            cwd=child.cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal reaches us alone, and we decide
            pass_fds=tuple(ends.values()),
        )
    except OSError as error:
        raise EnvironmentProblem(
            f"{child.command[0]!r} could not be started: {error}; repair it and run again"
        ) from error


def _rlimits(limits: ChildLimits) -> dict[str, int]:
    """Name the kernel's limits; CUDA reserves address space without using it, so with a GPU only data is counted."""
    memory = ("RLIMIT_DATA",) if gpu_devices() else ("RLIMIT_DATA", "RLIMIT_AS")
    return {
        **dict.fromkeys(memory, limits.memory_bytes),
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_CORE": 0,
    }


def _listen(
    process: subprocess.Popen[bytes], captures: Sequence[Capture], report: IO[bytes] | None, deadline: float
) -> bytes | None:
    """Read output until the report is complete, or without one until all output is read; None if time is over."""
    said = b""
    with selectors.DefaultSelector() as selector:
        for stream, capture in zip((process.stdout, process.stderr), captures, strict=True):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, capture)
        if report:
            selector.register(report, selectors.EVENT_READ, None)
        while selector.get_map():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            for key, _ in selector.select(left_s):
                data = os.read(key.fd, _CHUNK)
                if key.data:
                    key.data.feed(data)
                elif data:
                    said += data
                else:
                    return said
                if not data:
                    selector.unregister(key.fileobj)
    return said


def _ending(report: bytes | None, returncode: int, stderr: str) -> tuple[int, float]:
    """Give the exit code and the processor seconds; without the launcher's word, from how the outermost tool ended."""
    if report:
        told = json.loads(report)
        return told["exit_code"], told["cpu_s"]
    if report is None or returncode < 0 or returncode > _SIGNALLED:
        return -signal.SIGKILL, 0.0
    lines = stderr.strip().splitlines() or [f"exit code {returncode}"]
    raise EnvironmentProblem(f"the sandbox could not be set up: {lines[-1]}; repair it or remove its tool from PATH")


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _stop(process: subprocess.Popen[bytes], level: Level, mark: str) -> None:
    """Kill everything that the child started; safe to call again."""
    if process.returncode is None:  # not reaped, so its number still is its own
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if level == "none":  # a process space of its own would have taken everything along
            kill_marked(mark)
        process.wait()
