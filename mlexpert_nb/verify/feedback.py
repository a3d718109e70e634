"""What the judge found wrong, as text for the one who mends it: the most telling first, the rest cut."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import artefacts
from mlexpert_nb.verify.cases import Case
from mlexpert_nb.verify.spec import Finding, Verdict
from mlexpert_nb.workspace import STATE

_MOST_TESTS, _MOST_LINES, _LONGEST_LINE = 5, 25, 300


def failures(root: Path, verdict: Verdict) -> str:
    """Tell what failed: each finding with its figure and its cure, then the tracebacks of a few different failures.

    Args:
        root: Folder that was judged.
        verdict: What came of it.
    """
    failed = [finding for finding in verdict.findings if not finding.passed]
    lines = ["The judge did not pass it. Mend the cause in the code; the tests stay as they are, or grow.", ""]
    lines += [_told(finding) for finding in failed]
    try:
        cases = [case for case in artefacts.read(root).cases if case.outcome in ("failed", "error")]
        tracebacks = _tracebacks(root)
    except (UsageError, OSError, ValueError, ET.ParseError):  # no report: the tests took their runner along
        return "\n".join(lines)
    shown = _different(cases)
    for case in shown[:_MOST_TESTS]:
        lines += ["", f"{case.full_name}: {case.message}", *_tail(tracebacks.get(case.full_name, ""))]
    left = len(cases) - min(len(shown), _MOST_TESTS)
    if left > 0:
        lines += ["", f"and {left} more failing tests, most of them for the same reasons"]
    return "\n".join(lines)


def tests_that_ran(root: Path) -> frozenset[str]:
    """Name the tests that the judge ran, without their parameters; a file that could not be collected has none."""
    try:
        return frozenset(case.name for case in artefacts.read(root).cases if case.outcome in ("passed", "failed"))
    except UsageError:
        return frozenset()


def _told(finding: Finding) -> str:
    return f"- {finding.check}: measured {finding.measured}; required {finding.limit}. {finding.fix}"


def _different(cases: Iterable[Case]) -> list[Case]:
    """Give one case for each message, errors of collection first: they hide the other tests."""
    first: dict[str, Case] = {}
    for case in cases:
        first.setdefault(case.message, case)
    return sorted(first.values(), key=lambda case: (case.outcome != "error", case.full_name))


def _tail(traceback: str) -> list[str]:
    return [f"    {line[:_LONGEST_LINE]}" for line in traceback.strip().splitlines()[-_MOST_LINES:]]


def _tracebacks(root: Path) -> dict[str, str]:
    text = (root / STATE / artefacts.JUNIT).read_text("utf-8")
    found: dict[str, str] = {}
    for element in ET.fromstring(text).iter("testcase"):  # noqa: S314 - written by the judge, entities refused there
        child = next((each for tag in ("failure", "error") if (each := element.find(tag)) is not None), None)
        if child is not None:
            found[_full_name(element)] = child.text or ""
    return found


def _full_name(element: ET.Element) -> str:
    path = element.get("file") or ""
    classes = element.get("classname", "").removeprefix(path.removesuffix(".py").replace("/", ".")).strip(".")
    return "::".join([path, *(classes.split(".") if classes else []), element.get("name", "")])
