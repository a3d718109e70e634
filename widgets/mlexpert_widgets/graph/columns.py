"""A graph for the browser: one list a property, by the order of the modules; texts that repeat are named once."""

from collections.abc import Sequence
from typing import Any

from mlexpert_widgets.graph.fold import signatures
from mlexpert_widgets.graph.walk import Entry, Spec
from mlexpert_widgets.graph.words import shapes


def columns(entries: Sequence[Entry], flops: Sequence[int] | None, edges: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Give a graph as columns.

    Returns:
        `names`, `parents`, `params`, `own`, `flops` (empty if nothing has run), `bytes`, `activations`, `calls`,
        `order` and `signatures` as numbers or texts of each module; `kinds`, `inputs`, `outputs` as places in `texts`;
        `tied` and `failed` as texts by module where there are any; `edges` as one flat list.
    """
    texts: dict[str, int] = {}

    def place(text: str) -> int:
        return texts.setdefault(text, len(texts))

    return {
        "names": [entry.name for entry in entries],
        "parents": [entry.parent for entry in entries],
        "params": [entry.total for entry in entries],
        "own": [entry.own for entry in entries],
        "flops": list(flops) if flops else [],
        "bytes": [entry.num_bytes for entry in entries],
        "activations": [entry.activation_bytes for entry in entries],
        "calls": [entry.calls for entry in entries],
        "order": [entry.order for entry in entries],
        "signatures": signatures(entries),
        "kinds": [place(type(entry.module).__name__) for entry in entries],
        "inputs": [place(_told(entry.inputs)) for entry in entries],
        "outputs": [place(_told(entry.outputs)) for entry in entries],
        "texts": list(texts),
        "tied": {str(e.index): ", ".join(f"{n} with {p}" for n, p in e.tied.items()) for e in entries if e.tied},
        "failed": {str(entry.index): entry.failed for entry in entries if entry.failed},
        "edges": [end for edge in edges for end in edge],
    }


def _told(specs: Sequence[Spec]) -> str:
    kinds = " ".join(dict.fromkeys(each.dtype for each in specs))
    return f"{shapes(specs)} {kinds}".strip()
