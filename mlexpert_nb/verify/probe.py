"""Starts the harness on a delivery and reads what it wrote; no result is never a pass."""

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.packages import Event, OnEvent
from mlexpert_nb.verify.job import Job, Result, read_results
from mlexpert_nb.verify.spec import Finding
from mlexpert_nb.verify.trial import THREADS, Trial
from mlexpert_nb.workspace import ChildLimits

_LIMITS = ChildLimits(timeout_s=300.0, cpu_s=300)
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the checks of the network found, and the exact figures for bench.json."""

    findings: tuple[Finding, ...]
    figures: Mapping[str, Any]


def probe(trial: Trial, checks: Sequence[str], on_event: OnEvent, *, limits: ChildLimits = _LIMITS) -> ProbeReport:
    """Run checks of the network in one child process."""
    room = trial.room("checks")
    job = Job(str(room.root), tuple(checks), trial.spec, secrets.token_hex(16))
    job.write(room.results)
    known = (*checks, "import")  # an import that fails is always told

    def results() -> tuple[Result, ...]:
        return read_results(room.results, job.nonce, known)

    argv = [sys.executable, "-B", "-P", "-m", "mlexpert_nb.verify.harness", "--job", str(room.results)]
    shown: set[str] = set()
    follow = _follow(job.nonce, results, shown, on_event)
    ended = room.run("checks", argv, limits=limits, env={"PYTHONPATH": str(_PACKAGE_ROOT)}, on_line=follow)
    found = {result.check: result for result in results()}
    missing = f"the harness wrote no result: {room.how_it_ended(ended)}"
    names = [*(["import"] if "import" in found and "import" not in checks else []), *checks]
    findings = [_finding(found[name]) if name in found else _no_result(name, missing) for name in names]
    for finding in findings:
        if finding.check not in shown:
            on_event(told(finding))
    figures = {key: value for result in found.values() for key, value in result.figures.items()}
    return ProbeReport(tuple(findings), {"threads": THREADS, **figures})


def told(finding: Finding) -> Event:
    """Give the event that tells of a finding."""
    return Event("check", f"{finding.check}: {finding.measured}", passed=finding.passed)


def _follow(
    nonce: str, results: Callable[[], tuple[Result, ...]], shown: set[str], on_event: OnEvent
) -> Callable[[str], None]:
    def on_line(line: str) -> None:
        if line.strip() != nonce:
            return
        for result in results():
            if result.check not in shown:
                shown.add(result.check)
                on_event(told(_finding(result)))

    return on_line


def _finding(result: Result) -> Finding:
    return Finding(result.check, result.passed, result.measured, result.limit, result.fix, _command(result.check))


def _no_result(name: str, why: str) -> Finding:
    fix = "no delivered file may end the process, run without end, or take more memory than there is"
    return Finding(name, passed=False, measured=why, limit="a result", fix=fix, command=_command(name))


def _command(name: str) -> str:
    return f"python -m mlexpert_nb.verify.harness . {name}"
