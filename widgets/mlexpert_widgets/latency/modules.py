"""Time by module: hooks around every forward take the moments of its beginning and its end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from mlexpert_widgets.latency.clock import Clock


@dataclass(frozen=True, slots=True)
class ModuleTime:
    """Time of one module, in the middle one of the calls.

    Attributes:
        path: Where it is, as in `named_modules()`.
        kind: Name of its class.
        calls: How often it runs in one call.
        total_s: Seconds in it.
        self_s: Seconds in it and in none of its children.
    """

    path: str
    kind: str
    calls: int
    total_s: float
    self_s: float


@dataclass(slots=True)
class _Frame:
    """One run of a module."""

    path: str
    parent: "_Frame | None"
    outer: bool  # no run of the same module is around it
    start: Any
    end: Any = None


@dataclass(slots=True)
class _Watch:
    """The runs of one call, in the order in which they began."""

    stamp: Callable[[], Any]
    frames: list[_Frame] = field(default_factory=list)
    top: _Frame | None = None

    def enter(self, path: str) -> None:
        outer, around = True, self.top
        while around is not None and outer:
            outer, around = around.path != path, around.parent
        self.top = _Frame(path, self.top, outer, None)
        self.frames.append(self.top)
        self.top.start = self.stamp()

    def leave(self, path: str) -> None:
        end = self.stamp()
        while self.top is not None and self.top.path != path:
            self.top = self.top.parent  # it failed, and its caller caught that
        if self.top is not None:
            self.top.end, self.top = end, self.top.parent


def module_times(
    model: nn.Module, call: Callable[[], object], clock: Clock, *, num_calls: int
) -> tuple[ModuleTime, ...]:
    """Give the time of each module that runs, in the order of `named_modules()`.

    A module that has a shorter way without hooks, as torch's encoder layers in inference, goes the longer one here.

    Args:
        model: Whose modules to time.
        call: What makes it run.
        clock: Of its device.
        num_calls: Calls to take the middle one of.
    """
    watch = _Watch(clock.stamp)
    handles: list[Any] = []
    try:
        for path, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(lambda *_, path=path: watch.enter(path)))
            handles.append(module.register_forward_hook(lambda *_, path=path: watch.leave(path)))
        runs = [_run(watch, call, clock) for _ in range(num_calls)]
    finally:
        for handle in handles:
            handle.remove()
    middle = sorted(runs, key=lambda run: sum(own for *_, own in run.values()))[num_calls // 2]
    kinds = {path: type(module).__name__ for path, module in model.named_modules()}
    return tuple(ModuleTime(path, kind, *middle[path]) for path, kind in kinds.items() if path in middle)


_Sums = dict[str, tuple[int, float, float]]


def _run(watch: _Watch, call: Callable[[], object], clock: Clock) -> _Sums:
    """Call once, and give runs, total and own seconds of each module."""
    watch.frames, watch.top = [], None
    call()
    clock.settle()
    whole = [(frame, clock.seconds(frame.start, frame.end)) for frame in watch.frames if frame.end is not None]
    inside: dict[int, float] = {}
    for frame, seconds in whole:
        inside[id(frame.parent)] = inside.get(id(frame.parent), 0.0) + seconds
    sums: _Sums = {}
    for frame, seconds in whole:
        calls, total, own = sums.get(frame.path, (0, 0.0, 0.0))
        left = max(0.0, seconds - inside.get(id(frame), 0.0))
        sums[frame.path] = (calls + 1, total + seconds * frame.outer, own + left)
    return sums
