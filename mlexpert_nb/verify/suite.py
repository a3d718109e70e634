"""Runs the delivered tests under the judge's own settings and says what they prove."""

import json
import random
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlexpert_nb.packages import Event, OnEvent
from mlexpert_nb.verify.canary import Canaries
from mlexpert_nb.verify.cases import Case, Outcome, parse_line, read_junit, without
from mlexpert_nb.verify.scan import Source, names_of_tests
from mlexpert_nb.verify.spec import Finding
from mlexpert_nb.verify.trial import Room, Trial
from mlexpert_nb.workspace import ChildLimits, ChildResult

ROOM = "tests"
COMMAND = "python -m pytest tests"
COVERAGE_COMMAND = "python -m coverage run --source=src -m pytest tests && python -m coverage report"
_LIMITS = ChildLimits(timeout_s=600.0, cpu_s=900)
_REPORT_LIMITS = ChildLimits(timeout_s=60.0, cpu_s=60)
_SOME_TESTS_FAILED = 1  # pytest's exit code whenever the planted failing test ran
_PLUGIN = "mlexpert_contexts"  # tells the meter which test runs
_METERED = Path(__file__).with_name("metered.py")
_HEAVY = ("torch",)
_CONTEXTS = Path(__file__).parent / "mutation" / "contexts.py"
_COLLECTED = re.compile(r"\bcollected (\d+) items?\b")


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What running the tests gave.

    Attributes:
        cases: Tests of the delivery that ran, without the planted ones.
        in_files: Tests that the files contain, by name without parameters.
        junit: junit.xml without the planted tests; empty if pytest wrote none.
        coverage: coverage.json with paths relative to the workspace; empty if there is none.
        broken: Why there is no result, or in how far it contradicts itself; empty if it is sound.
        tampered: What the runner made of the planted tests; empty if it told the truth.
    """

    cases: tuple[Case, ...]
    in_files: tuple[str, ...]
    junit: str
    coverage: Mapping[str, Any]
    broken: str
    tampered: str


def run_suite(trial: Trial, on_event: OnEvent) -> SuiteReport:
    """Run the tests of the delivery, with the planted ones among them."""
    in_files = tuple(name for path in trial.sources for name in names_of_tests(Source.parse(path, trial.text(path))))
    room = trial.room(ROOM)
    canaries = Canaries.plant(room.root, random.SystemRandom())
    streamed: dict[str, Outcome] = {}
    result = _run_pytest(room, _follow(canaries, streamed, on_event))
    text, cases, broken = _read(room, result)
    broken = broken or _contradiction(cases, streamed, result)
    return SuiteReport(
        cases=tuple(case for case in cases if case.path not in canaries.files),
        in_files=in_files,
        junit=room.anonymous(without(text, canaries.files)) if text else "",
        coverage=_coverage(room) if text else {},
        broken=broken,
        tampered=canaries.complaint(cases),
    )


def judge_suite(report: SuiteReport, min_coverage: float) -> tuple[Finding, ...]:
    """Judge the tests: all pass, all of them ran, the runner told the truth, and enough lines are covered."""
    return (
        _tests(report),
        _test_count(report),
        _planted_tests(report),
        _line_coverage(report.coverage, min_coverage),
    )


def settings(root: str) -> str:
    """Give the settings by which pytest runs the tests of a folder, whatever the delivery's own say."""
    return (
        "[tool.pytest.ini_options]\n"
        f"pythonpath = {json.dumps([f'{root}/src'])}\n"
        'python_files = ["test_*.py"]\n'
        "xfail_strict = true\n"
        'junit_family = "xunit1"\n'
    )


def line_rate(coverage: Mapping[str, Any]) -> float | None:
    """Give the line coverage in percent, or None if no line was measured."""
    totals = coverage.get("totals", {})
    lines, covered = totals.get("num_statements", 0), totals.get("covered_lines", 0)
    return 100.0 * covered / lines if lines else None


def _run_pytest(room: Room, on_line: Callable[[str], None]) -> ChildResult:
    obeyed = room.results / "judge.toml"
    obeyed.write_text(settings(str(room.root)), encoding="utf-8")
    shutil.copyfile(_CONTEXTS, room.results / f"{_PLUGIN}.py")
    meter = room.results / "coverage.ini"
    source = str(room.root / "src").replace("%", "%%")
    meter.write_text(
        f"[run]\nbranch = false\ncore = ctrace\nsource = {source}\n"  # the newest core cannot tell tests apart
        "[report]\nexclude_lines = ^\\s*if (typing\\.)?TYPE_CHECKING:\ninclude_namespace_packages = true\n",
        encoding="utf-8",
    )
    run = [str(_METERED), str(meter), str(room.results / "coverage.data"), ",".join(_heavy(room))]
    quiet = ["-v", "--color=no", "-p", "no:cacheprovider", "-p", _PLUGIN, "--continue-on-collection-errors"]
    where = ["-c", str(obeyed), f"--rootdir={room.root}", f"--junitxml={room.results / 'junit.xml'}"]
    argv = [sys.executable, "-B", "-P", *run, *quiet, *where, "tests"]
    env = {"PYTHONPATH": str(room.results)}
    return room.run(ROOM, argv, limits=_LIMITS, env=env, on_line=on_line)


def _heavy(room: Room) -> list[str]:
    """Give what the delivery imports and takes long, so that it is imported before lines are measured."""
    texts = [room.trial.text(path) for path in room.trial.sources]
    return [
        name
        for name in _HEAVY
        if any(re.search(rf"^\s*(?:import|from) {name}\b", text, re.MULTILINE) for text in texts)
    ]


