"""What a source of memory readings is, and how one says that it is not there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class UnavailableError(Exception):
    """A source cannot be read; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one source.

    Attributes:
        values: Bytes by what they are of ("GPU 0 used").
        limits: Bytes that there are in all, by the same names.
        notes: What is missing or not as it seems, in sentences.
    """

    values: Mapping[str, float]
    limits: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """One place that memory is read from.

    Attributes:
        name: What it is called in a sentence.
    """

    name: str

    def read(self) -> Reading:
        """Read it now.

        Raises:
            UnavailableError: It is not there; the message says why.
        """
