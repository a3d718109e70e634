"""Test cases as pytest reports them, read from junit.xml and from its lines while it runs."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Outcome = Literal["passed", "failed", "error", "skipped"]
LARGEST_JUNIT = 32 * 2**20  # bytes; a report of a real suite is a thousandth of it
_LONGEST_MESSAGE = 200  # characters
_LINE = re.compile(r"^(?P<id>\S+\.py::.*?) (?P<word>PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")
_COUNTERS: Mapping[str, Outcome] = {"failures": "failed", "errors": "error", "skipped": "skipped"}
_WORDS: Mapping[str, Outcome] = {
    "PASSED": "passed",
    "FAILED": "failed",
    "ERROR": "error",
    "SKIPPED": "skipped",
    "XFAIL": "skipped",
    "XPASS": "skipped",  # it passed, but its author expects it not to
}


@dataclass(frozen=True, slots=True)
class Case:
    """One test that ran.

    Attributes:
        name: Its function, as pytest names it without parameters: `tests/test_a.py::TestB::test_c`.
        parameters: The part in brackets; empty for a test without parameters.
        outcome: What became of it.
        message: First line of the failure, cut where it is long.
    """

    name: str
    parameters: str
    outcome: Outcome
    message: str = ""

    @property
    def full_name(self) -> str:
        """Name with parameters, as pytest takes it on its command line."""
        return f"{self.name}[{self.parameters}]" if self.parameters else self.name

    @property
    def path(self) -> str:
        """File of the test."""
        return self.name.split("::", 1)[0]

    @property
    def is_integration(self) -> bool:
        """Whether it is an integration test: its file is named test_integration_*.py."""
        return PurePosixPath(self.path).name.startswith("test_integration_")


def read_junit(text: str) -> tuple[Case, ...]:
    """Read the cases of a junit.xml.

    Raises:
        ValueError: The text is not a junit report.
    """
    root = _parse(text)
    return tuple(_case(element) for element in root.iter("testcase"))


def without(text: str, planted: Collection[str]) -> str:
    """Give a junit.xml without the cases of the planted files, with its counts taken anew.

    Raises:
        ValueError: The text is not a junit report.
    """
    root = _parse(text)
    for suite in root.iter("testsuite"):
        for element in [each for each in suite.iter("testcase") if _case(each).path in planted]:
            suite.remove(element)
        outcomes = Counter(_case(element).outcome for element in suite.iter("testcase"))
        suite.set("tests", str(outcomes.total()))
        for key, outcome in _COUNTERS.items():
            suite.set(key, str(outcomes[outcome]))
        for private in ("hostname", "timestamp"):
            suite.attrib.pop(private, None)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def parse_line(line: str) -> tuple[str, Outcome] | None:
    """Read one line of `pytest -v`: the test's full name and what became of it."""
    match = _LINE.match(line)
    return (match["id"], _WORDS[match["word"]]) if match else None


def all_passed(cases: Iterable[Case]) -> str:
    """Give the count for people: "48/48 passing"."""
    listed = list(cases)
    return f"{sum(case.outcome == 'passed' for case in listed)}/{len(listed)} passing"


def _parse(text: str) -> ET.Element:
    if len(text) > LARGEST_JUNIT or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("not a report that pytest writes")
    try:
        return ET.fromstring(text)  # noqa: S314 - entities, the danger of XML, were refused above
    except ET.ParseError as error:
        raise ValueError(f"not XML: {error}") from error


def _case(element: ET.Element) -> Case:
    function, _, parameters = element.get("name", "").partition("[")
    path = element.get("file") or ""
    dotted = path.removesuffix(".py").replace("/", ".")
    classes = element.get("classname", "").removeprefix(dotted).strip(".")
    name = "::".join([path, *(classes.split(".") if classes else []), function])
    outcome, message = _outcome(element)
    return Case(name, parameters.removesuffix("]"), outcome, message)


def _outcome(element: ET.Element) -> tuple[Outcome, str]:
    tags: tuple[tuple[str, Outcome], ...] = (("error", "error"), ("failure", "failed"), ("skipped", "skipped"))
    for tag, outcome in tags:
        child = element.find(tag)
        if child is not None:
            return outcome, (child.get("message") or "").strip().split("\n")[0][:_LONGEST_MESSAGE]
    return "passed", ""