def _follow(canaries: Canaries, streamed: dict[str, Outcome], on_event: OnEvent) -> Callable[[str], None]:
    total: list[int] = []

    def on_line(line: str) -> None:
        if not total and (collected := _COLLECTED.search(line)):
            total.append(max(0, int(collected[1]) - len(canaries.files)))
        elif (parsed := parse_line(line)) is not None:
            name, outcome = parsed
            streamed[name] = "error" if outcome == "error" else streamed.get(name, outcome)
            if name.split("::")[0] not in canaries.files:
                done = sum(each.split("::")[0] not in canaries.files for each in streamed)
                on_event(Event("test", name, done=done, total=total[0] if total else None, passed=outcome == "passed"))

    return on_line


def _read(room: Room, result: ChildResult) -> tuple[str, tuple[Case, ...], str]:
    path = room.results / "junit.xml"
    if result.timed_out or not path.is_file() or path.is_symlink():
        return "", (), f"pytest wrote no result: {room.how_it_ended(result)}"
    try:
        text = path.read_text("utf-8")
        return text, read_junit(text), ""
    except (OSError, ValueError) as error:
        return "", (), f"pytest's report cannot be read: {error}; {room.how_it_ended(result)}"


def _contradiction(cases: tuple[Case, ...], streamed: Mapping[str, Outcome], result: ChildResult) -> str:
    """Compare the report with what was seen while the tests ran: it must not know of more passes."""
    if result.exit_code != _SOME_TESTS_FAILED:
        return f"pytest ended with exit code {result.exit_code} although a planted test must fail"
    told, seen = Counter(case.outcome for case in cases), Counter(streamed.values())
    if told["passed"] > seen["passed"]:
        return f"junit.xml reports {told['passed']} passed tests, while {seen['passed']} were seen to pass"
    return ""


def _coverage(room: Room) -> dict[str, Any]:
    out = room.results / "coverage.json"
    argv = [sys.executable, "-B", "-P", "-m", "coverage", "json", f"--rcfile={room.results / 'coverage.ini'}"]
    argv += [f"--data-file={room.results / 'coverage.data'}", "-o", str(out), "-q"]
    room.run("coverage", argv, limits=_REPORT_LIMITS)
    try:
        report = json.loads(out.read_text("utf-8"))
        files = {room.anonymous(path): _lines(data) for path, data in report["files"].items()}
        judged = {path: files[path] for path in sorted(set(files) & set(room.trial.judged))} or files
        return {"meta": {"version": report["meta"]["version"]}, "files": judged, "totals": _totals(judged)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _lines(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("executed_lines", "missing_lines", "excluded_lines", "summary")}


def _totals(files: Mapping[str, Any]) -> dict[str, int]:
    names = ("covered_lines", "num_statements", "missing_lines", "excluded_lines")
    return {name: sum(data["summary"][name] for data in files.values()) for name in names}


def _tests(report: SuiteReport) -> Finding:
    bad = [case for case in report.cases if case.outcome != "passed"]
    measured = f"{len(report.cases) - len(bad)} of {len(report.cases)} passed"
    if bad:
        measured += "; " + "; ".join(f"{case.full_name} {case.outcome}: {case.message}" for case in bad[:5])
    return Finding(
        check="tests",
        passed=bool(report.cases) and not bad and not report.broken,
        measured=report.broken or measured,
        limit="every test passes, at least one; a skipped or expected failure is not a pass",
        fix="mend what the first failing test names; delete a test that cannot run here instead of skipping it",
        command=COMMAND,
    )


def _test_count(report: SuiteReport) -> Finding:
    ran, written = {case.name for case in report.cases}, set(report.in_files)
    missing, unknown = sorted(written - ran), sorted(ran - written)
    measured = f"{len(written)} test functions in the files, {len(ran)} of them ran as {len(report.cases)} tests"
    if missing:
        measured = f"in the files, but did not run: {', '.join(missing[:5])}"
    elif unknown:
        measured = f"ran, but not written out in the files: {', '.join(unknown[:5])}"
    return Finding(
        check="test_count",
        passed=bool(written) and not missing and not unknown,
        measured=measured,
        limit="the tests that ran are the tests in the files, at least one",
        fix="write every test out as a function test_* in tests/test_*.py, or as a method of a class Test*",
        command="python -m pytest tests --collect-only -q",
    )


def _planted_tests(report: SuiteReport) -> Finding:
    return Finding(
        check="planted_tests",
        passed=not report.tampered,
        measured=f"the runner was tampered with: {report.tampered}" if report.tampered else "both told the truth",
        limit="of two planted tests one is reported as failed and one as passed",
        fix="remove what changes pytest's reports from tests, conftest.py and src",
        command=COMMAND,
    )


def _line_coverage(coverage: Mapping[str, Any], min_coverage: float) -> Finding:
    rate = line_rate(coverage)
    files = coverage.get("files", {})
    gappy = [path for path in files if files[path]["missing_lines"]]
    worst = sorted(gappy, key=lambda path: -len(files[path]["missing_lines"]))[:2]
    gaps = "; ".join(f"{path} misses lines {_some(files[path]['missing_lines'])}" for path in worst)
    return Finding(
        check="coverage",
        passed=rate is not None and rate >= min_coverage,
        measured="no line of src was measured" if rate is None else f"{rate:.1f} % of the lines of src",
        limit=f"at least {min_coverage:g} % of the lines, excluded ones counted",
        fix=f"test what no test reaches: {gaps}" if rate is not None else "import the package from src in the tests",
        command=COVERAGE_COMMAND,
    )


def _some(lines: list[int]) -> str:
    return ", ".join(map(str, lines[:8])) + (", ..." if len(lines) > 8 else "")  # noqa: PLR2004 - one screen line
