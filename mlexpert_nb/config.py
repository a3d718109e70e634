"""Settings of a run: read once at the edge, handed down as plain data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Approve = Literal["ask", "auto", "plan"]
APPROVE: tuple[Approve, ...] = ("ask", "auto", "plan")
DEFAULT_WORKSPACE = Path("mlexpert_workspace")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run goes, apart from what it is about.

    Attributes:
        workspace: Folder that the code is delivered into, as the user spelled it.
        approve: Who approves the plan: the user (`ask`), nobody (`auto`), or later (`plan` stops after writing it).
        llm: Which specialist answers.
        max_turns: Turns of the specialist before the run stops with what it has.
        seed: Seed of every random number that the judge draws.
    """

    workspace: Path = DEFAULT_WORKSPACE
    approve: Approve = "ask"
    llm: str = "auto"
    max_turns: int = 50
    seed: int = 0
