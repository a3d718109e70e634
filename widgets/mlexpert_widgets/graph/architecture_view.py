"""The view of an architecture: a diagram and a tree of a model's modules, with what they cost and what was measured."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import traitlets
from torch import nn

from mlexpert_widgets.graph.figure import figure_of
from mlexpert_widgets.graph.model_graph import ModelGraph
from mlexpert_widgets.graph.words import count, shapes
from mlexpert_widgets.live.amounts import size
from mlexpert_widgets.live.picture import Picture, Table
from mlexpert_widgets.live.plot import Plot
from mlexpert_widgets.live.view import View, bundle, style

ROWS = 120  # in the table of a frozen picture
LARGEST = 100_000  # characters of a frozen picture
FEWER = (40, 24, 12, 6)  # boxes to try, until the picture is small enough


class ArchitectureView(View):
    """A model as a diagram that opens and closes, with search, zoom, a keyboard tree and exports.

    Attributes:
        graph: Columns of the graph; see `columns.py`.
        exact: Whether the arrows are what flowed in a run.
        notes: What could not be found out.
        overlays: Measured values by module path, to colour the diagram by.
        mermaid: The graph for Mermaid.
        dot: The graph for Graphviz.
    """

    _esm = bundle("architecture_view")
    _css = style("graph/architecture_view.css")
    graph = traitlets.Dict().tag(sync=True)
    exact = traitlets.Bool(default_value=False).tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    overlays = traitlets.List(traitlets.Dict()).tag(sync=True)
    mermaid = traitlets.Unicode().tag(sync=True)
    dot = traitlets.Unicode().tag(sync=True)

    def __init__(self, model: nn.Module | ModelGraph, example_inputs: Any = None) -> None:
        """Show a model.

        Args:
            model: Any module, or a graph of one.
            example_inputs: As for `ModelGraph`; without them there are no shapes and no cost.

        Raises:
            TypeError: The model is neither.
        """
        self._model_graph = model if isinstance(model, ModelGraph) else ModelGraph(model, example_inputs)
        found = self._model_graph
        super().__init__(
            graph=found.columns(),
            exact=found.exact,
            notes=list(found.notes),
            mermaid=found.to_mermaid(),
            dot=found.to_dot(),
        )

    @property
    def model_graph(self) -> ModelGraph:
        """The graph that is shown."""
        return self._model_graph

    def overlay(self, name: str, values: Mapping[str, float], *, unit: str = "") -> None:
        """Add measured values, or replace those of the same name; the browser offers to colour the modules by them.

        Args:
            name: What was measured ("latency").
            values: By module path.
            unit: Of the values; "B" is shown as KiB, MiB, GiB.

        Raises:
            KeyError: A path is not one of the model's.
            ValueError: A value is not finite.
        """
        known = {entry.path for entry in self._model_graph.entries}
        measured = {path: float(value) for path, value in values.items()}
        for path, value in measured.items():
            if path not in known:
                raise KeyError(f"no module at {path!r}; the paths are those of named_modules()")
            if not math.isfinite(value):
                raise ValueError(f"{name} of {path!r} is {value}; leave out what was not measured")
        others = [each for each in self.overlays if each["name"] != name]
        self.overlays = [*others, {"name": name, "unit": unit, "values": measured}]
        self.changed()

    def to_svg(self, path: str | Path | None = None) -> str:
        """Give the diagram as SVG, and write it if there is a path."""
        return _written(self._model_graph.to_svg(), path)

    def to_png(self, path: str | Path) -> None:
        """Write the diagram as PNG."""
        Path(path).write_bytes(self.plot().png(dpi=144))

    def to_mermaid(self) -> str:
        """Give the graph for Mermaid."""
        return self._model_graph.to_mermaid()

    def to_dot(self) -> str:
        """Give the graph for Graphviz."""
        return self._model_graph.to_dot()

    def to_json(self) -> str:
        """Give every module and edge as JSON."""
        return self._model_graph.to_json()

    def picture(self) -> Picture:
        """Give the diagram with repeats drawn once, and a table of the modules."""
        graph = self._model_graph
        drawn = (graph.to_svg(limit) for limit in FEWER)
        svg = next((each for each in drawn if len(each) <= LARGEST), graph.to_svg(1))
        rows = tuple(
            (node.path or "(model)", node.kind, shapes(node.outputs), f"{node.num_parameters:,}", _cost(node.flops))
            for node in graph.nodes[:ROWS]
        )
        table = Table("Modules", ("module", "class", "output", "parameters", "FLOPs"), tuple(map(_short, rows)))
        return Picture(f"Architecture of {graph.title}", self._sentences(), svg, (table, *self._measured()))

    def plot(self) -> Plot:
        """Draw the diagram with matplotlib."""
        return figure_of(self._model_graph)

    def _sentences(self) -> str:
        graph = self._model_graph
        memory = size(graph.nodes[0].parameter_bytes)
        first = f"{graph.title}: {len(graph.nodes):,} modules, {graph.num_parameters:,} parameters ({memory})"
        cost = "" if graph.flops is None else f", {count(graph.flops)} FLOPs a call ({count(graph.flops / 2)} MACs)"
        return "\n".join((f"{first}{cost}.", *(f"{note}." for note in graph.notes)))

    def _measured(self) -> list[Table]:
        tables = []
        for each in self.overlays:
            ranked = sorted(each["values"].items(), key=lambda pair: -pair[1])[:20]
            told = [size(value) if each["unit"] == "B" else f"{value:.4g} {each['unit']}" for _, value in ranked]
            rows = tuple((path or "(model)", text) for (path, _), text in zip(ranked, told, strict=True))
            tables.append(Table(each["name"].capitalize(), ("module", each["name"]), tuple(map(_short, rows))))
        return tables

    def __repr__(self) -> str:
        return f"ArchitectureView({self._model_graph.title})"


def _cost(flops: int | None) -> str:
    return count(flops) if flops else ""


def _short(row: tuple[str, ...], limit: int = 90) -> tuple[str, ...]:
    """Cut what would not fit; the end of a path says more than its start."""
    return tuple(each if len(each) <= limit else f"…{each[1 - limit :]}" for each in row)


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text
