"""What an entry of the catalogue offers, and what a search for one gives."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlexpert_nb.packages import Cell, Json

Config = dict[str, Json]


@dataclass(frozen=True)
class Entry(ABC):
    """One network of the catalogue: how it is found, sized, described and written out.

    Attributes:
        name: Key in `ENTRIES`.
        title: Name for people.
        summary: One sentence.
        model_type: What the request calls this kind of network.
        features: Canonical features that the network has.
        keywords: Words and phrases that name it in free text.
        papers: Where it comes from, with arXiv ids.
        default_parameters: Size that is delivered when none is asked for.
        claims: Properties of the network that the judge demands; `verify.CLAIMS` explains each.
        options: Choices that free text may name: configuration key, then value, then the words for it.
        numbers: Numbers that free text may name: configuration key, then the words that follow the number.
        request: The plainest request for it, as a person would write it.
    """

    name: str
    title: str
    summary: str
    model_type: str
    features: tuple[str, ...]
    keywords: tuple[str, ...]
    papers: tuple[str, ...]
    default_parameters: int
    claims: tuple[str, ...] = ("causal",)
    options: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    request: str = ""

    @property
    def family(self) -> str:
        """Name of the family that it is an option of; its own name if it stands alone."""
        return self.name

    @property
    def presets(self) -> Mapping[str, Mapping[str, Json]]:
        """Published sizes by name, each as the keys of a configuration."""
        return {}

    def sources(self, config: Mapping[str, Json]) -> tuple[str, ...]:
        """Give the papers behind a configuration."""
        del config
        return self.papers

    @abstractmethod
    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration near `num_parameters`, keeping the `fixed` keys.

        Raises:
            UsageError: The size cannot be reached, or a fixed key is unknown or impossible.
        """

    @abstractmethod
    def count_parameters(self, config: Mapping[str, Json]) -> int:
        """Count the parameters in closed form."""

    @abstractmethod
    def parameter_table(self, config: Mapping[str, Json]) -> tuple[tuple[str, int], ...]:
        """Give the parameters of each part; they add up to the count."""

    @abstractmethod
    def describe(self, config: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
        """Give every delivered path with one line about it."""

    @abstractmethod
    def skeleton(self, config: Mapping[str, Json]) -> dict[str, str]:
        """Give the text of every delivered file except the tests, by path."""

    @abstractmethod
    def tests(self, config: Mapping[str, Json]) -> dict[str, str]:
        """Give the text of the delivered tests, by path."""

    @abstractmethod
    def cells(self, config: Mapping[str, Json], *, workspace: str) -> tuple[Cell, ...]:
        """Give the notebook cells that use what was delivered to `workspace`."""


@dataclass(frozen=True, slots=True)
class Match:
    """Answer to a search.

    Attributes:
        entry: The entry that the request is about; None if there is none, or if a question is due.
        reason: Why, in words for a person.
        near: Names of what comes nearest.
        candidates: Names to choose from, where only the user can tell; empty otherwise.
        options: Configuration keys that the request states.
        preset: Published size that the request names; empty if it names none.
        other: What the request names and the catalogue does not hold; empty if there is nothing of that sort.
    """

    entry: Entry | None
    reason: str
    near: tuple[str, ...]
    candidates: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    preset: str = ""
    other: str = ""

    @property
    def speaks_of_networks(self) -> bool:
        """Say whether the request is about a network at all, held or not."""
        return self.entry is not None or bool(self.candidates) or bool(self.other)
