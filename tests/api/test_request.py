"""The way of a request, end to end, with a real judge: delivered as a whole or not at all."""

import json

import pytest

from mlexpert_nb import api
from mlexpert_nb.errors import ConflictError, EnvironmentProblem, UnknownNameError, UsageError
from mlexpert_nb.packages import ResultPackage

REQUEST = "Implement this small GRU language model architecture"


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def deliver(work, llm, **options):
    return api.implement(REQUEST, workspace=work, llm=llm, **{"approve": "auto", **options})


def test_a_request_becomes_proven_files_with_a_receipt(delivered):
    work, result = delivered.root, delivered.result
    assert result.status == "implementation_complete"
    assert ResultPackage.from_json(result.to_json()) == result
    assert {file.path for file in result.deliverables.code_files} >= {"src/model/__init__.py", "src/model/network.py"}
    assert (result.validation.unit_tests, result.validation.integration_tests) == ("3/3 passing", "1/1 passing")
    assert result.evidence["receipt"].startswith("sha256:")
    assert api.verify(work, result.evidence["receipt"]).passed
    assert all(line.startswith("done as planned: ") for line in result.evidence["planned_vs_done"])
    assert api.generated_cells(work)


def test_the_same_request_again_changes_no_byte_and_asks_nobody(delivered, scripted, contents):
    work, first = delivered.root, delivered.result
    before, llm = contents(work), scripted()
    again = deliver(work, llm, approve="ask")
    assert contents(work) == before
    assert llm.requests == []
    assert again.evidence["unchanged"] is True
    assert again.to_json()["performance_metrics"] == first.to_json()["performance_metrics"]


def test_what_the_judge_does_not_pass_never_reaches_the_workspace(work, scripted):
    leaky = "self.gru = nn.GRU(config.dim, config.dim, batch_first=True, bidirectional=True)"
    import tiny_delivery  # noqa: PLC0415 - only this test plants a fault

    faulty = tiny_delivery.NETWORK.replace(
        "self.gru = nn.GRU(config.dim, config.dim, batch_first=True)", leaky
    ).replace("nn.Linear(config.dim,", "nn.Linear(2 * config.dim,")
    result = deliver(work, scripted(**{"src__model__network.py": faulty}))
    assert result.status == "verification_failed"
    assert result.exit_code == 4
    assert "causality" in result.message
    assert not work.exists()


@pytest.mark.parametrize("ask", [None, lambda _proposal: False], ids=["nobody to ask", "said no"])
def test_a_plan_that_nobody_approved_changes_nothing_and_names_the_options(work, scripted, ask):
    result = deliver(work, scripted(), approve="ask", ask=ask)
    assert (result.status, result.exit_code) == ("plan_ready", 3)
    assert "--approve auto" in result.message
    assert not work.exists()


def test_the_person_is_shown_exactly_the_plan_that_is_signed(delivered):
    work = delivered.root
    (proposal,) = delivered.shown
    assert "A  src/model/network.py" in proposal.diff
    assert (work / ".mlexpert" / "plan.md").read_text() == proposal.text
    assert json.loads((work / ".mlexpert" / "run.json").read_text())["plan_digest"] == proposal.digest


def test_a_file_of_the_user_is_never_overwritten(work, scripted, contents):
    (work / "src" / "model").mkdir(parents=True)
    (work / "src" / "model" / "network.py").write_text("mine = True\n")
    before = contents(work)
    with pytest.raises(ConflictError, match=r"src/model/network.py in .* was kept; move it away"):
        deliver(work, scripted())
    assert contents(work) == before


def test_a_delivered_file_that_the_user_edited_is_kept(delivered, scripted, contents):
    work = delivered.root
    (work / "src" / "model" / "config.py").write_text("mine = True\n")
    before = contents(work)
    with pytest.raises(ConflictError, match=r"src/model/config.py"):
        deliver(work, scripted())
    assert contents(work) == before


@pytest.mark.parametrize("damage", ["{", "[]"])
def test_damaged_facts_of_the_last_run_are_no_reason_to_stop(delivered, scripted, damage):
    work = delivered.root
    (work / ".mlexpert" / "run.json").write_text(damage)
    assert deliver(work, scripted()).status == "implementation_complete"
    assert api.verify(work).passed


def test_undo_gives_back_the_folder_from_before(work, scripted, contents):
    work.mkdir()
    (work / "notes.txt").write_text("mine\n")
    before = contents(work)
    deliver(work, scripted())
    assert [commit.label for commit in api.history(work)] == [f"implement: {REQUEST}"]
    api.undo(work)
    assert contents(work) == before


def test_an_interrupt_leaves_the_workspace_untouched_and_the_next_run_succeeds(work, scripted):
    def interrupt(event):
        if event.kind == "test":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(work, scripted(), on_event=interrupt)
    assert not work.exists()
    assert deliver(work, scripted()).status == "implementation_complete"


def test_a_request_that_is_not_ours_is_redirected(work):
    result = api.request("Do an exploratory data analysis of this csv", workspace=work)
    assert (result.status, result.exit_code) == ("escalated", 3)
    assert result.message
    assert not work.exists()


def test_a_request_out_of_the_catalogue_says_what_is_near(work):
    result = api.implement("Implement a quantum annealer", workspace=work, approve="auto")
    assert (result.status, result.exit_code) == ("escalated", 3)
    assert "not in the offline catalogue" in result.message
    assert not work.exists()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"params": "banana"}, UsageError, "banana"),
        ({"params": "10"}, UsageError, "10"),
        ({"vram": "-1GB"}, UsageError, "-1GB"),
        ({"approve": "maybe"}, UnknownNameError, "no --approve named 'maybe'"),
        ({"llm": "gpt"}, UnknownNameError, "no --llm named 'gpt'"),
        ({"llm": "claude"}, EnvironmentProblem, "no key for api.anthropic.com: set ANTHROPIC_API_KEY"),
        ({"max_turns": -1}, UsageError, "--max-turns -1"),
        ({"budget_usd": -3.0}, UsageError, "--budget-usd -3.0"),
        ({"model": "claude-sonnet-5-5", "llm": "offline"}, UsageError, "--model is for a language model"),
        ({"llm": "replay:"}, UsageError, "names no file; give replay:W"),
        ({"model": "claude-sonnet-5-5"}, EnvironmentProblem, "no key for api.anthropic.com"),
        ({"max_turns": 0}, UsageError, "--max-turns 0: at least one turn"),
        ({"seed": -1}, UsageError, "--seed -1: give a number from 0 to"),
        ({"seed": 2**64}, UsageError, "--seed 18446744073709551616: give a number"),
        ({"paper": ["missing.pdf"]}, UsageError, "missing.pdf"),
        ({"parms": "25M"}, UnknownNameError, "did you mean 'params'"),
    ],
)
def test_a_bad_option_is_refused_in_one_line_with_nothing_written(work, options, error, message):
    with pytest.raises(error, match=message) as caught:
        api.implement("Implement TRM × Titans-MAG", workspace=work, **{"approve": "auto", **options})
    assert "\n" not in str(caught.value)
    assert not work.exists()


def test_a_workspace_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "work").write_text("a file")
    with pytest.raises(UsageError, match="work"):
        api.implement("Implement TRM × Titans-MAG", workspace=tmp_path / "work", approve="auto")
