"""The delivered tests, run under the judge's settings: what counts, and every way to cheat that is caught.

The deliveries here need no torch, so that each run takes a fraction of a second.
"""

import random
from pathlib import Path

import pytest

from mlexpert_nb.packages import Event
from mlexpert_nb.verify import JudgeSpec
from mlexpert_nb.verify.canary import Canaries
from mlexpert_nb.verify.cases import read_junit
from mlexpert_nb.verify.suite import SuiteReport, judge_suite, line_rate, run_suite
from mlexpert_nb.verify.trial import open_trial

from .conftest import TORCHLESS

GOOD = TORCHLESS["tests/test_double.py"]


def judged(root: Path, *, min_coverage: float = 90.0) -> tuple[SuiteReport, dict[str, str]]:
    """Run the tests of a delivery; give the report and what was measured by each failed check."""
    with open_trial(root, JudgeSpec("test")) as trial:
        report = run_suite(trial, lambda _event: None)
    findings = judge_suite(report, min_coverage)
    return report, {finding.check: finding.measured for finding in findings if not finding.passed}


def test_good_tests_pass_every_check(deliver):
    report, failed = judged(deliver(TORCHLESS))
    assert not failed
    assert [case.name for case in report.cases] == ["tests/test_double.py::test_it_doubles"]
    assert line_rate(report.coverage) == 100.0


def test_the_report_has_neither_planted_tests_nor_temporary_paths(deliver):
    report, _ = judged(deliver(TORCHLESS, **{"tests/test_double.py": GOOD.replace("4", "5")}))
    assert 'tests="1"' in report.junit
    assert 'failures="1"' in report.junit
    assert len(read_junit(report.junit)) == 1
    assert "mlexpert-judge" not in report.junit
    assert list(report.coverage["files"]) == ["src/model/__init__.py"]


def test_every_test_is_told_while_it_runs(deliver):
    events: list[Event] = []
    more = GOOD + "\n\ndef test_zero():\n    assert double(0) == 1\n"
    with open_trial(deliver(TORCHLESS, **{"tests/test_double.py": more}), JudgeSpec("test")) as trial:
        run_suite(trial, events.append)
    assert [(event.kind, event.done, event.total, event.passed) for event in events] == [
        ("test", 1, 2, True),
        ("test", 2, 2, False),
    ]
    assert events[1].text == "tests/test_double.py::test_zero"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("    assert double(2) == 5\n", "failed: assert 4 == 5"),
        ("    pytest.skip('no time')\n", "skipped: no time"),
        ("    pytest.xfail('known')\n", "skipped: known"),
        ("    raise SystemExit(0)\n", "failed: SystemExit: 0"),
    ],
)
def test_only_a_pass_is_a_pass(deliver, body, outcome):
    text = f"import pytest\nfrom model import double\n\n\ndef test_it_doubles():\n    assert double(1) == 2\n{body}"
    _, failed = judged(deliver(TORCHLESS, **{"tests/test_double.py": text}))
    assert failed["tests"] == f"0 of 1 passed; tests/test_double.py::test_it_doubles {outcome}"


def test_a_test_that_passes_although_it_is_expected_to_fail_is_no_pass(deliver):
    text = "import pytest\n" + GOOD.replace("def test_it", '@pytest.mark.xfail(reason="never")\ndef test_it')
    _, failed = judged(deliver(TORCHLESS, **{"tests/test_double.py": text}))
    assert "failed: [XPASS(strict)] never" in failed["tests"]


def test_a_failure_in_a_subtest_or_after_the_test_is_a_failure(deliver):
    text = (
        "import unittest\n\nimport pytest\nfrom model import double\n\n\nclass Case(unittest.TestCase):\n"
        "    def test_parts(self):\n        with self.subTest(part=1):\n"
        "            self.assertEqual(double(1), 3)\n\n\n"
        "@pytest.fixture\ndef late():\n    yield\n    assert double(1) == 3\n\n\n"
        "def test_late(late):\n    assert double(1) == 2\n"
    )
    report, failed = judged(deliver(TORCHLESS, **{"tests/test_more.py": text}))
    assert failed["tests"].startswith("1 of 3 passed; tests/test_more.py::Case::test_parts failed: ")
    assert {case.name: case.outcome for case in report.cases}["tests/test_more.py::test_late"] == "error"


def test_a_file_that_cannot_be_imported_fails_and_is_named(deliver):
    _, failed = judged(deliver(TORCHLESS, **{"tests/test_double.py": "import nonsense\n" + GOOD}))
    assert "collection failure" in failed["tests"]
    assert failed["test_count"] == "in the files, but did not run: tests/test_double.py::test_it_doubles"


def test_no_tests_at_all_is_a_failure(deliver):
    files = {path: text for path, text in TORCHLESS.items() if not path.startswith("tests/")}
    _, failed = judged(deliver(files))
    assert failed["tests"] == "0 of 0 passed"
    assert failed["test_count"] == "0 test functions in the files, 0 of them ran as 0 tests"


@pytest.mark.parametrize(
    ("change", "measured"),
    [
        ({"tests/conftest.py": 'collect_ignore = ["test_double.py"]\n'}, "in the files, but did not run"),
        ({"tests/test_double.py": GOOD + "\n\ntest_more = test_it_doubles\n"}, "ran, but not written out in the files"),
        ({"tests/test_double.py": GOOD + "\n\nclass TestIt:\n    __test__ = False\n\n    def test_a(self):\n"
          "        assert double(1) == 2\n"}, "in the files, but did not run: tests/test_double.py::TestIt::test_a"),
    ],
)  # fmt: skip
def test_the_tests_that_ran_are_the_tests_in_the_files(deliver, change, measured):
    _, failed = judged(deliver(TORCHLESS, **change))
    assert measured in failed["test_count"]


