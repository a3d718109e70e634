"""The judge: runs a delivery in child processes that it does not trust, and seals what it found.

A delivery is `src/model` with `build_model(**config)` and `ModelConfig`, and tests in `tests/`. The judge copies it,
reads it, lints it, runs its tests among planted ones, checks its network, and writes what it measured into the state
folder with a receipt over everything. It never runs delivered code in its own process.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from mlexpert_nb.errors import UnknownNameError
from mlexpert_nb.packages import Event, OnEvent
from mlexpert_nb.verify import artefacts, tree
from mlexpert_nb.verify.job import MODEL_CHECKS
from mlexpert_nb.verify.mutation import Scope, figures, judge_mutation, mutate, not_tried
from mlexpert_nb.verify.probe import ProbeReport, probe, told
from mlexpert_nb.verify.reading import judge_text, run_ruff, unchanged
from mlexpert_nb.verify.receipt import Record, head, seal
from mlexpert_nb.verify.result import read_result
from mlexpert_nb.verify.spec import Finding, JudgeSpec, Verdict
from mlexpert_nb.verify.suite import judge_suite, run_suite
from mlexpert_nb.verify.trial import Trial, open_trial
from mlexpert_nb.workspace import isolation

_VERSIONED = ("mlexpert-nb", "torch", "pytest", "coverage", "ruff")


def judge(root: Path, spec: JudgeSpec, on_event: OnEvent) -> Verdict:
    """Judge a delivery and write the proof into its state folder.

    Args:
        root: Folder that holds the delivery.
        spec: What it is measured against.
        on_event: Told of phases, of every test and of every check.
    """
    with open_trial(root, spec) as trial:
        findings = _try(trial, root, on_event)
        artefacts.write_findings(root, findings)
        passed = all(finding.passed for finding in findings)
        sealed = seal(_records(trial, root, findings, passed=passed))
    artefacts.write(root, artefacts.RECEIPT, sealed)
    artefacts.write(root, artefacts.RESULT, read_result(root).to_json())
    return Verdict(passed, findings, head(sealed))


def benchmark(
    root: Path, checks: Sequence[str], on_event: OnEvent, spec: JudgeSpec | None = None
) -> tuple[Finding, ...]:
    """Run some checks of the network and leave nothing behind.

    Args:
        root: Folder that holds the delivery.
        checks: Names of checks; none means all.
        on_event: Told of every check.
        spec: Limits to measure against; none by default.

    Raises:
        UnknownNameError: There is no such check.
    """
    return measure(root, checks, on_event, spec).findings


def measure(root: Path, checks: Sequence[str], on_event: OnEvent, spec: JudgeSpec | None = None) -> ProbeReport:
    """Run some checks as `benchmark` does, and give their exact figures too.

    Raises:
        UnknownNameError: There is no such check.
    """
    for name in checks:
        if name not in MODEL_CHECKS:
            raise UnknownNameError.among("check", name, MODEL_CHECKS)
    with open_trial(root, spec or JudgeSpec("benchmark")) as trial:
        return probe(trial, tuple(checks) or MODEL_CHECKS, on_event)


def _try(trial: Trial, root: Path, on_event: OnEvent) -> tuple[Finding, ...]:
    """Judge everything in turn; artefacts are written as they come."""
    on_event(Event("phase", "verify: reading the files"))
    read = [*judge_text(trial, root)]
    ruff, complaints = run_ruff(trial)
    _tell([*read, ruff], on_event)
    on_event(Event("phase", "verify: running the tests"))
    suite = run_suite(trial, on_event)
    tested = judge_suite(suite, trial.spec.min_coverage)
    _tell(tested, on_event)
    on_event(Event("phase", "verify: checking the network"))
    network = probe(trial, MODEL_CHECKS, on_event)
    mutation = mutate(trial, on_event, Scope(trial.spec.num_faults)) if tested[0].passed else None
    worth = judge_mutation(mutation, trial.spec) if mutation else not_tried()
    last = unchanged(trial, root)
    _tell([worth, last], on_event)
    artefacts.write(root, artefacts.JUNIT, suite.junit)
    artefacts.write(root, artefacts.COVERAGE, suite.coverage)
    artefacts.write(root, artefacts.RUFF, complaints)
    artefacts.write(root, artefacts.BENCH, {**network.figures, **({"mutation": figures(mutation)} if mutation else {})})
    return (*read, ruff, *tested, *network.findings, worth, last)


def _tell(findings: Sequence[Finding], on_event: OnEvent) -> None:
    for finding in findings:
        on_event(told(finding))


def _records(trial: Trial, root: Path, findings: Sequence[Finding], *, passed: bool) -> list[Record]:
    spec = asdict(trial.spec) | {"delivered": sorted(trial.spec.delivered)}
    versions = {name: _version(name) for name in _VERSIONED} | {"python": platform.python_version()}
    machine = {"platform": platform.platform(), "versions": versions, "isolation": isolation()}
    verdict = {"passed": passed, "checks": {finding.check: finding.passed for finding in findings}}
    return [
        Record("request", spec),
        Record("environment", machine),
        Record("files", {"sha256": dict(trial.sealed)}),
        *(Record("command", asdict(command)) for command in trial.commands),
        Record("artefacts", {"sha256": tree.digests(root, artefacts.state_files(root))}),
        Record("verdict", verdict),
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed as a package"
