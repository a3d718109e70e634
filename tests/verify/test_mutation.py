"""Faults planted in real deliveries: strong tests find them, weak ones do not, and dishonest ones are not believed."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlexpert_nb import verify
from mlexpert_nb.packages import Event
from mlexpert_nb.verify import Finding, JudgeSpec, judge, read_result
from mlexpert_nb.verify.mutation import Mutation, Scope, figures, judge_mutation, mutants, mutate, not_tried
from mlexpert_nb.verify.mutation.job import Trial
from mlexpert_nb.verify.suite import judge_suite, run_suite
from mlexpert_nb.verify.trial import open_trial
from mlexpert_nb.workspace import run_child

from . import mutated
from .conftest import TORCHLESS

SPEC = JudgeSpec("test")


@dataclass
class Tried:
    """What planting faults in a delivery gave."""

    mutation: Mutation
    finding: Finding
    events: list[Event]
    touched: list[str]


@pytest.fixture
def tried(deliver):
    """Give a function that runs the tests of a delivery, which must pass, and then plants faults."""

    def run(files: Mapping[str, str], spec: JudgeSpec = SPEC, **scope: int) -> Tried:
        events: list[Event] = []
        with open_trial(deliver(files), spec) as trial:
            tests, *_ = judge_suite(run_suite(trial, lambda _event: None), 0.0)
            assert tests.passed, tests.measured
            mutation = mutate(trial, events.append, Scope(**scope))
            return Tried(mutation, judge_mutation(mutation, spec), events, trial.touched)

    return run


def test_strong_tests_find_every_fault(tried):
    found = tried(mutated.network(mutated.STRONG), most=99)
    assert found.mutation.survivors == ()
    assert found.mutation.rate == 1.0
    assert found.finding.passed
    number = found.mutation.possible
    assert number >= 10
    assert found.finding.measured == f"{number} of {number} planted faults found (100%)"
    assert found.finding.command == "python -m mlexpert_nb.verify.mutation ."
    assert all(trial.by.startswith("tests/test_layer.py::test_") for trial in found.mutation.trials)
    assert found.touched == []
    assert [(event.kind, event.done, event.total) for event in found.events][-1] == ("note", number, number)


def test_tests_of_shapes_alone_are_too_weak_and_what_they_miss_is_named(tried):
    found = tried(mutated.network(mutated.WEAK), most=99)
    assert not found.finding.passed
    assert found.mutation.rate is not None
    assert found.mutation.rate < 0.7
    missed = {mutant.operator for mutant, _ in found.mutation.survivors}
    assert {"residual dropped", "norm dropped", "scale dropped", "dropout left on", "axis swapped"} <= missed
    place = mutated.NETWORK.splitlines().index("        return x_BTD + self.dropout(share_BTT @ v_BTD)") + 1
    assert f"src/model/__init__.py:{place} residual dropped" in str(figures(found.mutation)["survivors"])
    assert "not found: src/model/__init__.py:" in found.finding.measured
    assert found.finding.measured.endswith(f"; and {len(found.mutation.survivors) - 5} more")
    assert found.finding.fix.startswith("write a test that fails when this is done to the network: src/model/")
    assert found.finding.limit.startswith("at least 70% of the planted faults make a test fail")


def test_the_figures_count_every_operator(tried):
    found = tried(mutated.network(mutated.WEAK), most=6)
    counted = figures(found.mutation)
    assert counted["planted"] == counted["tried"] == 6
    assert counted["possible"] == found.mutation.possible > 6
    assert sum(each["tried"] for each in counted["operators"].values()) == 6
    assert sum(each["killed"] for each in counted["operators"].values()) == counted["killed"]
    assert counted["rate"] == round(counted["killed"] / 6, 4)
    assert len(counted["survivors"]) == 6 - counted["killed"]
    assert counted["cpu_s"] > 0


def test_tests_that_pass_whatever_happens_give_no_figure(tried):
    text = (
        "import contextlib\n\nfrom model import ends\n\n\n"
        "def test_it_runs():\n    with contextlib.suppress(Exception):\n        assert ends([1, 2]) == (1, 2)\n"
    )
    found = tried(mutated.plain(text))
    assert not found.finding.passed
    assert found.finding.measured == (
        "no figure: src/model/__init__.py:11 was made to raise, and no test that runs it failed"
    )
    assert found.mutation.trials == ()


def test_a_test_that_does_not_end_because_of_a_fault_has_found_it(tried):
    ends = '"""It ends."""\n\nfrom model.countdown import settled\n\n\ndef test_it():\n    assert settled(2) == 0\n'
    more = {"src/model/countdown.py": mutated.COUNTDOWN, "tests/test_countdown.py": ends}
    found = tried(mutated.plain(**more), most=99)
    fates = {found.mutation.planted[each.number].description: each.fate for each in found.mutation.trials}
    assert fates["number < 1: not number < 1"] == "timeout"
    assert found.mutation.rate == 1.0


def test_a_fault_that_no_test_reaches_counts_as_not_found(tried):
    text = mutated.PLAIN_TESTS.replace("assert ends([1, 2, 3]) == (1, 3)", "assert ends")
    found = tried(mutated.plain(text), most=99)
    assert [(mutant.operator, trial.fate) for mutant, trial in found.mutation.survivors] == [
        ("wrong index", "unreached"),
        ("wrong index", "unreached"),
    ]
    assert "src/model/__init__.py:11 wrong index (no test reaches it)" in found.finding.measured


def test_what_a_shared_fixture_runs_is_reached_by_every_test_that_stands_on_it(tried):
    text = (
        "import pytest\nfrom model import ends, larger, newest, total\n\n\n"
        '@pytest.fixture(scope="module")\ndef made():\n'
        "    return newest([1, 2, 3], 2), ends([1, 2, 3]), total([1, 2, 3], 2), larger(1, 2)\n\n\n"
        "def test_the_first_looks_at_nothing(made):\n    assert made\n\n\n"
        "def test_the_second_looks(made):\n    assert made == ([2, 3], (1, 3), 3, 2)\n"
    )
    found = tried(mutated.plain(text), most=99)
    assert found.mutation.rate == 1.0
    assert all(trial.reaching == 2 for trial in found.mutation.trials)


def test_few_places_for_a_fault_judge_no_tests(tried):
    found = tried(TORCHLESS)
    assert found.finding.passed
    assert found.finding.measured == "0 places where a fault could be planted, too few to judge tests by"
    assert figures(found.mutation)["rate"] is None


def test_the_least_share_is_a_choice(tried):
    text = mutated.PLAIN_TESTS.replace("(1, 3)", "(1, 3) or True")
    found = tried(mutated.plain(text))
    for least, passed in ((0.6, True), (0.61, False)):
        finding = judge_mutation(found.mutation, JudgeSpec("test", min_kill_rate=least))
        assert finding.passed is passed
        assert finding.measured.startswith("3 of 5 planted faults found (60%); not found: ")
        assert finding.limit.startswith(f"at least {least:.0%} of the planted faults")


def test_only_what_was_delivered_is_changed(tried):
    spec = JudgeSpec("test", delivered=("src/model/__init__.py", "tests/test_plain.py"))
    theirs = {"src/theirs/old.py": mutated.PLAIN}
    found = tried(mutated.plain(**theirs), spec, most=99)
    assert {mutant.path for mutant in found.mutation.planted} == {"src/model/__init__.py"}


CALLS = "\n    assert (newest([1], 1), ends([1]), total([1], 1), larger(1, 2))\n"
IMPORTS = (
    "import os\nimport pathlib\nimport signal\nimport sys\n\n"
    "import model\nfrom model import ends, larger, newest, total\n"
)
PLANTED = "    planted = 'mlexpert_nb.verify.mutation.runner' in sys.modules\n"
COMPARES_THE_CODE = f"""
    there = {{}}
    exec({mutated.PLAIN!r}, there)
    for name in ("newest", "ends", "total", "larger"):
        assert getattr(model, name).__code__.co_code == there[name].__code__.co_code
