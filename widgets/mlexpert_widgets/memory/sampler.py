"""Memory over time, from every source that is there, in a thread that costs a fifth of a percent of a core."""

import json
import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from mlexpert_widgets.live.amounts import amount
from mlexpert_widgets.live.series import Series
from mlexpert_widgets.memory.allocator import CudaAllocator, MpsAllocator
from mlexpert_widgets.memory.nvml import Nvml
from mlexpert_widgets.memory.process import ProcessMemory
from mlexpert_widgets.memory.source import Reading, Source, UnavailableError

if TYPE_CHECKING:
    from torch import nn

    from mlexpert_widgets.memory.watch import Watch

MOST_HZ = 100.0
THOROUGH_S = 1.0  # between two readings of what takes longer and changes slowly
WAITING = 256  # points that are put aside before they go to their series, all at once


class Row(NamedTuple):
    """What there is to say of one series.

    Attributes:
        name: What is measured.
        unit: "B" for bytes, or "%".
        newest: Newest value; None if it is not there at the moment.
        peak: Greatest value, also between two readings where the source counts that.
        limit: How much there is in all; None if that is not known.
    """

    name: str
    unit: str
    newest: float | None
    peak: float
    limit: float | None


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
        self._sources = _all_sources() if sources is None else tuple(sources)
        self._series: dict[str, Series] = {}
        self._waiting: dict[str, list[tuple[float, float]]] = {}
        self._thorough_at = 0.0
        self._seen: dict[str, float] = {}  # when each series that is there was read last
        self._limits: dict[str, float] = {}
        self._peaks: dict[str, _Peak] = {}
        self._reasons: dict[str, tuple[str, float]] = {}
        self._notes: dict[str, tuple[str, ...]] = {}
        self._watches: list[Watch] = []
        self._lock, self._begun = threading.RLock(), time.perf_counter()
        self._gate = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to read in a thread; nothing if it does already."""
        with self._lock:
            if self._thread is None:
                self._gap(list(self._series))
                self.sample()
                self._gate = threading.Lock()
                self._gate.acquire()
                arguments = (weakref.ref(self), self._gate, self._period)
                self._thread = threading.Thread(target=_run, args=arguments, name="mlexpert-memory", daemon=True)
                self._thread.start()
        return self

    def pause(self) -> None:
        """End the thread until `start`; what is watched is watched on."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._gate.release()
            thread.join()
            self.sample()  # what was greatest since the last one is not missed

    def stop(self) -> None:
        """End the thread, and take the hooks from what is watched; the readings stay."""
        self.pause()
        for each in self._watches:
            each.stop()

    @property
    def running(self) -> bool:
        """Whether the thread reads."""
        return self._thread is not None

    def sample(self, *, thorough: bool = True) -> Mapping[str, float]:
        """Read every source once, now, and give the bytes by name.

        Args:
            thorough: Whether to ask also for what takes longer: processes, and peaks between the readings. The thread
                does it once a second.
        """
        with self._lock:
            moment = time.perf_counter() - self._begun
            thorough = thorough or moment >= self._thorough_at
            if thorough:
                self._thorough_at = moment + THOROUGH_S
            found: dict[str, float] = {}
            for source in self._sources:
                reading = self._read(source, moment, thorough=thorough)
                if reading is not None:
                    self._keep(source.name, reading, moment)
                    found |= reading.values
            self._gap([name for name, seen in self._seen.items() if seen < moment])
            return found

    def _read(self, source: Source, moment: float, *, thorough: bool) -> Reading | None:
        _, again = self._reasons.get(source.name, ("", 0.0))
        if moment < again:
            return None
        try:
            reading = source.read(thorough=thorough)
        except UnavailableError as error:
            self._reasons[source.name] = (str(error), moment + error.retry_s)
            self._notes.pop(source.name, None)
            return None
        self._reasons.pop(source.name, None)
        return reading

    def _keep(self, source: str, reading: Reading, moment: float) -> None:
        self._limits |= reading.limits
        self._notes[source] = reading.notes
        for unit, values in (("B", reading.values), ("%", reading.percents)):
            for name, value in values.items():
                self._peaks.setdefault(name, _Peak()).see(value, reading.peaks.get(name))
                if name not in self._series:
                    self._series[name], self._waiting[name] = Series(name, unit), []
                self._put(name, moment, value)
                self._seen[name] = moment

    def _gap(self, names: Iterable[str]) -> None:
        """Say that series have no value now, until they have one again."""
        moment = time.perf_counter() - self._begun
        for name in names:
            if self._seen.pop(name, None) is not None:
                self._put(name, moment, float("nan"))

    def _put(self, name: str, moment: float, value: float) -> None:
        waiting = self._waiting[name]
        waiting.append((moment, value))
        if len(waiting) >= WAITING:
            self._move(name)

    def _move(self, name: str) -> None:
        if self._waiting[name]:
            times, values = zip(*self._waiting[name], strict=True)
            self._waiting[name] = []
            self._series[name].extend(times, times, values)

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
        """The most bytes that one call of each module took at any moment, by its path."""
        return {path: num for watch in self._watches for path, num in list(watch.peaks.items())}

    @property
    def module_added(self) -> Mapping[str, int]:
        """The most bytes that one call of each module left behind, by its path."""
        return {path: num for watch in self._watches for path, num in list(watch.added.items())}

    def series(self) -> list[Series]:
        """Give what was read, one series a name."""
        with self._lock:
            for name in self._series:
                self._move(name)
            return list(self._series.values())

    def rows(self) -> list[Row]:
        """Give newest, greatest and possible value of each series."""
        rows = []
        for each in self.series():
            newest = float(each.value[-1]) if len(each) else np.nan
            shown = None if np.isnan(newest) else newest
            rows.append(Row(each.name, each.unit, shown, self._peaks[each.name].most, self._limits.get(each.name)))
        return rows

    @property
    def peaks(self) -> Mapping[str, float]:
        """The greatest value of each series."""
        return {row.name: row.peak for row in self.rows()}

    @property
    def limits(self) -> Mapping[str, float]:
        """Bytes that there are in all, where that is known."""
        return dict(self._limits)

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why a source is not there, by its name."""
        return {name: reason for name, (reason, _) in list(self._reasons.items())}

    @property
    def notes(self) -> Sequence[str]:
        """What is missing or not as it seems in the sources that are there."""
        return [note for notes in list(self._notes.values()) for note in notes]

    def sentences(self) -> list[str]:
        """Give reasons and notes as sentences."""
        return [*(f"{name}: {reason}." for name, reason in self.reasons.items()), *(f"{note}." for note in self.notes)]

    def text(self) -> str:
        """Give newest, greatest and possible value of each series, and what is missing."""
        return "\n".join((*(_line(row) for row in self.rows()), *self.sentences()))

    def to_json(self) -> str:
        """Give everything as JSON."""
        series = {
            each.name: {"unit": each.unit, "time": each.time.tolist(), "value": _plain(each.value.tolist())}
            for each in self.series()
        }
        modules = {"module_peaks": dict(self.module_peaks), "module_added": dict(self.module_added)}
        facts = {"series": series, "peaks": self.peaks, "limits": self.limits, **modules}
        return json.dumps({**facts, "reasons": dict(self.reasons), "notes": list(self.notes)}, allow_nan=False)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"MemorySampler({', '.join(self._series) or 'nothing read yet'})"


class _Peak:
    """The greatest value since the sampler began, from readings and from what the source counts between them."""

    def __init__(self) -> None:
        self.most, self._before = 0.0, float("inf")

    def see(self, value: float, told: float | None) -> None:
        """Take a reading in.

        Args:
            value: What was read.
            told: The source's own peak; it counts once it is above that of the first reading, which was before us.
        """
        self.most = max(self.most, value)
        if told is None:
            return
        if told > self._before:
            self.most = max(self.most, told)
        self._before = min(self._before, told)  # a program may have begun the count anew


def _all_sources() -> tuple[Source, ...]:
    nvml = Nvml()
    return (ProcessMemory(), nvml, CudaAllocator(nvml.indices), MpsAllocator())


def _line(row: Row) -> str:
    newest = "gone" if row.newest is None else amount(row.newest, row.unit)
    limit = f" of {amount(row.limit, row.unit)}" if row.limit else ""
    return f"{row.name:<24}{newest:>12}   peak {amount(row.peak, row.unit)}{limit}"


def _plain(values: list[float]) -> list[float | None]:
    return [None if value != value else value for value in values]  # noqa: PLR0124 - a number that is none


def _run(sampler: "weakref.ref[MemorySampler]", gate: threading.Lock, period: float) -> None:
    """Read until the gate opens, or until nobody holds the sampler.

    A bare lock is waited for with half of the work that an event or a condition takes.
    """
    while not gate.acquire(timeout=period):
        held = sampler()
        if held is None:
            return
        held.sample(thorough=False)
        del held
