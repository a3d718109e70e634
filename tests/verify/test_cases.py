"""Reports of pytest, from junit.xml and from its lines."""

import pytest

from mlexpert_nb.verify.cases import Case, all_passed, parse_line, read_junit, without

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="1" tests="5" hostname="here" timestamp="now">
<testcase classname="tests.test_a" name="test_b[x[1]-y]" file="tests/test_a.py" line="3" time="0.1"/>
<testcase classname="tests.test_a.TestC.TestD" name="test_e" file="tests/test_a.py">
<failure message="no&#10;more"/></testcase>
<testcase classname="tests.test_integration_x" name="test_f" file="tests/test_integration_x.py">
<skipped message="s"/></testcase>
<testcase classname="tests.test_g" name="test_h" file="tests/test_g.py"><error message="e"/></testcase>
<testcase classname="tests.test_planted" name="test_i" file="tests/test_planted.py"><failure message="p"/></testcase>
</testsuite></testsuites>"""


def test_cases_carry_name_parameters_outcome_and_the_first_line_of_the_message():
    first, second, third, fourth, _ = read_junit(JUNIT)
    assert first == Case("tests/test_a.py::test_b", "x[1]-y", "passed")
    assert first.full_name == "tests/test_a.py::test_b[x[1]-y]"
    assert second == Case("tests/test_a.py::TestC::TestD::test_e", "", "failed", "no")
    assert (third.outcome, third.is_integration) == ("skipped", True)
    assert (fourth.outcome, fourth.is_integration) == ("error", False)


def test_planted_cases_are_taken_out_and_the_counts_taken_anew():
    text = without(JUNIT, {"tests/test_planted.py"})
    assert [case.path for case in read_junit(text)].count("tests/test_planted.py") == 0
    assert 'errors="1" failures="1" skipped="1" tests="4"' in text
    assert "hostname" not in text


def test_only_passed_cases_count_as_passing():
    assert all_passed(read_junit(JUNIT)) == "1/5 passing"
    assert all_passed(()) == "0/0 passing"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "not a report that pytest writes"),
        ("<a", "not XML: unclosed token"),
    ],
)
def test_what_is_no_report_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_junit(text)


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("tests/test_a.py::test_b PASSED                 [ 10%]", ("tests/test_a.py::test_b", "passed")),
        ("tests/test_a.py::TestC::test_d[a b] FAILED     [ 10%]", ("tests/test_a.py::TestC::test_d[a b]", "failed")),
        ("tests/test_a.py::test_b SKIPPED (no)", ("tests/test_a.py::test_b", "skipped")),
        ("tests/test_a.py::test_b XPASS (why)", ("tests/test_a.py::test_b", "skipped")),
        ("FAILED tests/test_a.py::test_b - assert 1 == 2", None),
        ("PASSED", None),
        ("", None),
    ],
)
def test_lines_of_a_running_suite_are_read(line, parsed):
    assert parse_line(line) == parsed