"""
ERASES = f"""
{PLANTED}
    for note in pathlib.Path("..").glob("*.jsonl") if planted else []:
        note.write_text("")
    assert not planted
"""
FORGED = '{"fate": "killed", "by": "tests/test_plain.py::test_it", "ran": 1}'
FALSE_ALARM = "also fails where nothing is wrong: run by itself, or because the text is another"


@pytest.mark.parametrize(
    ("body", "measured"),
    [
        (f"    assert pathlib.Path(model.__file__).read_text() == {mutated.PLAIN!r}\n", FALSE_ALARM),
        (COMPARES_THE_CODE, FALSE_ALARM),
        (f"{PLANTED}    assert not planted\n", FALSE_ALARM),
        (f"{PLANTED}    if planted:\n        os.write(3, b'{FORGED}\\n')\n", FALSE_ALARM),
        (f"{PLANTED}    if planted:\n        os._exit(0)\n", "was made to raise, and no test that runs it failed"),
        (f"{PLANTED}    if planted:\n        os.kill(os.getppid(), signal.SIGKILL)\n",
         "the process that runs the tests was ended from inside"),
        (ERASES, "what was written about some faults is gone"),
    ],
    ids=["text", "code", "knows", "forges", "exits", "kills", "erases"],
)  # fmt: skip
def test_tests_that_look_for_the_judge_instead_of_the_fault_are_not_believed(tried, body, measured):
    found = tried(mutated.plain(f"{IMPORTS}\n\ndef test_it():\n{body}{CALLS}"))
    assert not found.finding.passed
    assert found.finding.measured.startswith("no figure: ")
    assert measured in found.finding.measured
    assert found.mutation.rate is None
    assert found.finding.fix.startswith("make each test pass by itself")


def test_a_line_without_the_secret_is_not_read(tried):
    line = '{"nonce": "", "trial": {"number": 0, "fate": "killed", "by": "x", "reaching": 1, "ran": 1, "seconds": 0.0}}'
    body = f"    with open('../mutation.jsonl', 'a') as notes:\n        notes.write({line + chr(10)!r})\n"
    planted = f"{PLANTED}    if planted:\n    {body.replace(chr(10), chr(10) + '    ').rstrip()}\n"
    found = tried(mutated.plain(f"{IMPORTS}\n\ndef test_it():\n{planted}{CALLS}"), most=99)
    assert found.mutation.killed < len(found.mutation.trials) == found.mutation.possible
    assert not found.finding.passed


def test_what_a_test_changes_in_the_copy_is_put_back_before_the_next_fault(tried):
    spoils = (
        f"{IMPORTS}\n\ndef test_it():\n{PLANTED}{CALLS}    if planted:\n"
        "        pathlib.Path('tests/test_other.py').write_text('assert False')\n"
        "        pathlib.Path('tests/conftest.py').write_text('assert False')\n"
        "        pathlib.Path('src/model/extra.py').write_text('')\n"
    )
    found = tried(mutated.plain(**{"tests/test_a.py": spoils}), most=99)
    assert found.mutation.rate == 1.0
    assert {trial.by.split("::")[0] for trial in found.mutation.trials} <= {
        "tests/test_plain.py",
        "a test that did not end",
        "tests/test_a.py",
    }


def test_a_run_without_a_map_of_lines_has_no_figure(deliver):
    removes = (
        "import pathlib\nimport sys\n\n\ndef test_it():\n"
        "    sys.modules['mlexpert_contexts'].OUT = pathlib.Path('elsewhere.json')\n"
    )
    with open_trial(deliver(mutated.plain(**{"tests/test_a.py": removes})), SPEC) as trial:
        run_suite(trial, lambda _event: None)
        finding = judge_mutation(mutate(trial, lambda _event: None), SPEC)
    assert not finding.passed
    assert finding.measured == "no figure: the tests left no reach.json, which says what lines each of them runs"


def test_tests_too_slow_for_a_third_of_the_faults_are_told_so():
    faults = mutants({"src/model/a.py": mutated.PLAIN})
    found = Trial(0, "killed", "tests/test_a.py::test_it", reaching=1, ran=1, seconds=99.0)
    slow = judge_mutation(Mutation(5, faults, (found,)), SPEC)
    assert not slow.passed
    assert slow.measured == "1 of 1 planted faults found (100%); time for 1 of 5, the tests are slow"
    assert slow.fix == "make the tests faster: small configurations, few steps"
    assert judge_mutation(Mutation(5, faults, (found, replace(found, number=1))), SPEC).passed
    assert judge_mutation(Mutation(5, faults), SPEC).measured == "no figure: nothing could be tried"


def test_a_survivor_says_why_it_survived():
    faults = mutants({"src/model/a.py": mutated.PLAIN})
    missed = Trial(0, "survived", "", reaching=3, ran=2, seconds=1.0)
    measured = judge_mutation(Mutation(5, faults, (missed, replace(missed, number=1, fate="lost"))), SPEC).measured
    assert "src/model/a.py:6 bound off by one (2 of 3 tests that reach it had time)" in measured
    assert "src/model/a.py:11 wrong index (the tests ended without a word)" in measured


def test_where_the_tests_fail_nothing_is_planted():
    assert not not_tried().passed
    assert not_tried().measured == "not run: faults are planted only where the tests pass without them"


def test_the_judge_seals_the_figures_and_names_what_was_not_found(deliver):
    events: list[Event] = []
    files = mutated.plain(mutated.PLAIN_TESTS.replace("(1, 3)", "(1, 3) or True").replace("== 3", ">= 3"))
    root = deliver(files)
    verdict = judge(root, JudgeSpec("key", delivered=tuple(files)), events.append)
    (finding,) = [each for each in verdict.findings if each.check == "mutation"]
    assert not finding.passed
    counted = read_result(root).evidence["figures"]["mutation"]
    assert (counted["killed"], counted["tried"], counted["rate"]) == (3, 5, 0.6)
    assert counted["survivors"][0] == "src/model/__init__.py:11 wrong index: 0: [-1] stands for [0]"
    assert finding.measured in {each["measured"] for each in read_result(root).evidence["checks"]}
    assert Event("check", f"mutation: {finding.measured}", passed=False) in events
    assert "mutation: 5 of 5" in {event.text for event in events if event.kind == "note"}


def test_the_judge_plants_nothing_where_the_tests_fail(deliver):
    files = mutated.plain(mutated.PLAIN_TESTS.replace("== 3", "== 4"))
    root = deliver(files)
    verdict = judge(root, JudgeSpec("key", delivered=tuple(files)), lambda _event: None)
    assert not_tried() in verdict.findings
    assert "mutation" not in read_result(root).evidence["figures"]


def test_by_hand_every_fault_is_listed_with_the_test_that_finds_it(deliver):
    root = deliver(mutated.plain(mutated.PLAIN_TESTS.replace("== (1, 3)", "")))
    env = {"PYTHONPATH": str(Path(verify.__file__).parents[2])}
    result = run_child([sys.executable, "-m", "mlexpert_nb.verify.mutation", ".", "--all"], cwd=root, env=env)
    assert result.exit_code == 1, result.stderr
    assert "killed    src/model/__init__.py:6 bound off by one\n" in result.stdout
    assert "          by tests/test_plain.py::test_the_newest_are_the_last\n" in result.stdout
    assert "survived  src/model/__init__.py:11 wrong index\n          0: [-1] stands for [0]\n" in result.stdout
    assert "3 of 5 planted faults found (60%)" in result.stdout
    broken = deliver(mutated.plain(mutated.PLAIN_TESTS.replace("== 3", "== 4")), name="broken")
    result = run_child([sys.executable, "-m", "mlexpert_nb.verify.mutation", "."], cwd=broken, env=env)
    assert result.exit_code == 1
    assert result.stdout.startswith("not run: faults are planted only where the tests pass without them: 3 of 4 passed")
