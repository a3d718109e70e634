"""What was measured about each entry when it was last proven: `make catalogue` and `make oracles` write it down."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from mlexpert_nb.packages import Json

FILE = "verified.json"


@dataclass(frozen=True, slots=True)
class Oracle:
    """How far an entry is from the library that everybody trusts, after a copy of the weights.

    Attributes:
        name: Library and class.
        output: Largest difference of the outputs in float64; None where it was not compared.
        output_float32: The same in float32.
        gradient: Largest difference of the gradients in float64.
        parameters: Parameters of both; None where they were not compared.
    """

    name: str
    output: float | None = None
    output_float32: float | None = None
    gradient: float | None = None
    parameters: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What was measured about an entry.

    Attributes:
        date: Day on which it last went through the whole gate, as `2026-11-28`; empty if it never did.
        status: What the judge said.
        seconds: How long that took, plan to commit.
        tests: Tests of its own that passed.
        coverage: Lines of its source that they reach, in percent.
        kill_rate: Share of planted faults that they find; None where it was not measured.
        oracles: What it was compared with.
    """

    date: str = ""
    status: str = "not verified"
    seconds: float = 0.0
    tests: int = 0
    coverage: float = 0.0
    kill_rate: float | None = None
    oracles: tuple[Oracle, ...] = ()


def verified(name: str) -> Verified:
    """Give what was measured about an entry."""
    return _read().get(name, Verified())


@cache
def _read() -> Mapping[str, Verified]:
    text = (resources.files("mlexpert_nb.catalogue") / FILE).read_text("utf-8")
    return {name: _one(facts) for name, facts in json.loads(text).items()}


def _one(facts: Mapping[str, Json]) -> Verified:
    values = dict(facts)
    listed = values.pop("oracles", [])
    oracles = tuple(Oracle(**each) for each in listed) if isinstance(listed, list) else ()  # type: ignore[arg-type]  # our own file
    return Verified(**values, oracles=oracles)  # type: ignore[arg-type]  # our own file
