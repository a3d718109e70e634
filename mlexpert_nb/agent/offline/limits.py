"""Limits of a request, held before anything is planned: the network is measured, and made smaller where it may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlexpert_nb.agent.llm import OnText
from mlexpert_nb.catalogue import Entry, try_out
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Event, Json
from mlexpert_nb.verify import ProbeReport, short_bytes, short_count, short_ms

TRIES = 5
MARGIN = 0.9  # of the share that is aimed at: memory and time do not fall as fast as parameters
TRAINED_BYTES = 16  # a parameter: float32 weight, gradient and two moments of AdamW
LARGEST = 4 * 10**9  # bytes of a training step that is tried just for a plan


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of a training step and most milliseconds of a token or a pass; None is no limit."""

    vram_bytes: int | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A configuration that keeps the limits, and what was measured of it, in sentences."""

    configuration: Mapping[str, Json]
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Measured:
    """One figure beside its limit.

    Attributes:
        said: What was measured, in words.
        over: The figure as a share of its limit; above one it is broken.
    """

    said: str
    over: float


def fit(
    entry: Entry,
    configuration: Mapping[str, Json],
    limits: Limits,
    smaller: Callable[[int], Mapping[str, Json]] | None,
    on_text: OnText,
) -> Fitted:
    """Hold a configuration to the limits of memory and time, by the judge's own checks on this machine.

    Args:
        entry: The network.
        configuration: Its full configuration.
        limits: Limits of the request.
        smaller: Gives a configuration of about so many parameters; None if the size is the user's.
        on_text: Told of each try.

    Raises:
        UsageError: A limit cannot be kept; the message has the figures.
    """
    if limits.vram_bytes is None and limits.latency_ms is None:
        return Fitted(configuration)
    larger = 0
    for number in range(TRIES):
        count = entry.count_parameters(configuration)
        found = _measure(entry, configuration, count, limits)
        broken = [each for each in found if each.over > 1]
        if not broken:
            shrunk = (f"Size: {short_count(count)} parameters keep the limits, {short_count(larger)} do not.",)
            return Fitted(configuration, (*(shrunk if number else ()), *(each.said for each in found)))
        on_text(f"{short_count(count)} parameters: {' '.join(each.said for each in broken)}\n")
        if smaller is None:
            break
        larger, configuration = count, _next(smaller, count, max(each.over for each in broken), broken)
    raise UsageError(_too_much(entry, count, broken, may_shrink=smaller is not None))


def _next(
    smaller: Callable[[int], Mapping[str, Json]], count: int, over: float, broken: list[_Measured]
) -> Mapping[str, Json]:
    try:
        return smaller(int(MARGIN * count / over))
    except UsageError as error:
        raise UsageError(f"{' '.join(each.said for each in broken)} Smaller is not possible: {error}") from error


def _measure(entry: Entry, configuration: Mapping[str, Json], count: int, limits: Limits) -> list[_Measured]:
    least = TRAINED_BYTES * count
    alone = f"{short_bytes(least)} for weights, gradients and AdamW alone"
    if limits.vram_bytes and least > limits.vram_bytes:
        said = f"Memory: {alone}, of {short_bytes(limits.vram_bytes)} allowed."
        return [_Measured(said, least / limits.vram_bytes)]
    if least > LARGEST:
        return [_Measured(f"Limits: too large to try for a plan ({alone}); the judge holds it to them.", 0.0)]
    wanted = {"memory": limits.vram_bytes, "latency": limits.latency_ms}
    report = try_out(entry, configuration, [name for name, limit in wanted.items() if limit], _unheard)
    found = [_memory(report, limits.vram_bytes), _latency(report, limits.latency_ms)]
    return [each for each in found if each is not None]


def _memory(report: ProbeReport, limit: int | None) -> _Measured | None:
    if limit is None:
        return None
    figures = report.figures.get("memory")
    if figures is None:
        return _unmeasured("Memory", report)
    how = "measured on the GPU" if figures["method"] == "measured" else figures["method"]
    said = (
        f"Memory: {short_bytes(figures['bytes'])} for a training step ({how}) of {short_bytes(limit)} allowed, "
        f"{short_bytes(figures['inference_bytes'])} for inference."
    )
    return _Measured(said, figures["bytes"] / limit)


def _latency(report: ProbeReport, limit: float | None) -> _Measured | None:
    if limit is None:
        return None
    figures = report.figures.get("latency")
    if figures is None:
        return _unmeasured("Speed", report)
    is_token = "token_ms" in figures
    times = figures["token_ms" if is_token else "forward_ms"]
    what = "a token" if is_token else "a pass"
    said = f"Speed: {short_ms(times['p50'])} {what} (p50, {figures['device']}), of {short_ms(limit)} allowed."
    return _Measured(said, times["p50"] / limit)


def _unmeasured(what: str, report: ProbeReport) -> _Measured:
    why = next((each.measured for each in report.findings if not each.passed), "no figure came back")
    return _Measured(f"{what}: not measured for the plan ({why}); the judge holds it to its limit.", 0.0)


def _too_much(entry: Entry, count: int, broken: list[_Measured], *, may_shrink: bool) -> str:
    said = " ".join(each.said for each in broken)
    way = (
        "loosen the limit" if may_shrink else "loosen the limit, or leave the size out and one that fits is looked for"
    )
    return f"{entry.title} with {short_count(count)} parameters does not keep the limit. {said} To go on, {way}"


def _unheard(_event: Event) -> None:
    """Nobody watches the single checks of a plan."""
