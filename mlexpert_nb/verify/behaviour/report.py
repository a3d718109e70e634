"""What an examination found, as plain data: no torch here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from mlexpert_nb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One behaviour of a network.

    Attributes:
        name: Name of the measure, with the inputs it is about behind colons: `causality:tokens`.
        holds: Whether it holds; None where it does not apply or could not be measured.
        must: Whether it has to hold: of every network, or because the network claims it.
        measured: The figure, in words.
        fix: What to do where it does not hold.
    """

    name: str
    holds: bool | None
    must: bool
    measured: str
    fix: str = ""

    @property
    def is_defect(self) -> bool:
        """Whether it has to hold and does not."""
        return self.must and self.holds is False


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found out about one network.

    Attributes:
        network: Name of its class.
        inputs: What it reads, one line an input.
        outputs: What it gives, one line an output.
        num_parameters: Trained ones.
        behaviours: Everything that was measured.
        precision: Kind of number that it was measured in.
    """

    network: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    num_parameters: int
    behaviours: tuple[Behaviour, ...]
    precision: str = "float64"

    @property
    def defects(self) -> tuple[Behaviour, ...]:
        """Behaviours that have to hold and do not."""
        return tuple(each for each in self.behaviours if each.is_defect)

    def to_json(self) -> dict[str, Any]:
        """Give plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            UsageError: It is something else.
        """
        try:
            return cls(
                network=str(data["network"]),
                inputs=tuple(map(str, data["inputs"])),
                outputs=tuple(map(str, data["outputs"])),
                num_parameters=int(data["num_parameters"]),
                behaviours=tuple(_behaviour(each) for each in data["behaviours"]),
                precision=str(data["precision"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"this is no examination of a network ({error}); run it again") from error

    def __str__(self) -> str:
        """Give the text for a notebook or a terminal."""
        lines = [f"{self.network}: {self.num_parameters:,} parameters, measured in {self.precision}"]
        lines += [f"  reads {each}" for each in self.inputs] + [f"  gives {each}" for each in self.outputs]
        for each in sorted(self.behaviours, key=_rank):
            lines.append(f"  {_MARKS[_rank(each)]} {each.name}: {each.measured}")
            if each.is_defect:
                lines.append(f"           {each.fix}")
        return "\n".join(lines)


_MARKS = ("DEFECT ", "ok     ", "no     ", "-      ")


def _rank(behaviour: Behaviour) -> int:
    """Order: defects, what holds, what need not hold and does not, what does not apply."""
    if behaviour.is_defect:
        return 0
    return {True: 1, False: 2, None: 3}[behaviour.holds]


def _behaviour(data: Mapping[str, Any]) -> Behaviour:
    holds = data["holds"]
    if holds is not None and not isinstance(holds, bool):
        raise TypeError(f"holds is {holds!r}")
    return Behaviour(str(data["name"]), holds, data["must"] is True, str(data["measured"]), str(data["fix"]))
