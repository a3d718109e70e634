"""What a network reads: one slot an input, drawn at random, in any batch size and length, and as code that draws it.

Shapes: B batch (or the nodes of a graph), T length (time, tokens, elements of a set), E edges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["float", "ids", "mask", "lengths", "edges", "zeros", "unit", "range"]
Size = int | Literal["B", "T", "E"]
Inputs = dict[str, Tensor]
Template = object  # the name of a slot, or a tuple, list or dict of templates
STEP = 3  # row i of a mask leaves out i % 3 positions: the first row is whole
EDGES = 3  # edges for each node


@dataclass(frozen=True, slots=True)
class Slot:
    """One input.

    Attributes:
        name: Name of the argument of `forward`.
        kind: How it is drawn: normal numbers, ids below `high`, True at the front of each row, the lengths that go
            with that, pairs of row numbers, zeros, numbers from 0 to 1, or numbers from `low` to `high`.
        shape: Sizes; "B", "T" and "E" stand for the batch size, the length and the number of edges.
        low: Smallest id or number.
        high: Ids are below it, numbers at most that.
        dtype: Name of the type of its elements.
        inverted: Whether a mask is True where there is nothing.
        settled: Whether its name, its examples, the docstring or a claim says what True means in a mask.
    """

    name: str
    kind: Kind
    shape: tuple[Size, ...]
    low: float = 0
    high: float = 0
    dtype: str = "float32"
    inverted: bool = False
    settled: bool = True

    @property
    def length_axis(self) -> int | None:
        """Axis along which positions stand; None if there is none, or for a mask."""
        found = [axis for axis, size in enumerate(self.shape) if size == "T"]
        return found[0] if len(found) == 1 and self.kind in ("float", "ids", "unit", "range") else None

    @property
    def is_content(self) -> bool:
        """Whether it carries what the network is about, and says not only which part of it counts."""
        return self.kind not in ("mask", "lengths", "edges", "zeros")

    def draw(self, batch: int, length: int, generator: torch.Generator, *, whole: bool = False) -> Tensor:
        """Draw it; with `whole` no mask leaves anything out."""
        known = {"B": batch, "T": length, "E": EDGES * batch}
        sizes = [size if isinstance(size, int) else known[size] for size in self.shape]
        dtype: torch.dtype = getattr(torch, self.dtype)
        positions = sizes[1] if self.kind == "mask" else length
        lengths = (positions - (0 if whole else 1) * (torch.arange(batch) % STEP)).clamp(min=1)
        kept = torch.arange(positions) < lengths[:, None]
        low, high = self._range
        match self.kind:
            case "ids":
                drawn = torch.randint(int(self.low), int(self.high), sizes, generator=generator)
            case "mask":
                drawn = ~kept if self.inverted else kept
            case "lengths":
                drawn = kept.sum(1)
            case "edges":
                drawn = torch.randint(0, batch, (2, EDGES * batch), generator=generator)
            case "zeros":
                drawn = torch.zeros(sizes)
            case "unit" | "range":
                drawn = low + (high - low) * torch.rand(sizes, generator=generator)
            case _:
                drawn = torch.randn(sizes, generator=generator)
        return drawn.to(dtype)

    def code(self) -> str:
        """Give the expression that draws the same; it stands where `batch`, `LENGTH`, `kept` and `generator` are."""
        known = {"B": "batch", "T": "LENGTH", "E": f"{EDGES} * batch"}
        sizes = ", ".join(known.get(str(size), str(size)) for size in self.shape)
        shape = f"({sizes},)" if len(self.shape) == 1 else f"({sizes})"
        seed, (low, high) = "generator=generator", self._range
        code = {
            "ids": f"torch.randint({int(self.low)}, {int(self.high)}, {shape}, {seed})",
            "mask": f"({'~' if self.inverted else ''}{self._kept})",
            "lengths": "kept.sum(1)",
            "edges": f"torch.randint(0, batch, (2, {EDGES} * batch), {seed})",
            "zeros": f"torch.zeros({shape})",
            "unit": f"torch.rand({shape}, {seed})",
            "range": f"({low} + {high - low} * torch.rand({shape}, {seed}))",
            "float": f"torch.randn({shape}, {seed})",
        }[self.kind]
        usual = {"ids": "int64", "mask": "bool", "lengths": "int64", "edges": "int64"}.get(self.kind, "float32")
        return code if self.dtype == usual else f"{code}.to(torch.{self.dtype})"

    @property
    def _kept(self) -> str:
        """Code of the positions that count: those of the length, or of a mask that keeps its own size."""
        size = self.shape[1] if self.kind == "mask" else "T"
        if not isinstance(size, int):
            return "kept"
        left_out = f"(0 if whole else 1) * (torch.arange(batch) % {STEP})"
        return f"(torch.arange({size}) < ({size} - {left_out}).clamp(min=1)[:, None])"

    @property
    def _range(self) -> tuple[float, float]:
        return (self.low, self.high) if self.kind == "range" else (0.0, 1.0)

    def __str__(self) -> str:
        """Say what is read: `tokens (B, T) ids below 40`."""
        kinds = {
            "ids": f"ids below {int(self.high)}",
            "mask": f"{self.dtype} mask, {'nothing' if self.inverted else 'something'} there where it is true",
            "lengths": "lengths of the rows",
            "edges": "pairs of rows",
            "zeros": "zeros",
            "unit": "numbers from 0 to 1",
            "range": f"numbers from {self.low:g} to {self.high:g}",
        }
        shape = ", ".join(map(str, self.shape))
        return f"{self.name} ({shape}{',' if len(self.shape) == 1 else ''}) {kinds.get(self.kind, self.dtype)}"


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a network reads.

    Attributes:
        slots: Its inputs.
        length: Positions in an example, where a slot has any.
        stretches: Whether it also runs on fewer positions.
        by_name: Whether it takes its inputs by name; else by their order.
        nested: Arguments that are a tuple, a list or a dict of tensors, and how each is put together.
    """

    slots: tuple[Slot, ...]
    length: int = 0
    stretches: bool = False
    by_name: bool = True
    nested: Mapping[str, Template] = field(default_factory=dict)

    @property
    def has_rows(self) -> bool:
        """Whether dim 0 of the inputs counts examples, and not the nodes of one graph."""
        return all(slot.kind != "edges" for slot in self.slots)

    def draw(self, batch: int, seed: int, *, length: int = 0, whole: bool = False) -> Inputs:
        """Draw inputs; the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        return {slot.name: slot.draw(batch, length or self.length, generator, whole=whole) for slot in self.slots}

    def arguments(self, inputs: Mapping[str, Tensor]) -> dict[str, object]:
        """Put tensors together to the arguments of `forward`, in their order."""
        return {name: _filled(template, inputs) for name, template in self.templates().items()}

    def templates(self) -> dict[str, Template]:
        """Give how each argument is made of slots: most are one slot."""
        made: dict[str, Template] = {}
        for slot in self.slots:
            owner = next((name for name in self.nested if slot.name.startswith(f"{name}.")), slot.name)
            made[owner] = self.nested.get(owner, slot.name)
        return made


def mixed(reading: Reading, first: Mapping[str, Tensor], other: Mapping[str, Tensor], rows: Sequence[int]) -> Inputs:
    """Give `other`, with some rows of `first` in it."""
    kept = {}
    for slot in reading.slots:
        value = other[slot.name].clone()
        if slot.shape and slot.shape[0] == "B":
            value[list(rows)] = first[slot.name][list(rows)]
        kept[slot.name] = value if slot.shape and slot.shape[0] == "B" else first[slot.name]
    return kept


def _filled(template: Template, inputs: Mapping[str, Tensor]) -> object:
    """Put the tensors into a template."""
    if isinstance(template, dict):
        return {key: _filled(each, inputs) for key, each in template.items()}
    if isinstance(template, (tuple, list)):
        return type(template)(_filled(each, inputs) for each in template)
    return inputs[str(template)]
