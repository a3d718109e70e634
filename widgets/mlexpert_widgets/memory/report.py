"""What an out-of-memory error is turned into: who holds the memory, how it is cut up, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlexpert_widgets.live.amounts import size, unit
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.memory.advice import NOWHERE, Facts, advise, fixed_of
from mlexpert_widgets.memory.failure import Failure, owner_in
from mlexpert_widgets.memory.message import Told, first_sentence, told_by
from mlexpert_widgets.memory.release import release
from mlexpert_widgets.memory.snapshot import Holder, Segments, asked_in, device_of, holders_in, kinds_of
from mlexpert_widgets.share_bar import share_bar

if TYPE_CHECKING:
    from torch import nn

HOLDERS = 12
LEAST = 0.01  # of all, for a part of its own in the bar
NO_HISTORY = (
    "This device has no history to ask: listed are the tensors that Python knows, without those that only the way back "
    "keeps."
)


@dataclass(frozen=True, slots=True)
class OutOfMemoryReport:
    """What was found out about an error for lack of memory.

    Attributes:
        message: The beginning of the error.
        told: What the error itself tells.
        facts: Who holds what, where it failed, and what the advice is drawn from.
        segments: What torch has from the device, by kind; empty where it has no such cache.
        notes: What could not be found out.
    """

    message: str
    told: Told
    facts: Facts
    segments: tuple[Segments, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, the most useful first."""
        return advise(self.facts)

    @property
    def holders(self) -> Sequence[Holder]:
        """Who holds the memory, the most first."""
        return self.facts.holders[:HOLDERS]

    @property
    def reserved(self) -> float:
        """Bytes that torch has from the device; 0 where it has no such cache."""
        return sum(each.reserved for each in self.segments)

    def picture(self) -> Picture:
        """Give it as a picture with its tables."""
        holders = [(size(h.num_bytes), str(h.count), h.module or "unknown", h.where) for h in self.holders]
        cache = [(s.kind, str(s.count), size(s.reserved), size(s.free), size(s.largest)) for s in self.segments]
        tables = (
            Table("Who holds it", ("bytes", "blocks", "module", "line or variable"), tuple(holders)),
            Table("By module", ("module", "bytes"), tuple((path, size(num)) for path, num in self.by_module())),
            Table("Torch's cache", ("for", "segments", "reserved", "free", "largest free block"), tuple(cache)),
            Table(
                "Other processes", ("process", "bytes"), tuple((str(pid), size(num)) for pid, num in self.facts.others)
            ),
        )
        return Picture("Out of memory", "\n".join(self.sentences()), self._bar(), tables)

    def by_module(self) -> Sequence[tuple[str, float]]:
        """Give the bytes of each module, the most first; empty if no module is known."""
        found: dict[str, float] = {}
        for each in self.holders:
            if each.module:
                found[each.module] = found.get(each.module, 0) + each.num_bytes
        return sorted(found.items(), key=lambda each: -each[1])

    def sentences(self) -> list[str]:
        """Give it in sentences, the advice last."""
        told = [f"{self.message}{'' if self.message.endswith('.') else '.'}", *self._where()]
        if self.told.capacity:
            free = f", of which {size(self.told.free)} are free" if self.told.free is not None else ""
            told.append(f"The device has {size(self.told.capacity)}{free}.")
        if self.reserved:
            told.append(
                f"Torch has {size(self.reserved)} from it: {size(self.facts.held)} in tensors, "
                f"{size(self.facts.free)} free, the largest free block {size(self.facts.largest_free)}."
            )
        elif self.told.allocated or self.facts.held:
            told.append(f"Tensors hold {size(self.told.allocated or self.facts.held)}.")
        return [*told, *self.notes, "What to do:", *(f"{at}. {text}" for at, text in enumerate(self.advice, 1))]

    def release(self) -> None:
        """Let go of the error's traceback, whose frames keep tensors alive."""
        release()

    def _where(self) -> list[str]:
        failure, parts = self.facts.failure, []
        if failure.module is not None:
            parts.append(f"in {failure.module or 'the model itself'}")
        if failure.phase:
            parts.append(failure.phase)
        if failure.line:
            parts.append(f"at {failure.line}")
        return [f"It failed {', '.join(parts)}."] if parts else []

    def _bar(self) -> str:
        total = self.facts.held + self.facts.free
        step, name = unit(max(self.facts.held, self.facts.free))
        parts = [
            (each.module or each.where, each.num_bytes) for each in self.holders if each.num_bytes >= LEAST * total
        ]
        rest = self.facts.held - sum(num for _, num in parts)
        parts += [("the rest", rest), ("free, in torch's cache", self.facts.free)]
        shown = [(each, float(f"{num / step:.3g}")) for each, num in parts if num > 0]
        return share_bar(shown, title="Who holds the memory", unit=name) if shown else ""

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        picture = self.picture()
        return {"text/html": picture.html(), "text/plain": picture.text()}


def report_from(
    snapshot: Mapping[str, Any],
    *,
    message: str,
    model: "nn.Module | None" = None,
    failure: Failure = NOWHERE,
    others: Sequence[tuple[int, float]] = (),
) -> OutOfMemoryReport:
    """Read a snapshot of torch's caching allocator.

    Args:
        snapshot: What `torch.cuda.memory._snapshot()` gives.
        message: The error's own words.
        model: Its modules are told beside the lines of their forward methods.
        failure: Where the error came from.
        others: Process id and bytes of other processes on the device, where the message does not tell.
    """
    told = told_by(message)
    segments = device_of(snapshot, told.device)
    kinds = tuple(kinds_of(segments))
    holders, nameless = holders_in(segments, owner_in(model) if model is not None else None)
    fixed, full_precision = fixed_of(model)
    facts = Facts(
        "cuda",
        told.asked or asked_in(snapshot),
        held=sum(each.num_bytes for each in holders),
        free=sum(each.free for each in kinds),
        largest_free=max((each.largest for each in kinds), default=0.0),
        fixed=fixed,
        full_precision=full_precision,
        holders=holders,
        others=told.others or tuple(others),
        failure=failure,
    )
    notes = [f"Blocks that were taken before the recording began, without a line: {nameless}."] if nameless else []
    if model is None:
        notes.append("Which modules hold it is not known; oom_report(model) tells.")
    return OutOfMemoryReport(first_sentence(message), told, facts, kinds, tuple(notes))


def report_of(
    holders: Sequence[Holder], *, message: str, model: "nn.Module | None" = None, failure: Failure = NOWHERE
) -> OutOfMemoryReport:
    """Make the report where there is no caching allocator to ask.

    Args:
        holders: The tensors that are alive, the largest first.
        message: The error's own words.
        model: Its parameters and gradients do not depend on the batch.
        failure: Where the error came from.
    """
    told = told_by(message)
    fixed, full_precision = fixed_of(model)
    facts = Facts(
        "mps" if "MPS" in message else "cpu",
        told.asked,
        held=sum(each.num_bytes for each in holders),
        fixed=fixed,
        full_precision=full_precision,
        holders=holders,
        failure=failure,
    )
    return OutOfMemoryReport(first_sentence(message), told, facts, (), (NO_HISTORY,))
