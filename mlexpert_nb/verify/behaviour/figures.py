"""Figures of a network, as plain data: no torch here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from mlexpert_nb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a network: its name, its class, its parameters."""

    name: str
    kind: str
    num_parameters: int


@dataclass(frozen=True, slots=True)
class Benchmark:
    """How fast and how large a network is.

    Attributes:
        network: Name of its class.
        inputs: What it was measured on.
        device: Where.
        threads: Threads of the CPU.
        num_parameters: All of them.
        parts: Parameters by part.
        forward_ms: p50 and p95 of a forward pass in evaluation mode.
        training_ms: The same with the backward pass in training mode; None where there is none.
        examples_per_s: Examples that go through a forward pass in a second.
        flops: Floating point operations of a forward pass; None where they cannot be counted.
        inference_bytes: Parameters and buffers.
        training_bytes: These, gradients, the state of Adam, and what the backward pass needs: an estimate.
        target_ms: What a forward pass may take at the median; None if nothing was asked.
    """

    network: str
    inputs: tuple[str, ...]
    device: str
    threads: int
    num_parameters: int
    parts: tuple[Part, ...]
    forward_ms: tuple[float, float]
    training_ms: tuple[float, float] | None
    examples_per_s: float
    flops: int | None
    inference_bytes: int
    training_bytes: int
    target_ms: float | None = None

    @property
    def passed(self) -> bool:
        """Whether it is as fast as was asked."""
        return self.target_ms is None or self.forward_ms[0] <= self.target_ms

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Give the figures as label and text."""
        where = self.device if self.device != "CPU" else f"CPU, {self.threads} thread{'s' * (self.threads > 1)}"
        asked = f"; {self.target_ms:g} ms asked, {'' if self.passed else 'NOT '}met" if self.target_ms else ""
        both = "{:.3g} ms (p50), {:.3g} ms (p95)"
        return (
            ("Parameters", f"{self.num_parameters:,}"),
            ("Forward", f"{both.format(*self.forward_ms)} on {where}{asked}"),
            (
                "Forward and backward",
                both.format(*self.training_ms) if self.training_ms else "cannot be trained on this",
            ),
            ("Throughput", f"{self.examples_per_s:,.0f} examples/s"),
            ("Operations", "cannot be counted" if self.flops is None else f"{self.flops:,} a forward pass"),
            ("Memory", f"{size(self.inference_bytes)} to run, about {size(self.training_bytes)} to train with Adam"),
            ("Measured on", ", ".join(self.inputs)),
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain data."""
        return {**asdict(self), "passed": self.passed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            UsageError: It is something else.
        """
        try:
            values = {name: data[name] for name in cls.__dataclass_fields__}
            values |= {
                "inputs": tuple(map(str, data["inputs"])),
                "parts": tuple(Part(str(p["name"]), str(p["kind"]), int(p["num_parameters"])) for p in data["parts"]),
                "forward_ms": _pair(data["forward_ms"]),
                "training_ms": None if data["training_ms"] is None else _pair(data["training_ms"]),
            }
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"these are no figures of a network ({error}); measure again") from error

    def __str__(self) -> str:
        """Give the text for a notebook or a terminal."""
        lines = [self.network, *(f"  {label + ':':<22}{text}" for label, text in self.rows)]
        return "\n".join(
            [*lines, *(f"    {each.name:<20}{each.num_parameters:>14,}  {each.kind}" for each in self.parts)]
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        printer.text(type(self).__name__ if cycle else str(self))


def size(count: float) -> str:
    """Give a number of bytes as people read it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - SI units
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _pair(values: Any) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)
