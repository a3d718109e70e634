"""Time by op: one sweep over the profiler's raw events, with the same figures as `key_averages()`."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch._C._autograd import DeviceType
from torch.autograd import profiler as autograd_profiler
from torch.autograd.profiler import record_function

CALL = "mlexpert::call"  # the range around each call that is profiled
NOISE = b"USDT:"  # lines that torch 2.13 writes when a profile begins and ends
_LEFT_OUT = frozenset(  # as in torch.autograd.profiler_util
    {
        "[memory]",
        "[OutOfMemory]",
        "profiler::_record_function_enter",
        "profiler::_record_function_enter_new",
        "profiler::_record_function_exit",
        "aten::is_leaf",
        "aten::output_nr",
        "aten::_version",
    }
)


@dataclass(frozen=True, slots=True)
class OpTime:
    """Time of all calls of one op.

    Attributes:
        name: Of the op, or of the kernel of a device.
        on_device: Whether the time is that of a device other than the processor.
        count: How often it ran.
        total_us: Microseconds in it.
        self_us: Microseconds in it and in no op that it calls.
    """

    name: str
    on_device: bool
    count: int
    total_us: float
    self_us: float


@dataclass(frozen=True, slots=True)
class OpTable:
    """Time by op of some calls.

    Attributes:
        rows: One an op, the one with the most time of its own first.
        num_calls: Calls that were profiled.
        between: Share of the calls' time that is in no op; None if the ops do not all run on the processor.
    """

    rows: tuple[OpTime, ...]
    num_calls: int
    between: float | None

    @property
    def mean_s(self) -> float:
        """Seconds of its own that an op takes on average."""
        return sum(each.self_us for each in self.rows) / max(1, sum(each.count for each in self.rows)) / 1e6


NO_OPS = OpTable((), 0, None)


def profiled(call: Callable[[], object], *, num_calls: int, device: str = "cpu") -> OpTable:
    """Profile some calls; with another profiler running, nothing.

    Args:
        call: What to call.
        num_calls: How often.
        device: Kind of the device that it runs on.
    """
    if autograd_profiler._is_profiler_enabled:  # noqa: SLF001 - a second one would end the user's
        return NO_OPS
    # torch.profiler would import torch's compiler, for three seconds
    profiler = autograd_profiler.profile(use_device="cuda" if device == "cuda" else None)
    with quiet():
        profiler.__enter__()
    try:
        for _ in range(num_calls):
            with record_function(CALL):
                call()
    finally:
        with quiet():
            profiler.__exit__(None, None, None)
    rows = op_times(profiler.kineto_results.events())  # type: ignore[union-attr]  # there once it has stopped
    whole = [each for each in rows if each.name == CALL and not each.on_device]
    between = whole[0].self_us / whole[0].total_us if whole and device == "cpu" else None
    ordered = sorted((each for each in rows if each.name != CALL), key=lambda each: -each.self_us)
    return OpTable(tuple(ordered), num_calls, between)


def op_times(events: Sequence[Any]) -> list[OpTime]:
    """Sum up events by name, as `key_averages()` does.

    Args:
        events: What `kineto_results.events()` gives.
    """
    read = _read(events)
    parents = _joined(read.names, *_parents(read))
    own = [end - start for start, end in zip(read.starts, read.ends, strict=True)]
    for at, parent in enumerate(parents):
        if parent >= 0:
            own[parent] -= read.ends[at] - read.starts[at]
    sums: dict[tuple[str, bool], list[int]] = {}
    for at, name in enumerate(read.names):
        if parents[at] == _GONE:
            continue
        found = sums.setdefault((name, read.kinds[at] == _DEVICE), [0, 0, 0])
        found[0] += 1
        found[1] += read.ends[at] - read.starts[at]
        found[2] += 0 if read.kinds[at] == _LOOSE else own[at]
    return [OpTime(name, device, count, total / 1e3, own / 1e3) for (name, device), (count, total, own) in sums.items()]


_NESTED, _LOOSE, _DEVICE = range(3)  # kinds: a sound stack on one thread; begun and ended on two; not on the processor
_TOP, _GONE = -1, -2  # in the place of a parent: none; joined with its parent, which has the same name
_ON_CPU = ("aten::", "autograd::")  # names that spare asking for the device, the dearest question


@dataclass(slots=True)
class _Read:
    """The events that count, a list for each property: lists of numbers keep the garbage collector asleep."""

    names: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # nanoseconds
    ends: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)


def _read(events: Sequence[Any]) -> _Read:
    read = _Read()
    places: dict[int, int] = {}  # of an op by the number that links what it launches with it
    linked: list[int] = []
    links: list[int] = []
    cpu = DeviceType.CPU
    for event in events:
        name = event.name()
        if name in _LEFT_OUT or event.is_hidden_event():
            continue
        start, thread, link = event.start_ns(), event.start_thread_id(), event.linked_correlation_id()
        kind = _NESTED if name.startswith(_ON_CPU) or event.device_type() == cpu else _DEVICE
        if kind == _NESTED and (event.end_thread_id() != thread or event.is_async()):
            kind = _LOOSE
        if link:
            linked.append(len(read.names))
            links.append(link)
        elif kind == _NESTED:
            places[event.correlation_id()] = len(read.names)
        read.names.append("ProfilerStep*" if name.startswith("ProfilerStep#") else name)
        read.starts.append(start)
        read.ends.append(start + event.duration_ns())
        read.threads.append(thread)
        read.kinds.append(kind)
    for at, link in zip(linked, links, strict=True):
        if link in places and read.kinds[at] != _DEVICE:
            read.threads[at] = read.threads[places[link]]  # what a runtime does for an op belongs under the op
    return read


def _parents(read: _Read) -> tuple[list[int], list[int]]:
    """Give the event around each event, from one sweep along each thread, and the events in the order of the sweep."""
    starts, ends, threads = read.starts, read.ends, read.threads
    parents = [_TOP] * len(starts)
    order = np.lexsort((-np.array(ends, dtype=np.int64), np.array(starts), np.array(threads))).tolist()
    nested = [at for at in order if read.kinds[at] == _NESTED]
    stack: list[int] = []
    thread = None
    for at in nested:
        if threads[at] != thread:
            thread, stack = threads[at], []
        while stack and (starts[at] >= ends[stack[-1]] or ends[at] > ends[stack[-1]]):
            stack.pop()
        if stack:
            parents[at] = stack[-1]
        stack.append(at)
    return parents, nested


def _joined(names: Sequence[str], parents: list[int], order: Sequence[int]) -> list[int]:
    """Take an event that is the only one in another of the same name for one with it.

    Args:
        names: Of the events.
        parents: The event around each.
        order: Events, each after the one around it.
    """
    num_children = Counter(parents)
    stands: dict[int, int] = {}  # for an event that was joined
    for at in order:
        parent = stands.get(parents[at], parents[at])
        parents[at] = parent
        if parent >= 0 and names[parent] == names[at] and num_children[parent] == 1:
            num_children[parent] = num_children[at]
            stands[at] = parent
            parents[at] = _GONE
    return parents


@contextmanager
def quiet() -> Iterator[None]:
    """Keep lines that begin with `NOISE` off the standard error; all others come through at the end."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            os.write(2, b"".join(line for line in file if not line.startswith(NOISE)))
