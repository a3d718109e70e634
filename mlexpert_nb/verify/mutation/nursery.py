"""Forks one process for each run of tests: pytest and torch are imported once, delivered code never in here.

The nursery is itself a fork of the harness, made before that has read its secret. It reads runs, one JSON object a
line, and answers each with one line. Its own forks cannot look into it, nor into the harness.
"""

import ctypes
import gc
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import pytest

from mlexpert_nb.verify.mutation.runner import run_tests

_PR_SET_DUMPABLE = 4
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS}
_LONGEST_WORD = 65536  # bytes
_MOUTH = 3  # a fork's only open file beside the usual three


class Nursery:
    """The process that forks, seen from outside.

    Attributes:
        spent_s: Processor seconds that its forks took.
    """

    def __init__(self) -> None:
        _may_be_looked_into(allowed=False)
        orders, answers = os.pipe(), os.pipe()
        self.spent_s, self._pid = 0.0, os.fork()
        if self._pid == 0:
            _serve(*_opened(orders[0], answers[1], closed=(orders[1], answers[0])))
        self._in, self._out = _opened(answers[0], orders[1], closed=(answers[1], orders[0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        for stream in (self._in, self._out):
            with suppress(BrokenPipeError):
                stream.close()

    def get_ready(self, modules: Sequence[str]) -> None:
        """Import what tests will need; what cannot be imported is left to them."""
        _say(self._out, {"modules": modules})

    def run(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Run tests in a fork and say what came of it.

        Raises:
            ProcessLookupError: The nursery is gone.
        """
        with suppress(BrokenPipeError):
            _say(self._out, order)
        line = self._in.readline()
        if not line:
            raise ProcessLookupError("the process that runs the tests was ended from inside")
        answer: dict[str, Any] = json.loads(line)
        self.spent_s += answer["seconds"]
        return answer


def _opened(ear: int, mouth: int, *, closed: Sequence[int]) -> tuple[TextIO, TextIO]:
    for end in closed:
        os.close(end)
    return os.fdopen(ear, encoding="utf-8"), os.fdopen(mouth, "w", encoding="utf-8")


def _serve(orders: TextIO, answers: TextIO) -> None:
    """Answer runs until there are no more; never returns."""
    try:
        os.dup2(2, 1)  # what imports print is nothing for the judge
        _import(json.loads(orders.readline())["modules"])
        _warm_up()
        for line in orders:
            _say(answers, _run(json.loads(line), answers))
    finally:
        os._exit(0)


def _say(out: TextIO, what: Mapping[str, Any]) -> None:
    out.write(json.dumps(what) + "\n")
    out.flush()


def _may_be_looked_into(*, allowed: bool) -> None:
    """Keep forks, which run as the same user, out of this process's memory and open files."""
    with suppress(OSError, AttributeError):  # other systems than Linux have no such call
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, int(allowed), 0, 0, 0)


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        with suppress(Exception):  # a test that needs it will say so
            import_module(name)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)  # threads do not live on in a fork


def _warm_up() -> None:
    """Run an empty test, so that pytest has everything in memory before the first fork."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_nothing.py").write_text("def test_nothing(tmp_path, monkeypatch, capsys):\n    pass\n")
        quiet = ["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", "--assert=plain"]
        pytest.main([*quiet, "-c", os.devnull, f"--rootdir={folder}", folder])
    sys.modules.pop("test_nothing", None)
    gc.collect()
    gc.freeze()  # collecting garbage in a fork would copy every page


def _run(order: dict[str, Any], answers: TextIO) -> dict[str, Any]:
    """Run some tests in a fork and say how it ended."""
    scratch = tempfile.mkdtemp()
    ear, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ear)
        answers.close()
        _become(order, scratch, mouth)
    os.close(mouth)
    word, in_time = _listen(ear, order["wall_s"])
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    os.close(ear)
    shutil.rmtree(scratch, ignore_errors=True)
    return {**_ending(word, status, in_time=in_time), "seconds": usage.ru_utime + usage.ru_stime}


def _become(order: dict[str, Any], scratch: str, mouth: int) -> None:
    """Turn the fork into a run of tests; never returns."""
    try:
        os.setsid()
        _may_be_looked_into(allowed=True)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.dup2(mouth, _MOUTH, inheritable=False)
        os.closerange(_MOUTH + 1, os.sysconf("SC_OPEN_MAX"))
        os.environ["TMPDIR"] = tempfile.tempdir = scratch
        run_tests(order, _MOUTH)
    finally:
        os._exit(0)


def _listen(ear: int, seconds: float) -> tuple[str, bool]:
    """Hear the fork's word: one line, or nothing if it ends or its time is over."""
    heard, end = b"", time.monotonic() + seconds
    while b"\n" not in heard and len(heard) < _LONGEST_WORD:
        ready, _, _ = select.select([ear], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return "", False
        piece = os.read(ear, _LONGEST_WORD)
        if not piece:
            return "", True
        heard += piece
    return heard.split(b"\n")[0].decode("utf-8", errors="replace"), True


def _ending(word: str, status: int, *, in_time: bool) -> dict[str, Any]:
    """Put together what a fork said and how it ended: without a word, only a crash or the end of its time counts."""
    try:
        said = json.loads(word)
        return {"fate": str(said["fate"]), "by": str(said["by"]), "ran": int(said["ran"])}
    except (ValueError, KeyError, TypeError):
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if not in_time or number == signal.SIGPROF:
            return {"fate": "timeout", "by": "a test that did not end", "ran": 0}
        return {"fate": "killed" if number in _CRASHES else "lost", "by": "a crash", "ran": 0}
