"""What an entry of the catalogue offers, and what a search for one gives."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

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
    """

    name: str
    title: str
    summary: str
    model_type: str
    features: tuple[str, ...]
    keywords: tuple[str, ...]
    papers: tuple[str, ...]
    default_parameters: int

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
    """Answer to a search: the entry, or none; why; and the names of what comes nearest."""

    entry: Entry | None
    reason: str
    near: tuple[str, ...]