def test_classes_parameters_and_nested_folders_are_counted(deliver):
    text = (
        '"""More."""\n\nimport unittest\n\nimport pytest\nfrom model import double\n\n\n'
        "class TestOuter:\n    class TestInner:\n"
        '        @pytest.mark.parametrize("name", ["a[b]", "x::y", "a PASSED b"])\n'
        "        def test_names(self, name):\n            assert double(name) == name + name\n\n\n"
        "class Case(unittest.TestCase):\n    def test_unit(self):\n        self.assertEqual(double(1), 2)\n"
    )
    report, failed = judged(deliver(TORCHLESS, **{"tests/deep/test_more.py": text}))
    assert not failed
    assert len(report.cases) == 5
    assert "tests/deep/test_more.py::TestOuter::TestInner::test_names" in report.in_files


def test_the_settings_of_the_delivery_are_not_obeyed(deliver):
    hostile = '[tool.pytest.ini_options]\naddopts = "--deselect tests/test_double.py::test_it_doubles -k nothing"\n'
    settings = {"pyproject.toml": hostile, "pytest.ini": "[pytest]\naddopts = --collect-only\n", "tox.ini": hostile}
    report, failed = judged(deliver(TORCHLESS, **settings, **{".coveragerc": "[run]\nomit = *\n"}))
    assert not failed
    assert len(report.cases) == 1


def test_lines_nobody_runs_are_counted_also_behind_a_pragma_and_in_files_nobody_imports(deliver):
    source = TORCHLESS["src/model/__init__.py"]
    hidden = source + "\n\ndef never(x):  # pragma: no cover\n    y = x\n    return y\n"
    report, failed = judged(deliver(TORCHLESS, **{"src/model/__init__.py": hidden}))
    assert failed["coverage"] == "60.0 % of the lines of src"
    lonely = "".join(f"a{index} = {index}\n" for index in range(8))
    report, failed = judged(deliver(TORCHLESS, name="second", **{"src/model/deep/lonely.py": lonely}))
    assert failed["coverage"] == "20.0 % of the lines of src"
    assert "src/model/deep/lonely.py misses lines 1, 2, 3, 4, 5, 6, 7, 8" in judge_suite(report, 90.0)[3].fix


def test_only_delivered_lines_count_beside_the_code_of_the_user(deliver):
    root = deliver(TORCHLESS, **{"src/theirs/old.py": "a = 1\nb = 2\n"})
    with open_trial(root, JudgeSpec("test", delivered=tuple(TORCHLESS))) as trial:
        report = run_suite(trial, lambda _event: None)
    assert line_rate(report.coverage) == 100.0


REPORTS_ALL_AS_PASSED = """
def pytest_runtest_makereport(item, call):
    call.excinfo = None
"""
PATCHES_THE_RUNNER = '''
"""A package that bends the runner."""

import sys


def double(x):
    """Double."""
    return 2 * x


def lie(cls, item, call):
    """Forget that the test failed."""
    call.excinfo = None
    return honest(cls, item, call)


report = sys.modules["_pytest.reports"].TestReport
honest = report.from_item_and_call.__func__
report.from_item_and_call = classmethod(lie)
'''
FORGES_AT_EXIT = '''"""It doubles."""

import atexit
import sys
from pathlib import Path

from model import double

JUNIT = next(a.split("=")[1] for a in sys.orig_argv if a.startswith("--junitxml"))


def forge():
    path = Path(JUNIT)
    text = path.read_text()
    start = text.index("<failure", text.index("test_it_doubles"))
    path.write_text(text[:start] + text[text.index("</failure>", start) + 10 :])


atexit.register(forge)


def test_it_doubles():
    assert double(2) == 5
'''


@pytest.mark.parametrize(
    ("change", "check", "measured"),
    [
        ({"tests/conftest.py": REPORTS_ALL_AS_PASSED}, "planted_tests", "that must fail was reported as passed"),
        ({"src/model/__init__.py": PATCHES_THE_RUNNER}, "planted_tests", "that must fail was reported as passed"),
        ({"tests/conftest.py": "def pytest_collection_modifyitems(items):\n    del items[1:]\n"}, "planted_tests",
         "was reported as not run"),
        ({"tests/conftest.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef no():\n    pytest.skip('no')\n"},
         "planted_tests", "was reported as skipped"),
        ({"tests/test_double.py": FORGES_AT_EXIT}, "tests", "reports 2 passed tests, while 1 were seen to pass"),
        ({"tests/test_zz.py": "import os\n\n\ndef test_end():\n    os._exit(0)\n"}, "tests",
         "pytest wrote no result: exit code 0"),
        ({"tests/test_zz.py": "import os\nos._exit(0)\n"}, "tests", "pytest wrote no result: exit code 0"),
        ({"tests/test_zz.py": "import pytest\npytest.exit('enough', 0)\n"}, "tests",
         "error: collection failure"),
        ({"src/model/__init__.py": "import sys\nsys.exit(0)\n"}, "tests", "although a planted test must fail"),
        ({"tests/conftest.py": "import sys\nsys.exit(0)\n"}, "tests", "wrote no result: exit code 0"),
    ],
)  # fmt: skip
def test_a_runner_that_lies_is_found_out(deliver, change, check, measured):
    _, failed = judged(deliver(TORCHLESS, **change))
    assert measured in failed[check]


def test_planted_names_differ_each_time_and_take_no_name_in_use(tmp_path):
    first = Canaries.plant(tmp_path, random.Random(1))  # noqa: S311 - the same draw twice
    second = Canaries.plant(tmp_path, random.Random(1))  # noqa: S311 - the same draw twice
    assert len({*first.files, *second.files}) == 4
    assert all((tmp_path / path).is_file() for path in first.files)
