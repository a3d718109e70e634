"""What a run has come to so far: a fold over its events, with no clock and no screen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlexpert_nb.display.safe import one_line
from mlexpert_nb.packages import Event

PHASES = ("plan", "write", "verify", "commit")
PhaseState = Literal["done", "now", "next"]


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """One verdict of the judge, as it was reported."""

    text: str
    passed: bool


@dataclass(frozen=True, slots=True)
class RunState:
    """The run after the events so far.

    Attributes:
        phases: Names of all phases, the four usual ones and any other that was opened, in order.
        current: Phase that is open; empty before the first.
        doing: The last thing that a tool, the llm or a note said.
        tests_done: Tests that have run.
        tests_total: Tests there are; 0 while unknown.
        checks: Verdicts so far, oldest first.
    """

    phases: tuple[str, ...] = PHASES
    current: str = ""
    doing: str = ""
    tests_done: int = 0
    tests_total: int = 0
    checks: tuple[CheckSeen, ...] = ()

    def after(self, event: Event) -> "RunState":
        """Give the state with one more event in it."""
        text = one_line(event.text)
        match event.kind:
            case "phase":
                return self._opened(text)
            case "test":
                return replace(self, doing=text, tests_done=event.done or 0, tests_total=event.total or 0)
            case "check":
                return replace(self, doing=text, checks=(*self.checks, CheckSeen(text, event.passed is not False)))
            case _:
                return replace(self, doing=text)

    def phase_states(self) -> Sequence[tuple[str, PhaseState]]:
        """Give each phase with whether it is behind, open or ahead."""
        at = self.phases.index(self.current) if self.current in self.phases else -1
        return [(name, "done" if i < at else "now" if i == at else "next") for i, name in enumerate(self.phases)]

    def _opened(self, text: str) -> "RunState":
        name = phase_name(text)
        known = name in self.phases
        at = self.phases.index(self.current) + 1 if self.current in self.phases else 0
        phases = self.phases if known else (*self.phases[:at], name, *self.phases[at:])
        if not known and not self.current:  # no request: the usual phases do not come
            phases = (name,)
        again = name == "verify"  # a second round of the judge starts from nothing
        return replace(
            self,
            phases=phases,
            current=name,
            doing="" if text == name else text,
            tests_done=0 if again else self.tests_done,
            tests_total=0 if again else self.tests_total,
            checks=() if again else self.checks,
        )


def phase_name(text: str) -> str:
    """Give the name of a phase from its event text ("verify", "verify: the judge starts")."""
    return one_line(text).split(":", 1)[0].split(" ", 1)[0].lower() or "run"


def duration(seconds: float) -> str:
    """Give a duration as people say it: "34 s", "2 min 05 s"."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"  # noqa: PLR2004 - seconds in a minute
