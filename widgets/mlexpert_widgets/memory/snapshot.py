"""What a snapshot of torch's caching allocator says: who holds the memory, and how the rest is cut up."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LIBRARIES = ("/site-packages/", "/dist-packages/", "<frozen", "??")
UNKNOWN = "a line that was not recorded"
Frames = Sequence[Mapping[str, Any]]
Owner = Callable[[Frames], str]


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
class Segments:
    """The segments of one kind that torch has from the device.

    Attributes:
        kind: What they are for.
        count: How many there are.
        reserved: Their bytes.
        free: Bytes of these that hold nothing.
        largest: The largest free block in one of them.
    """

    kind: str
    count: int
    reserved: float
    free: float
    largest: float


def device_of(snapshot: Mapping[str, Any], device: int | None) -> list[Mapping[str, Any]]:
    """Give the segments of one device; of all if the device is not known."""
    segments = snapshot.get("segments", ())
    return [each for each in segments if device is None or each.get("device", device) == device]


def asked_in(snapshot: Mapping[str, Any]) -> float | None:
    """Give the bytes that were asked for when memory ran out, by the recorded history; None if it is not there."""
    traces = [entry for trace in snapshot.get("device_traces", ()) for entry in trace]
    return next((float(each["size"]) for each in reversed(traces) if each.get("action") == "oom"), None)


def holders_in(segments: Iterable[Mapping[str, Any]], owner: Owner | None) -> tuple[list[Holder], int]:
    """List who holds memory, the most first, and count the blocks whose lines were not recorded.

    Args:
        segments: Of the snapshot.
        owner: Gives the module that a stack of frames belongs to; empty for unknown.
    """
    held: dict[tuple[str, str], list[float]] = {}
    nameless = 0
    for block in _blocks(segments):
        if not str(block.get("state", "")).startswith("active"):
            continue
        frames = block.get("frames") or (block.get("history") or [{}])[0].get("frames") or ()
        nameless += not frames
        key = (line_of(frames), owner(frames) if owner else "")
        held.setdefault(key, []).append(float(block.get("requested_size", block.get("size", 0))))
    found = [Holder(*key, sum(each), len(each)) for key, each in held.items()]
    return sorted(found, key=lambda each: -each.num_bytes), nameless


def kinds_of(segments: Iterable[Mapping[str, Any]]) -> list[Segments]:
    """Put the segments of one kind together: what they hold, and how the rest is cut up."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in segments:
        found.setdefault(_kind(each), []).append(each)
    return [_together(kind, each) for kind, each in found.items()]


def line_of(frames: Frames) -> str:
    """Give the innermost line that is not in a library: file, line, function."""
    own = [each for each in frames if not in_library(str(each.get("filename", "??")))]
    chosen = own[0] if own else (frames[0] if frames else None)
    return UNKNOWN if chosen is None else f"{chosen.get('filename')}:{chosen.get('line')} in {chosen.get('name')}"


def in_library(file: str) -> bool:
    """Tell whether a file is not the user's."""
    return any(mark in file.replace("\\", "/") for mark in LIBRARIES)


def _together(kind: str, segments: Sequence[Mapping[str, Any]]) -> Segments:
    free = [float(each["size"]) for each in _blocks(segments) if each.get("state") == "inactive"]
    reserved = sum(float(each["total_size"]) for each in segments)
    return Segments(kind, len(segments), reserved, sum(free), max(free, default=0.0))


def _kind(segment: Mapping[str, Any]) -> str:
    pool = tuple(segment.get("segment_pool_id", (0, 0)))
    size = "blocks up to 1 MiB" if segment.get("segment_type") == "small" else "larger blocks"
    grows = ", expandable" if segment.get("is_expandable") else ""
    private = "" if pool == (0, 0) else ", of a CUDA graph or a pool of its own"
    return f"{size}{grows}{private}"


def _blocks(segments: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (block for segment in segments for block in segment.get("blocks", ()))
