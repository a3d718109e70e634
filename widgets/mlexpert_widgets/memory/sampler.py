"""Memory over time, from every source that is there, in a thread that costs a fifth of a percent of a core."""

import json
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mlexpert_widgets.live.series import Series
from mlexpert_widgets.memory.allocator import CudaAllocator, MpsAllocator
from mlexpert_widgets.memory.nvml import Nvml
from mlexpert_widgets.memory.process import ProcessMemory
from mlexpert_widgets.memory.source import Reading, Source, UnavailableError
from mlexpert_widgets.memory.words import size

if TYPE_CHECKING:
    from torch import nn

    from mlexpert_widgets.memory.watch import Watch

RETRY_S = 10.0  # before a source that was not there is asked again
MOST_HZ = 100.0


class MemorySampler:
    """Readings of memory as series, with the reasons for what is missing.

    with MemorySampler() as memory:
        train()
    print(memory.text())
    """

    def __init__(self, hz: float = 10.0, *, sources: Sequence[Source] | None = None) -> None:
        """Make a sampler that has not begun.

        Args:
            hz: Readings a second.
            sources: Where to read; every kind that is known if None.

        Raises:
            ValueError: The rate is not above 0 and at most 100.
        """
        if not 0 < hz <= MOST_HZ:
            raise ValueError(f"readings a second are above 0 and at most {MOST_HZ:g}, not {hz}")
        self._period = 1 / hz
        self._sources = (
            (ProcessMemory(), Nvml(), CudaAllocator(), MpsAllocator()) if sources is None else tuple(sources)
        )
        self._series: dict[str, Series] = {}
        self._limits: dict[str, float] = {}
        self._reasons: dict[str, tuple[str, float]] = {}
        self._notes: dict[str, tuple[str, ...]] = {}
        self._watches: list[Watch] = []
        self._lock, self._start = threading.Lock(), time.perf_counter()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to read in a thread; nothing if it does already."""
        if self._thread is None:
            self._ended = threading.Event()
            self.sample()
            arguments = (weakref.ref(self), self._ended, self._period)
            self._thread = threading.Thread(target=_run, args=arguments, name="mlexpert-memory", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread, and take what is watched out of the hooks; the readings stay."""
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None
        for each in self._watches:
            each.stop()

    @property
    def running(self) -> bool:
        """Whether the thread reads."""
        return self._thread is not None

    def sample(self) -> Mapping[str, float]:
        """Read every source once, now, and give the bytes by name."""
        with self._lock:
            moment = time.perf_counter() - self._start
            found: dict[str, float] = {}
            for source in self._sources:
                reading = self._read(source, moment)
                if reading is None:
                    continue
                found |= reading.values
                self._limits |= reading.limits
                self._notes[source.name] = reading.notes
                for name, value in reading.values.items():
                    if name not in self._series:
                        self._series[name] = Series(name, "B")
                    self._series[name].append(moment, moment, value)
            return found

    def _read(self, source: Source, moment: float) -> Reading | None:
        _, again = self._reasons.get(source.name, ("", 0.0))
        if moment < again:
            return None
        try:
            reading = source.read()
        except UnavailableError as error:
            self._reasons[source.name] = (str(error), moment + RETRY_S)
            return None
        self._reasons.pop(source.name, None)
        return reading

    def watch(self, model: "nn.Module") -> "Watch":
        """Count from now on what each module of a model adds; until `stop`, or as a context manager.

        Args:
            model: Any module; it gets hooks, which are taken away again.
        """
        from mlexpert_widgets.memory.watch import Watch  # noqa: PLC0415 - brings torch

        self._watches.append(Watch(model))
        return self._watches[-1]

    @property
    def module_peaks(self) -> Mapping[str, int]:
        """The most bytes that one call of each module added, by its path."""
        peaks: dict[str, int] = {}
        for watch in self._watches:
            peaks |= watch.peaks
        return peaks

    def series(self) -> list[Series]:
        """Give what was read, one series a name."""
        return list(self._series.values())

    @property
    def peaks(self) -> Mapping[str, float]:
        """The most bytes of each series."""
        return {each.name: float(each.value.max()) for each in self.series() if len(each)}

    @property
    def limits(self) -> Mapping[str, float]:
        """Bytes that there are in all, where that is known."""
        return dict(self._limits)

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why a source is not there, by its name."""
        return {name: reason for name, (reason, _) in self._reasons.items()}

    @property
    def notes(self) -> Sequence[str]:
        """What is missing or not as it seems in the sources that are there."""
        return [note for notes in self._notes.values() for note in notes]

    def sentences(self) -> list[str]:
        """Give reasons and notes as sentences."""
        return [*(f"{name}: {reason}." for name, reason in self.reasons.items()), *(f"{note}." for note in self.notes)]

    def text(self) -> str:
        """Give newest, greatest and possible bytes of each series, and what is missing."""
        rows = [
            f"{each.name:<22}{size(float(each.value[-1])):>12}   peak {size(float(each.value.max()))}"
            f"{f' of {size(self._limits[each.name])}' if each.name in self._limits else ''}"
            for each in self.series()
            if len(each)
        ]
        return "\n".join((*rows, *self.sentences()))

    def to_json(self) -> str:
        """Give everything as JSON."""
        series = {each.name: {"time": each.time.tolist(), "bytes": each.value.tolist()} for each in self.series()}
        facts = {"series": series, "peaks": self.peaks, "limits": self.limits, "module_peaks": dict(self.module_peaks)}
        return json.dumps({**facts, "reasons": dict(self.reasons), "notes": list(self.notes)})

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"MemorySampler({', '.join(self._series) or 'nothing read yet'})"


def _run(sampler: "weakref.ref[MemorySampler]", ended: threading.Event, period: float) -> None:
    """Read until told to end, or until nobody holds the sampler."""
    while not ended.wait(period):
        held = sampler()
        if held is None:
            return
        held.sample()
        del held
