"""What a check of the environment says: one row each, and what they come to."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        state: Whether it is in order.
        found: What was found.
        advice: What to do; empty where it is in order.
    """

    name: str
    state: State
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that was looked at, in a fixed order."""

    rows: tuple[Row, ...]

    @property
    def problems(self) -> int:
        """How many rows are problems."""
        return sum(row.state == "problem" for row in self.rows)

    @property
    def warnings(self) -> int:
        """How many rows are warnings."""
        return sum(row.state == "warning" for row in self.rows)

    @property
    def exit_code(self) -> int:
        """For the shell: 5 if there is a problem."""
        return 5 if self.problems else 0
