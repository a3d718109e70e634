"""What the message of an out-of-memory error tells, of CUDA, ROCm, MPS and the CPU's allocator."""

import re
from dataclasses import dataclass

# torch counts by 1024 whether it writes KB or KiB
POWERS = {"": 0, "b": 0, "bytes": 0, "kib": 1, "kb": 1, "mib": 2, "mb": 2, "gib": 3, "gb": 3, "tib": 4, "tb": 4}
SIZE = r"([\d.]+) ?([KMGT]?i?B|bytes)\b"
ASKED = re.compile(rf"tried to allocate {SIZE}", re.IGNORECASE)
DEVICE = re.compile(r"\bGPU (\d+) has a total capacity")
FACTS = {
    "capacity": re.compile(rf"(?:total capacity of|max allowed:) {SIZE}"),
    "free": re.compile(rf"of which {SIZE} is free"),
    "allocated": re.compile(rf"(?:memory {SIZE} is allocated by PyTorch|MPS allocated: {SIZE})"),
}
OTHERS = re.compile(rf"Process (\d+) has {SIZE} memory in use")
MARKS = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad allocation", "bad_alloc")
LONGEST = 400  # letters


@dataclass(frozen=True, slots=True)
class Told:
    """What a message tells; None for what it does not.

    Attributes:
        asked: Bytes that were asked for.
        device: Number of the GPU, as torch counts.
        capacity: Bytes that the device has, or that torch may use.
        free: Bytes of these that nobody uses.
        allocated: Bytes that tensors hold.
        others: Process id and bytes of the other processes on the device.
    """

    asked: float | None = None
    device: int | None = None
    capacity: float | None = None
    free: float | None = None
    allocated: float | None = None
    others: tuple[tuple[int, float], ...] = ()


def told_by(message: str) -> Told:
    """Read the message of an error."""
    device = DEVICE.search(message)
    facts = {name: _bytes(found.groups()) for name, pattern in FACTS.items() if (found := pattern.search(message))}
    asked = ASKED.search(message)
    others = tuple((int(pid), _bytes(rest)) for pid, *rest in OTHERS.findall(message))
    return Told(_bytes(asked.groups()) if asked else None, int(device[1]) if device else None, **facts, others=others)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is for lack of memory: of CUDA, MPS, the CPU's allocator or Python's own."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(mark in str(error).lower() for mark in MARKS)


def first_sentence(message: str) -> str:
    """Give the beginning of a message, up to what it asked for."""
    line = (message.strip().splitlines() or ["out of memory"])[0]
    asked = ASKED.search(line)
    return (line[: asked.end()] if asked else line)[:LONGEST]


def _bytes(found: tuple[str | None, ...] | list[str]) -> float:
    number, name = [each for each in found if each is not None][:2]
    return float(number) * 1024.0 ** POWERS[name.lower()]
