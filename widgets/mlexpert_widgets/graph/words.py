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


def shapes(specs: Sequence[Spec], limit: int = 2) -> str:
    """Give the shapes of some tensors."""
    told = ", ".join(str(each) for each in specs[:limit])
    return f"{told}, …" if len(specs) > limit else told


def cut(text: str, limit: int) -> str:
    """Cut text to so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
