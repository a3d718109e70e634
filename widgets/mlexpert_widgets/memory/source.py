"""What a source of memory readings is, and how one says that it is not there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

RETRY_S = 10.0  # before a source that was not there is asked again


class UnavailableError(Exception):
    """A source cannot be read; the message is a sentence for the user.

    Attributes:
        retry_s: Seconds until it is worth while to ask again.
    """

    def __init__(self, reason: str, retry_s: float = RETRY_S) -> None:
        super().__init__(reason, retry_s)
        self.retry_s = retry_s

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one source.

    Attributes:
        values: Bytes by what they are of ("GPU 0 used").
        limits: Bytes that there are in all, by the same names.
        peaks: The most bytes since some moment in the past, where the source itself counts that, by the same names.
        percents: What is told in percent ("GPU 0 busy").
        notes: What is missing or not as it seems, in sentences.
    """

    values: Mapping[str, float]
    limits: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)
    percents: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """One place that memory is read from.

    Attributes:
        name: What it is called in a sentence.
    """

    name: str

    def read(self, *, thorough: bool) -> Reading:
        """Read it now.

        Args:
            thorough: Whether to ask also for what takes longer and changes slowly; else it is as it was, or left out.

        Raises:
            UnavailableError: It is not there; the message says why.
        """
