"""A paper as data. All of it is text that somebody else wrote: it is shown and searched, never obeyed."""

from dataclasses import asdict, dataclass
from typing import Any

MOST = 200  # equations, hyper-parameters, algorithms or figures that are told of one paper
MOST_OWN = 12  # sections of which is told what they say of the paper's own model
LONGEST = 600  # characters that are told of one of them


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text below it, up to the next one."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Equation:
    """A displayed formula; `number` is empty where the paper does not number it."""

    number: str
    text: str
    section: str


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """A value that the paper states.

    Attributes:
        name: What the paper calls it.
        value: The value as it is written.
        where: Table or section that states it.
        concept: What it is, of `names.CONCEPTS`; empty where the name is not known.
        number: The value as one number, in Python's spelling; empty where it is none.
        doubt: Why the paper does not choose this value for its own model; empty if it does.
    """

    name: str
    value: str
    where: str
    concept: str
    number: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm box."""

    number: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, of which only the caption is text."""

    number: str
    caption: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What was found in one paper, in its order.

    Attributes:
        own: What it says of its own model, by where it says so; comparisons with others are left out.
        notes: What was not read, and how tables with several models were.
    """

    title: str
    abstract: str
    sections: tuple[Section, ...]
    equations: tuple[Equation, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    algorithms: tuple[Algorithm, ...]
    figures: tuple[Figure, ...]
    own: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give what a specialist is told beside the text itself: of sections the headings only."""
        told: dict[str, Any] = {"title": self.title[:LONGEST], "abstract": self.abstract[: 4 * LONGEST]}
        told["sections"] = [each.title for each in self.sections[:MOST]]
        for name in ("equations", "hyperparameters", "algorithms", "figures"):
            told[name] = [_cut(asdict(each)) for each in getattr(self, name)[:MOST]]
        told["own"] = [
            {"where": each.title[:LONGEST], "text": each.text[: 4 * LONGEST]} for each in self.own[:MOST_OWN]
        ]
        told["notes"] = [each[:LONGEST] for each in self.notes[:MOST_OWN]]
        return told


def _cut(values: dict[str, str]) -> dict[str, str]:
    return {key: value[:LONGEST] for key, value in values.items()}
