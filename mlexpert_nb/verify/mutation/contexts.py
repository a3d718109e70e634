"""A pytest plugin that notes which test runs while lines are measured, how long it takes, and what it stands on.

It is copied beside the results of the tests and runs there by itself, so it imports nothing of this package.
"""

import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import coverage
import pytest

OUT = Path(__file__).with_name("reach.json")


class Contexts:
    """Tells the meter whose lines are running: a test's, or those of a fixture that several tests share."""

    def __init__(self) -> None:
        self.tests: dict[str, Any] = {}
        self.fixtures: dict[str, Any] = {}
        self.owners: list[str] = [""]
        self.shared_s = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Measure one test."""
        self.shared_s, started = 0.0, time.process_time()
        self._enter(item.nodeid)
        try:
            return (yield)
        finally:
            self._leave()
            seconds = time.process_time() - started - self.shared_s
            names = list(getattr(item, "fixturenames", ()))
            self.tests[item.nodeid] = {"seconds": max(seconds, 0.0), "fixtures": names}

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, object, object]:
        """Measure the making of a shared fixture apart from the test that happens to come first."""
        if fixturedef.scope == "function":
            return (yield)
        key, started = f"fixture {fixturedef.baseid}::{fixturedef.argname}", time.process_time()
        self._enter(key)
        try:
            return (yield)
        finally:
            self._leave()
            seconds = time.process_time() - started
            self.shared_s += seconds
            self.fixtures[key] = {"base": fixturedef.baseid, "name": fixturedef.argname, "seconds": seconds}

    def pytest_sessionfinish(self) -> None:
        """Write down what was noted."""
        OUT.write_text(json.dumps({"tests": self.tests, "fixtures": self.fixtures}), encoding="utf-8")

    def _enter(self, owner: str) -> None:
        self.owners.append(owner)
        self._tell()

    def _leave(self) -> None:
        self.owners.pop()
        self._tell()

    def _tell(self) -> None:
        meter = coverage.Coverage.current()
        if meter is not None:
            meter.switch_context(self.owners[-1])


def pytest_configure(config: pytest.Config) -> None:
    """Join in."""
    config.pluginmanager.register(Contexts(), "mlexpert-contexts")
