"""What an out-of-memory error is turned into: who holds the memory, how it is cut up, and what to do about it."""

import gc
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlexpert_widgets.front_end import notebook_variables
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.memory.allocator import fragmentation
from mlexpert_widgets.memory.words import size
from mlexpert_widgets.share_bar import share_bar

HOLDERS = 12
UNITS = {
    "": 1,
    "b": 1,
    "bytes": 1,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
}
ASKED = re.compile(r"(?:[Tt]ried to allocate|can't allocate memory: you tried to allocate)\s+([\d.]+)\s*([A-Za-z]*)")
LIBRARIES = ("/site-packages/", "/dist-packages/", "/torch/", "<frozen", "??")
OWNER = Callable[[Sequence[Mapping[str, Any]]], str]


@dataclass(frozen=True, slots=True)
class Holder:
    """Memory that was taken at one place.

    Attributes:
        where: The line of the user's that took it, or the variable that holds it.
        module: Module of the model that it was in; empty if that is not known.
        num_bytes: Bytes.
        count: Blocks or tensors.
    """

    where: str
    module: str
    num_bytes: float
    count: int


@dataclass(frozen=True, slots=True)
class OutOfMemoryReport:
    """What was found out about an error for lack of memory.

    Attributes:
        message: First line of the error.
        asked: Bytes that were asked for; None if the error does not say.
        reserved: Bytes that torch had from the device; 0 where it has no such cache.
        free: Bytes of these that were free.
        largest_free: The largest free block of these.
        holders: Who held the rest, the largest first.
        advice: What to do, the most useful first.
        notes: What could not be found out.
    """

    message: str
    asked: float | None
    reserved: float
    free: float
    largest_free: float
    holders: tuple[Holder, ...]
    advice: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def picture(self) -> Picture:
        """Give it as a picture with its tables."""
        held = [(each.module or each.where, each.num_bytes) for each in self.holders if each.num_bytes > 0]
        parts = [*held, *([("free, in pieces", self.free)] if self.free else [])]
        svg = share_bar(parts, title="Who holds the memory", unit="bytes") if parts else ""
        rows = tuple((size(h.num_bytes), str(h.count), h.module or "unknown", h.where) for h in self.holders)
        holders = Table("Holders", ("bytes", "blocks", "module", "line or variable"), rows)
        advice = Table("What to do", ("", ""), tuple((str(at), text) for at, text in enumerate(self.advice, 1)))
        return Picture("Out of memory", "\n".join(self.sentences()), svg, (holders, advice))

    def sentences(self) -> list[str]:
        """Give it in sentences, the advice last."""
        told = [self.message]
        if self.asked is not None:
            told.append(f"Asked for: {size(self.asked)}.")
        if self.reserved:
            told.append(
                f"Torch holds {size(self.reserved)}, of which {size(self.free)} are free; the largest free block is "
                f"{size(self.largest_free)}."
            )
        return [*told, *self.notes, *(f"{at}. {text}" for at, text in enumerate(self.advice, 1))]

    def release(self) -> None:
        """Let go of the kept traceback, whose frames keep tensors alive."""
        release()

    def _repr_mimebundle_(self, **_options: object) -> dict[str, str]:
        picture = self.picture()
        return {"text/html": picture.html(), "text/plain": picture.text()}


def report_from(snapshot: Mapping[str, Any], *, message: str, owner: OWNER | None = None) -> OutOfMemoryReport:
    """Read a snapshot of torch's caching allocator.

    Args:
        snapshot: What `torch.cuda.memory._snapshot()` gives.
        message: The error's own words.
        owner: Gives the module that a stack of frames belongs to; empty for unknown.
    """
    segments = snapshot.get("segments", ())
    reserved, free, largest = fragmentation(segments)
    asked = asked_for(message)
    held: dict[tuple[str, str], list[float]] = {}
    nameless = 0
    for block in (block for segment in segments for block in segment.get("blocks", ())):
        if not str(block.get("state", "")).startswith("active"):
            continue
        frames = block.get("frames") or (block.get("history") or [{}])[0].get("frames") or ()
        nameless += not frames
        key = (line_of(frames), owner(frames) if owner else "")
        held.setdefault(key, []).append(float(block.get("requested_size", block.get("size", 0))))
    holders = sorted((Holder(*key, sum(each), len(each)) for key, each in held.items()), key=lambda h: -h.num_bytes)
    notes = (
        (f"{nameless} blocks were taken before the recording began, so their lines are not known.",) if nameless else ()
    )
    advice = advise(asked, free, largest, held=sum(each.num_bytes for each in holders))
    return OutOfMemoryReport(
        first_line(message), asked, reserved, free, largest, tuple(holders[:HOLDERS]), advice, notes
    )


