"""Numbers and shapes of a graph in words that fit into a box."""

from collections.abc import Sequence

from mlexpert_widgets.graph.walk import Spec

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: float) -> str:
    """Give a number of things in three digits: 124M."""
    for size, letter in _STEPS:
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def size(num_bytes: float) -> str:
    """Give bytes in three digits, by 1024: 95.3 MiB."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if num_bytes >= 1024**power:
            return f"{num_bytes / 1024**power:.3g} {unit}"
    return f"{num_bytes:g} B"


def shapes(specs: Sequence[Spec], limit: int = 2) -> str:
    """Give the shapes of some tensors."""
    told = ", ".join(str(each) for each in specs[:limit])
    return f"{told}, …" if len(specs) > limit else told


def cut(text: str, limit: int) -> str:
    """Cut text to so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
