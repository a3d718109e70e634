"""The clock of a device: moments on it, and how far apart they are."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Clock:
    """How time is taken on a device.

    Attributes:
        device: Kind of the device: "cpu", "cuda", "mps".
        stamp: Takes a moment.
        settle: Waits until the device has nothing left to do.
        seconds: Gives the seconds between two moments, once the device has settled.
    """

    device: str
    stamp: Callable[[], Any]
    settle: Callable[[], object]
    seconds: Callable[[Any, Any], float]

    def time(self, call: Callable[[], object]) -> float:
        """Give the seconds that one call takes, from an idle device to an idle device."""
        stamp = self.stamp
        self.settle()
        start = stamp()
        call()
        end = stamp()
        self.settle()
        return self.seconds(start, end)


def clock_of(device: str) -> Clock:
    """Give the clock of a kind of device: events on CUDA, the processor's clock elsewhere."""
    if device == "cpu":
        return Clock(device, time.perf_counter_ns, _nothing, _seconds)
    if device == "cuda":
        return Clock(device, _event, torch.cuda.synchronize, _between_events)
    return Clock(device, _settled, torch.accelerator.synchronize, _seconds)


def _nothing() -> None:
    pass


def _seconds(start: int, end: int) -> float:
    return (end - start) / 1e9


def _settled() -> int:
    torch.accelerator.synchronize()
    return time.perf_counter_ns()


def _event() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between_events(start: torch.cuda.Event, end: torch.cuda.Event) -> float:
    return float(start.elapsed_time(end)) / 1e3
