"""Numbers and shapes of a graph in words that fit into a box."""

from collections.abc import Sequence

from mlexpert_widgets.graph.walk import Spec

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: float) -> str:
    """Give a number of things in three digits: 124M."""
    for step, letter in _STEPS:
        if abs(value) >= 0.9995 * step:  # what rounds up to it is one of it
            return f"{float(f'{value / step:.3g}'):g}{letter}"
    return f"{float(f'{value:.3g}'):g}"


def size(num_bytes: float) -> str:
    """Give bytes in three digits, by 1024: 95.3 MiB."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if num_bytes >= 1024**power:
            value = num_bytes / 1024**power
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"  # noqa: PLR2004 - no exponent
    return f"{num_bytes:g} B"


def shapes(specs: Sequence[Spec], limit: int = 2) -> str:
    """Give the shapes of some tensors."""
    told = ", ".join(str(each) for each in specs[:limit])
    return f"{told}, …" if len(specs) > limit else told


def cut(text: str, limit: int) -> str:
    """Cut text to so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
