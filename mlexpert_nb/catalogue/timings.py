"""How fast an entry is on this machine: measured only when asked, by the judge's own check, and kept for later."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.trial import try_out
from mlexpert_nb.errors import EnvironmentProblem
from mlexpert_nb.packages import Event, Json, OnEvent
from mlexpert_nb.workspace import recall, remember

_KEPT = "catalogue-timings"  # name of the file in the user's cache


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an entry takes in its delivered size.

    Attributes:
        ms: Milliseconds, the median.
        what: What took so long: a token behind a context, a pass over one example.
        device: Where: "CPU" or the name of the GPU.
        threads: Threads of torch.
        torch: Its version.
    """

    ms: float
    what: str
    device: str
    threads: int
    torch: str


def known_timings() -> Mapping[str, Timing]:
    """Give what was measured on this machine with this torch, by the entries' names."""
    kept = {name: _read(facts) for name, facts in recall(_KEPT).get(_here(), {}).items()}
    return {name: timing for name, timing in kept.items() if timing is not None}


def measure(entry: Entry, on_event: OnEvent) -> Timing:
    """Time an entry: its network is written to a temporary folder and run by the judge; the figure is kept.

    Raises:
        EnvironmentProblem: It could not be run here.
    """
    report = try_out(entry, entry.solve(None), ["latency"], on_event)
    said, figures = report.findings[-1].measured, report.figures.get("latency")
    if figures is None or not all(each.passed for each in report.findings):
        said = next((each.measured for each in report.findings if not each.passed), said)
        raise EnvironmentProblem(f"{entry.name} could not be timed: {said}")
    timing = _timing(figures)
    kept = recall(_KEPT)
    remember(_KEPT, {**kept, _here(): {**kept.get(_here(), {}), entry.name: asdict(timing)}})
    return timing


def measure_all(entries: Iterable[Entry], on_event: OnEvent) -> tuple[str, ...]:
    """Time entries one after the other; what was measured before an interrupt is kept.

    Returns:
        Of each that could not be timed, why.
    """
    chosen, failed = tuple(entries), list[str]()
    for index, entry in enumerate(chosen, 1):
        on_event(Event("phase", f"time: {entry.name}, {index} of {len(chosen)}"))
        try:
            measure(entry, on_event)
        except EnvironmentProblem as error:
            failed.append(str(error))
    return tuple(failed)


def _timing(figures: Mapping[str, Any]) -> Timing:
    """Read the figures of the judge's check: of one token where the network streams, else of one pass."""
    timed = "token_ms" if "token_ms" in figures else "forward_ms"
    if timed == "token_ms":
        what = f"token behind {figures['context']}"
    elif "context" in figures:
        what = f"pass over {figures['context']} tokens"
    else:
        what = "pass over one example" if figures["batch_size"] == 1 else f"pass over {figures['batch_size']} examples"
    return Timing(figures[timed]["p50"], what, figures["device"], figures["threads"], version("torch"))


def _here() -> str:
    """Name this machine and its torch: a home folder may be shared, and torch gets faster."""
    return f"{platform.node()} torch {version('torch')}"


def _read(facts: Mapping[str, Json]) -> Timing | None:
    try:
        return Timing(**facts)  # type: ignore[arg-type]  # our own file
    except TypeError:  # of another version of ours
        return None
