"""Plants faults in the delivered network and judges its tests by how many they find."""

import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.packages import Event, OnEvent
from mlexpert_nb.verify.mutation import job as slips
from mlexpert_nb.verify.mutation.choice import choose, fatal
from mlexpert_nb.verify.mutation.job import FOUND, METER, REACH, Job, read_notes
from mlexpert_nb.verify.mutation.mutant import Mutant
from mlexpert_nb.verify.mutation.operators import mutants
from mlexpert_nb.verify.spec import Finding, JudgeSpec
from mlexpert_nb.verify.suite import ROOM, settings
from mlexpert_nb.verify.trial import Room, Trial
from mlexpert_nb.workspace import ChildLimits, ChildResult

COMMAND = "python -m mlexpert_nb.verify.mutation ."
FEWEST = 4  # places for a fault; fewer say nothing about the tests
_LEAST_S, _MOST_S, _SUITES = 30.0, 120.0, 2.0  # processor seconds: bounds, and in units of the tests' own time
_SHARE = 12  # the part of them that one fault may take
_TELLS, _NAMED, _LARGEST = 4, 5, 2**26  # progress notes, survivors in a sentence, bytes of a map of lines
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is tried: at most `most` faults, in a bounded time unless `is_whole`."""

    most: int = 24
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Mutation:
    """What became of the planted faults.

    Attributes:
        possible: How many faults could be planted.
        planted: Those that were chosen.
        trials: What became of them, in the order in which they were tried; fewer if time ran out.
        broken: Why there is no figure; empty if there is one.
        seconds: Processor seconds that the tests took.
    """

    possible: int
    planted: tuple[Mutant, ...]
    trials: tuple[slips.Trial, ...] = ()
    broken: str = ""
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        """How many were found."""
        return sum(trial.fate in FOUND for trial in self.trials)

    @property
    def rate(self) -> float | None:
        """Share that was found, or None if nothing was tried."""
        return self.killed / len(self.trials) if self.trials and not self.broken else None

    @property
    def survivors(self) -> tuple[tuple[Mutant, slips.Trial], ...]:
        """What was tried and not found."""
        return tuple((self.planted[trial.number], trial) for trial in self.trials if trial.fate not in FOUND)


def mutate(trial: Trial, on_event: OnEvent, scope: Scope | None = None) -> Mutation:
    """Plant faults one at a time, and run the tests that reach each; the tests must have run and passed before.

    Args:
        trial: The judgement in progress; its tests ran in it.
        on_event: Told of progress now and then.
        scope: How much is tried.
    """
    scope = scope or Scope()
    sources = {path: trial.text(path) for path in trial.judged if path.startswith("src/")}
    found = mutants(sources)
    if len(found) < FEWEST:
        return Mutation(len(found), ())
    planted = found if scope.is_whole else choose(found, scope.most, trial.spec.seed)
    room = trial.room("mutation")
    job = Job(
        measured_root=str((trial.rooms / ROOM / "delivery").resolve()),
        settings=settings("ROOT"),
        mutants=planted,
        fatal=fatal(sources),
        nonce=secrets.token_hex(16),
        **_budget(trial, scope),
    )
    if lacking := _bring(trial.rooms / ROOM / "results", room.results):
        return Mutation(len(found), planted, broken=lacking)
    job.write(room.results)
    ended = _run(room, _follow(job, room.results, on_event), scope)
    trials, summary = read_notes(room.results, job.nonce)
    if summary is None:
        broken, seconds = f"no result: {room.how_it_ended(ended)}", 0.0
    elif [each.number for each in trials] != list(range(summary.tried)):
        broken, seconds = "what was written about some faults is gone", summary.seconds
    else:
        broken, seconds = room.anonymous(summary.broken), summary.seconds
    return Mutation(len(found), planted, trials, broken, seconds)


def judge_mutation(mutation: Mutation, spec: JudgeSpec) -> Finding:
    """Judge the tests by the share of planted faults that they find."""
    survivors = [_told(mutant, trial) for mutant, trial in mutation.survivors]
    least = spec.min_kill_rate
    if mutation.possible < FEWEST:
        passed, measured = True, f"{mutation.possible} places where a fault could be planted, too few to judge tests by"
    elif mutation.rate is None:
        passed, measured = False, f"no figure: {mutation.broken or 'nothing could be tried'}"
    else:
        passed, measured = mutation.rate >= least and not _too_few(mutation), _rate(mutation, survivors)
    return Finding(
        check="mutation",
        passed=passed,
        measured=measured,
        limit=f"at least {least:.0%} of the planted faults make a test fail, and none fails where nothing is wrong",
        fix=_fix(mutation),
        command=COMMAND,
    )


def not_tried() -> Finding:
    """Give the finding of a delivery whose own tests fail."""
    return Finding(
        check="mutation",
        passed=False,
        measured="not run: faults are planted only where the tests pass without them",
        limit="the tests pass, and fail where a fault is planted",
        fix="mend the tests first",
        command=COMMAND,
    )


def figures(mutation: Mutation) -> dict[str, Any]:
    """Give the figures for bench.json."""
    operators: dict[str, list[int]] = {}
    for trial in mutation.trials:
        counts = operators.setdefault(mutation.planted[trial.number].operator, [0, 0])
        counts[0] += trial.fate in FOUND
        counts[1] += 1
    return {
        "possible": mutation.possible,
        "planted": len(mutation.planted),
        "tried": len(mutation.trials),
        "killed": mutation.killed,
        "rate": None if mutation.rate is None else round(mutation.rate, 4),
        "survivors": [f"{_told(mutant, trial)}: {mutant.description}" for mutant, trial in mutation.survivors],
        "operators": {name: {"killed": killed, "tried": tried} for name, (killed, tried) in operators.items()},
        "cpu_s": mutation.seconds,
    }


def _budget(trial: Trial, scope: Scope) -> dict[str, float]:
    if scope.is_whole:
        return {"budget_s": 1e9, "each_s": 1e9}
    spent = sum(command.cpu_seconds for command in trial.commands if command.name == ROOM)
    budget_s = min(_MOST_S, max(_LEAST_S, _SUITES * spent))
    return {"budget_s": budget_s, "each_s": budget_s / _SHARE}


def _bring(measured: Path, results: Path) -> str:
    """Copy what was measured while the tests ran; say what is missing."""
    for name in (METER, REACH):
        path = measured / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            return f"the tests left no {name}, which says what lines each of them runs"
        shutil.copyfile(path, results / name)
    return ""


def _run(room: Room, on_line: Callable[[str], None], scope: Scope) -> ChildResult:
    argv = [sys.executable, "-B", "-P", "-m", "mlexpert_nb.verify.mutation.harness", str(room.results)]
    limits = ChildLimits(timeout_s=86400.0 if scope.is_whole else 900.0, cpu_s=900)
    unseen = {"PYTHONDONTWRITEBYTECODE": "1"}  # else a fault of the same length within a second would not be read
    env = {"PYTHONPATH": str(_PACKAGE_ROOT), **unseen}
    return room.run("mutation", argv, limits=limits, env=env, on_line=on_line)


def _follow(job: Job, folder: Path, on_event: OnEvent) -> Callable[[str], None]:
    total, told = len(job.mutants), [0]
    on_event(Event("note", f"mutation: {total} faults are planted, one at a time", done=0, total=total))

    def on_line(line: str) -> None:
        if line.strip() == job.nonce:
            done = len(read_notes(folder, job.nonce)[0])
            if done * _TELLS // total > told[0]:
                told[0] = done * _TELLS // total
                on_event(Event("note", f"mutation: {done} of {total}", done=done, total=total))

    return on_line


def _too_few(mutation: Mutation) -> bool:
    return 3 * len(mutation.trials) < len(mutation.planted)


def _rate(mutation: Mutation, survivors: Sequence[str]) -> str:
    tried = len(mutation.trials)
    measured = f"{mutation.killed} of {tried} planted faults found ({mutation.rate or 0.0:.0%})"
    if tried < len(mutation.planted):
        measured += f"; time for {tried} of {len(mutation.planted)}, the tests are slow"
    if survivors:
        more = f"; and {len(survivors) - _NAMED} more" if len(survivors) > _NAMED else ""
        measured += f"; not found: {'; '.join(survivors[:_NAMED])}{more}"
    return measured


def _told(mutant: Mutant, trial: slips.Trial) -> str:
    if trial.fate == "unreached":
        return f"{mutant.place} (no test reaches it)"
    if trial.fate == "lost":
        return f"{mutant.place} (the tests ended without a word)"
    return (
        f"{mutant.place} ({trial.ran} of {trial.reaching} tests that reach it had time)"
        if (trial.ran < trial.reaching)
        else mutant.place
    )


def _fix(mutation: Mutation) -> str:
    if mutation.broken:
        return "make each test pass by itself, on what the network computes and not on its text; end no process in it"
    if mutation.trials and _too_few(mutation):
        return "make the tests faster: small configurations, few steps"
    places = [f"{mutant.path}:{mutant.line} ({mutant.description})" for mutant, _ in mutation.survivors]
    if not places:
        return "write tests that fail when the network is wrong"
    return f"write a test that fails when this is done to the network: {'; '.join(places[:3])}"
