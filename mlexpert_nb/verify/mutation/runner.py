"""Inside a fork: runs the named tests in the given order until one fails, and says which."""

import gc
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_QUIET = ("-q", "--tb=no", "--no-header", "--no-summary", "--color=no", "--assert=plain", "-p", "no:cacheprovider")


class Chosen:
    """Keeps the tests that are wanted, in their order, gives each its time, and tells of the first failure at once.

    Attributes:
        limits: Processor seconds that each wanted test may take, by its full name, in the order in which to run them.
        mouth: File descriptor of what is told; whoever listens needs no second word and ends the process.
        ran: How many tests ran.
    """

    def __init__(self, limits: Mapping[str, float], mouth: int) -> None:
        self.limits, self.mouth, self.ran = limits, mouth, 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what is wanted."""
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[name] for name in self.limits if name in by_name]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Start the clock of a test; at its end the kernel ends the process."""
        signal.setitimer(signal.ITIMER_PROF, self.limits[item.nodeid])
        self.ran += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure, wherever in the test it happens."""
        if report.failed:
            self.tell("killed", report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            self.tell("killed", f"the import of {report.nodeid}")

    def tell(self, fate: str, by: str) -> None:
        """Say what came of it, as one line."""
        os.write(self.mouth, (json.dumps({"fate": fate, "by": by, "ran": self.ran}) + "\n").encode())


def run_tests(order: Mapping[str, Any], mouth: int) -> None:
    """Run tests and write what came of it; the first line counts.

    Args:
        order: `root`, `settings` and `limits`: where, by which settings of pytest, and which tests.
        mouth: File descriptor for the line.
    """
    root, chosen = Path(order["root"]), Chosen(order["limits"], mouth)
    os.chdir(root)
    ours = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [str(root / "src"), *(each for each in sys.path if each not in ours)]
    sys.argv[:] = ["pytest"]
    gc.enable()
    files = list(dict.fromkeys(name.split("::")[0] for name in order["limits"]))
    where = ["-c", order["settings"], f"--rootdir={root}", f"--basetemp={os.environ['TMPDIR']}/pytest"]
    try:
        code = int(pytest.main([*_QUIET, "-x", *where, *files], plugins=[chosen]))
    except BaseException:  # noqa: BLE001 - whatever gets through pytest is a failure of the code under test
        code = pytest.ExitCode.INTERNAL_ERROR
    signal.setitimer(signal.ITIMER_PROF, 0)
    if code in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        chosen.tell("killed", "the start of the tests")
    else:
        chosen.tell("survived" if chosen.ran == len(chosen.limits) else "lost", "")  # unless it was told before
