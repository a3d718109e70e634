"""The graph of a model: every module with its shapes, parameters and cost, and what flows between them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from mlexpert_widgets.graph.columns import columns
from mlexpert_widgets.graph.export import to_dot, to_mermaid, to_text
from mlexpert_widgets.graph.fold import BOXES
from mlexpert_widgets.graph.svg import draw
from mlexpert_widgets.graph.trace import Flow, NeedsValuesError, first_line, trace
from mlexpert_widgets.graph.walk import UNINITIALIZED, Entry, Spec, walk

CALL_ORDER = "the arrows follow the order of the children, since nothing has run"


@dataclass(frozen=True, slots=True)
class Node:
    """One module.

    Attributes:
        path: Its name in `named_modules()`; empty for the model itself.
        kind: Name of its class.
        parent: Path of its parent; None for the model.
        children: Paths of its children.
        num_parameters: Parameters under it, each counted once.
        own_parameters: Its own, without those of its children.
        tied: Own parameters that another module has too: their names, and that module's path.
        inputs: Shape and dtype of each tensor of its first call.
        outputs: Shape and dtype of each tensor that it gave.
        calls: How often it ran; 0 if it did not.
        flops: Floating point operations under it, over all calls; a multiply-add is two. None if nothing has run.
        parameter_bytes: Bytes of its parameters and buffers.
        activation_bytes: Bytes of what it gave, over all calls.
        failed: What it stopped with; empty if it did not.
    """

    path: str
    kind: str
    parent: str | None
    children: tuple[str, ...]
    num_parameters: int
    own_parameters: int
    tied: Mapping[str, str]
    inputs: tuple[Spec, ...]
    outputs: tuple[Spec, ...]
    calls: int
    flops: int | None
    parameter_bytes: int
    activation_bytes: int
    failed: str

    @property
    def macs(self) -> int | None:
        """Multiply-adds: half of the operations."""
        return None if self.flops is None else self.flops // 2


class ModelGraph:
    """What a model is made of; the model is left as it was.

    Attributes:
        notes: What could not be found out, and why, in sentences.
        edges: From which module to which, as indices into `nodes`. From a container to its child is from what the
            container was given, and from a child to its container into what it gave; all others are from one module to
            another that gets what it gave.
        exact: Whether the edges are what flowed in a run; else they follow the order of the children.
    """

    def __init__(self, model: nn.Module, example_inputs: Any = None) -> None:
        """Read a model, and run it once if there are inputs.

        Args:
            model: Any module; may be on the meta device, without weights.
            example_inputs: A tensor, or a tuple of the positional arguments, or a mapping of the named ones; for a
                model whose one argument is a mapping, a tuple with it. None for the modules and parameters alone.

        Raises:
            TypeError: The model is not a module.
        """
        if not isinstance(model, nn.Module):
            raise TypeError(f"a ModelGraph is of a torch.nn.Module, not of {type(model).__name__}")
        self.notes: list[str] = []
        original = getattr(model, "_orig_mod", None)
        if isinstance(original, nn.Module):
            model = original
            self.notes.append("the model is compiled; shown is the one that it was compiled from")
        self._entries = walk(model)
        self.edges: tuple[tuple[int, int], ...] = ()
        self.exact = example_inputs is not None
        parameters = [each for entry in self._entries for each in entry.module._parameters.values() if each is not None]  # noqa: SLF001 - parameters() recurses
        lazy = any(isinstance(each, UNINITIALIZED) for each in parameters)
        if lazy:
            self.notes.append("some layers get their parameters in the first call; they are not counted")
        if example_inputs is None or lazy:
            self.exact = False
            self._in_order(CALL_ORDER)
        else:
            device = parameters[0].device if parameters else torch.device("cpu")
            self._run(*_arguments(example_inputs, device))

    @property
    def entries(self) -> Sequence[Entry]:
        """What was found of each module, in the order of `named_modules()`."""
        return self._entries

    @property
    def num_parameters(self) -> int:
        """Parameters of the model, each counted once."""
        return self._entries[0].total

    @property
    def num_trainable(self) -> int:
        """Parameters that are trained, each counted once."""
        return self._entries[0].trainable

    @property
    def flops(self) -> int | None:
        """Floating point operations of one call; None if nothing has run."""
        return self._flops[0] if self._ran else None

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every module, the model first, in the order of `named_modules()`."""
        paths = [entry.path for entry in self._entries]
        return tuple(
            Node(
                path=entry.path,
                kind=type(entry.module).__name__,
                parent=paths[entry.parent] if entry.parent >= 0 else None,
                children=tuple(paths[each] for each in entry.children),
                num_parameters=entry.total,
                own_parameters=entry.own,
                tied=entry.tied,
                inputs=entry.inputs,
                outputs=entry.outputs,
                calls=entry.calls,
                flops=self._flops[entry.index] if self._ran else None,
                parameter_bytes=entry.num_bytes,
                activation_bytes=entry.activation_bytes,
                failed=entry.failed,
            )
            for entry in self._entries
        )

    def node(self, path: str) -> Node:
        """Give one module by its path.

        Raises:
            KeyError: There is no such module.
        """
        found = next((each for each in self.nodes if each.path == path), None)
        if found is None:
            raise KeyError(f"no module at {path!r}; the paths are those of named_modules()")
        return found

    def to_svg(self, limit: int = BOXES) -> str:
        """Draw it as SVG with at most so many boxes; deeper modules stay closed, repeats are drawn once."""
        return draw(self._entries, self.edges, exact=self.exact, limit=limit)

    def to_dot(self) -> str:
        """Give it for Graphviz."""
        return to_dot(self._entries, self.edges)

    def to_mermaid(self) -> str:
        """Give it for Mermaid."""
        return to_mermaid(self._entries, self.edges)

    def to_text(self) -> str:
        """Give it as a table for a terminal."""
        return to_text(self._entries, self._flops if self._ran else None)

    def to_json(self) -> str:
        """Give every module and edge as JSON; a parent and the ends of an edge are places in `nodes`."""
        nodes = [
            {
                "path": entry.path,
                "kind": type(entry.module).__name__,
                "parent": entry.parent if entry.parent >= 0 else None,
                "num_parameters": entry.total,
                "own_parameters": entry.own,
                "tied": entry.tied,
                "inputs": [{"shape": each.shape, "dtype": each.dtype} for each in entry.inputs],
                "outputs": [{"shape": each.shape, "dtype": each.dtype} for each in entry.outputs],
                "calls": entry.calls,
                "flops": self._flops[entry.index] if self._ran else None,
                "macs": self._flops[entry.index] // 2 if self._ran else None,
                "parameter_bytes": entry.num_bytes,
                "activation_bytes": entry.activation_bytes,
                "failed": entry.failed,
            }
            for entry in self._entries
        ]
        facts = {"title": self.title, "num_parameters": self.num_parameters, "flops": self.flops, "notes": self.notes}
        return json.dumps({**facts, "exact": self.exact, "nodes": nodes, "edges": self.edges}, ensure_ascii=False)

    def columns(self) -> dict[str, Any]:
        """Give it for the browser: one list a property, shapes and classes named once."""
        return columns(self._entries, self._flops if self._ran else None, self.edges)

    @property
    def title(self) -> str:
        """Name of the model's class."""
        return type(self._entries[0].module).__name__

    @cached_property
    def _ran(self) -> bool:
        return any(entry.calls for entry in self._entries)

    @cached_property
    def _flops(self) -> list[int]:
        """Operations under each module."""
        sums = [entry.flops for entry in self._entries]
        for entry in reversed(self._entries[1:]):
            sums[entry.parent] += sums[entry.index]
        return sums

    def _run(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        flow = trace(self._entries, arguments, named, rules=True)
        if flow.error is not None:
            _forget(self._entries)
            flow = trace(self._entries, arguments, named, rules=False)
        self.edges = flow.edges
        for entry in reversed(self._entries[1:]):
            parent = self._entries[entry.parent]
            if not parent.calls and entry.order >= 0:
                parent.order = entry.order if parent.order < 0 else min(entry.order, parent.order)
        if flow.error is not None:
            self._say_where(flow)
        scripts = [entry for entry in self._entries if isinstance(entry.module, torch.jit.ScriptModule)]
        if scripts:
            self.notes.append(f"what runs inside TorchScript ({_some(scripts)}) is counted but not seen")
        known = {entry.index for entry in scripts}
        uncalled = [e for e in self._entries if not e.calls and not e.children and e.index not in known]
        if uncalled and flow.error is None:
            self.notes.append(f"{_some(uncalled)} did not run with these inputs")

    def _say_where(self, flow: Flow) -> None:
        failed = next((entry for entry in self._entries if entry.failed), None)
        where = (
            f"in {failed.path or 'the model itself'} ({type(failed.module).__name__})" if failed else "at its inputs"
        )
        error = flow.error or NeedsValuesError()
        text = f"{type(error).__name__}: {first_line(error)}"
        self.notes.append(f"the forward pass stopped {where}: {text}; what ran before it is shown")

    def _in_order(self, why: str) -> None:
        """Connect the children of each container in their order."""
        edges = []
        for entry in self._entries:
            edges += list(zip(entry.children, entry.children[1:], strict=False))
        self.edges = tuple(edges)
        if edges:
            self.notes.append(why)

    def __repr__(self) -> str:
        cost = "" if self.flops is None else f", {self.flops:,} FLOPs"
        return f"ModelGraph({self.title}: {len(self._entries)} modules, {self.num_parameters:,} parameters{cost})"


def _arguments(example_inputs: Any, device: torch.device) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Read inputs as the arguments of a call, on the model's device."""
    if isinstance(example_inputs, Mapping):
        return (), {str(name): _on(value, device) for name, value in example_inputs.items()}
    if isinstance(example_inputs, tuple):
        return tuple(_on(value, device) for value in example_inputs), {}
    return (_on(example_inputs, device),), {}


def _on(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {key: _on(each, device) for key, each in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_on(each, device) for each in value)
    return value


def _forget(entries: Sequence[Entry]) -> None:
    """Drop what a run has found that did not come to its end."""
    for entry in entries:
        entry.calls = entry.flops = entry.activation_bytes = 0
        entry.inputs, entry.outputs, entry.failed, entry.order = (), (), "", -1


def _some(entries: Sequence[Entry], limit: int = 3) -> str:
    names = ", ".join(entry.path or "the model" for entry in entries[:limit])
    return names if len(entries) <= limit else f"{names} and {len(entries) - limit} more"