def report_of_tensors(message: str) -> OutOfMemoryReport:
    """Look at the tensors that are alive, where there is no caching allocator to ask (CPU, MPS)."""
    names = _names()
    torch = sys.modules.get("torch")
    found: dict[int, Holder] = {}
    for each in gc.get_objects() if torch else ():
        if not issubclass(type(each), torch.Tensor) or each.is_meta:  # type: ignore[union-attr]  # torch is loaded here
            continue
        storage = each.untyped_storage()
        if storage.data_ptr() in found or not storage.nbytes():
            continue
        shape = "×".join(map(str, each.shape)) or "scalar"
        where = f"{names.get(id(each), 'a tensor')}: {shape} {str(each.dtype).removeprefix('torch.')}"
        found[storage.data_ptr()] = Holder(where, "", float(storage.nbytes()), 1)
    holders = sorted(found.values(), key=lambda h: -h.num_bytes)
    asked = asked_for(message)
    advice = advise(asked, 0, 0, held=sum(each.num_bytes for each in holders))
    notes = ("This device has no caching allocator to ask; listed are the tensors that Python holds.",)
    return OutOfMemoryReport(first_line(message), asked, 0, 0, 0, tuple(holders[:HOLDERS]), advice, notes)


def advise(asked: float | None, free: float, largest_free: float, *, held: float) -> tuple[str, ...]:
    """Say what to do, the most useful first.

    Args:
        asked: Bytes that were asked for.
        free: Free bytes in torch's cache.
        largest_free: The largest free block there.
        held: Bytes that tensors hold.
    """
    advice = []
    if asked and free >= asked > largest_free:
        advice.append(
            f"{size(free)} are free, but in pieces of at most {size(largest_free)}: set "
            "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True before torch is imported."
        )
    if asked and held and asked > held:
        more = f"more than all others hold ({size(held)}): look at its shape first."
        advice.append(f"One tensor of {size(asked)} was asked for, {more}")
    advice += [
        "Halve the batch and accumulate gradients over two: activations, most of what training holds, are halved.",
        "Recompute activations of the largest blocks on the way back: torch.utils.checkpoint.",
        "Train in bfloat16: torch.autocast(device_type, dtype=torch.bfloat16).",
        "The kept traceback holds the tensors of the failed step: report.release() lets go of them.",
    ]
    return tuple(advice)


def asked_for(message: str) -> float | None:
    """Read how many bytes an error says were asked for."""
    found = ASKED.search(message)
    if found is None:
        return None
    return float(found[1]) * UNITS.get(found[2].lower(), 1)


def line_of(frames: Sequence[Mapping[str, Any]]) -> str:
    """Give the innermost line that is not in a library: file, line, function."""
    own = [each for each in frames if not any(mark in str(each.get("filename", "??")) for mark in LIBRARIES)]
    chosen = own[0] if own else (frames[0] if frames else None)
    if chosen is None:
        return "a line that was not recorded"
    return f"{chosen.get('filename')}:{chosen.get('line')} in {chosen.get('name')}"


def first_line(message: str) -> str:
    """Give the first sentence of an error."""
    return (message.strip().splitlines() or ["out of memory"])[0][:400]


def release() -> None:
    """Let go of the traceback that Python and IPython keep, and of what its frames hold."""
    for name in ("last_traceback", "last_value", "last_exc", "last_type"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    gc.collect()


def _names() -> dict[int, str]:
    return {id(value): name for name, value in list(notebook_variables().items()) if not name.startswith("_")}
