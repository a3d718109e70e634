"""The slip between the judge and the process that plants faults, and what that process writes back."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self, TextIO

from mlexpert_nb.verify.mutation.mutant import Mutant
from mlexpert_nb.verify.slip import leave, take

JOB, RESULTS = "mutation.json", "mutation.jsonl"
METER, REACH = "coverage.data", "reach.json"  # what was measured while the tests ran
Fate = Literal["killed", "timeout", "survived", "unreached", "lost"]
FOUND = frozenset({"killed", "timeout"})


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be tried.

    Attributes:
        measured_root: Folder in which the tests ran when their lines were measured.
        settings: Text of the settings that pytest gets, with `ROOT` where the folder's name goes.
        mutants: Faults to plant, one at a time.
        fatal: Faults of which every test that reaches them must take notice.
        budget_s: Processor seconds after which no further fault is planted.
        each_s: Processor seconds of tests that one fault may take; the slowest tests are left out beyond.
        nonce: Secret of this run; a line of the results without it is not ours.
    """

    measured_root: str
    settings: str
    mutants: tuple[Mutant, ...]
    fatal: tuple[Mutant, ...]
    budget_s: float
    each_s: float
    nonce: str

    def write(self, folder: Path) -> None:
        """Put the job where the child finds it."""
        leave(folder / JOB, asdict(self))

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Read the job and remove it, before any delivered code runs."""
        data = take(folder / JOB)
        for key in ("mutants", "fatal"):
            data[key] = tuple(Mutant(**each) for each in data[key])
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one planted fault.

    Attributes:
        number: Which of the mutants.
        fate: Found by a failing test, by one that did not end, not found, reached by no test, or lost without a word.
        by: The test that found it.
        reaching: Tests that reach its lines.
        ran: How many of them ran.
        seconds: Processor seconds that it took.
    """

    number: int
    fate: Fate
    by: str
    reaching: int
    ran: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """How the whole went.

    Attributes:
        broken: Why there is no figure; empty if there is one.
        tried: How many faults were planted.
        seconds: Processor seconds that the tests took.
    """

    broken: str
    tried: int
    seconds: float


class Notes:
    """Writes what was tried as it comes; its lines carry the secret, which processes that run tests do not have."""

    def __init__(self, out: TextIO, nonce: str, ticks: TextIO) -> None:
        self._out, self._nonce, self._ticks, self.tried = out, nonce, ticks, 0

    def add(self, note: Trial | Summary) -> None:
        """Write one line, and tell the judge of it."""
        kind = "trial" if isinstance(note, Trial) else "summary"
        self.tried += kind == "trial"
        self._out.write(json.dumps({"nonce": self._nonce, kind: asdict(note)}) + "\n")
        self._out.flush()
        self._ticks.write(f"\n{self._nonce}\n")
        self._ticks.flush()


def read_notes(folder: Path, nonce: str) -> tuple[tuple[Trial, ...], Summary | None]:
    """Read what was written so far; a line that is not ours is left out."""
    path = folder / RESULTS
    trials, summary = list[Trial](), None
    if path.is_file() and not path.is_symlink():
        for line in path.read_text("utf-8", errors="replace").splitlines():
            data = _ours(line, nonce)
            if "trial" in data:
                trials.append(Trial(**data["trial"]))
            elif "summary" in data:
                summary = Summary(**data["summary"])
    return tuple(trials), summary


def _ours(line: str, nonce: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
        return data if isinstance(data, dict) and data.get("nonce") == nonce else {}
    except (ValueError, RecursionError):
        return {}
