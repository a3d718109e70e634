"""The loop: two phases, one approved plan, every tool call answered, whatever the llm does."""

import json

import pytest

from mlexpert_nb.agent import Loop, ScriptedLLM, Text, ToolResult, ToolUse, Transcript, Turn
from mlexpert_nb.packages import ContextPackage
from mlexpert_nb.workspace import Workspace

PROPOSAL = {
    "title": "one file",
    "summary": "A file.",
    "steps": ["write it"],
    "files": [{"path": "a.py", "action": "create", "description": "a file"}],
    "configuration": {"dim": 8},
}


def use(name, n=1, /, **given):
    return Turn((ToolUse(f"t{n}", name, given),), "tool_use")


@pytest.fixture
def stage(tmp_path):
    with Workspace.open(tmp_path / "work").stage() as stage:
        yield stage


@pytest.fixture
def converse(stage):
    """Play turns against the loop; gives the outcome, the llm's requests and what was asked."""

    def play(*turns, approve=lambda text: text, max_turns=10):
        llm, asked, events = ScriptedLLM(turns), [], []

        def ask(text):
            asked.append(text)
            return approve(text)

        loop = Loop(llm, stage, ask, events.append, Transcript(stage.state / "transcript.jsonl"), max_turns)
        return loop.run(ContextPackage("write a file")), llm.requests, asked

    return play


def results(requests):
    return [block for block in requests[-1].messages[-1].content if isinstance(block, ToolResult)]


def test_before_approval_only_reading_tools_are_offered_and_afterwards_all_but_proposing(converse):
    _, requests, _ = converse(use("propose_plan", **PROPOSAL), use("Write", path="a.py", text="a = 1\n"))
    assert {tool.name for tool in requests[0].tools} == {
        *("Read", "Grep", "read_reference", "propose_plan"),
        *("ask_user", "need_references", "out_of_scope"),
    }
    assert {"Write", "Edit", "Bash"} <= {tool.name for tool in requests[1].tools}
    assert "propose_plan" not in {tool.name for tool in requests[1].tools}


@pytest.mark.parametrize("name", ["Write", "Edit", "Bash", "create_model_skeleton", "add_tests", "benchmark_model"])
def test_a_tool_that_is_not_offered_is_refused_by_the_executor_and_writes_nothing(converse, stage, name):
    outcome, requests, _ = converse(use(name, path="a.py", text="a = 1\n"))
    (result,) = results(requests)
    assert result.is_error
    assert "no plan is approved yet" in result.content
    assert stage.changes() == ()
    assert outcome.reason == "no_plan"


def test_an_approved_plan_opens_the_second_phase(converse, stage):
    outcome, _, asked = converse(
        use("propose_plan", **PROPOSAL), use("Write", path="a.py", text="a = 1\n"), Turn((Text("done"),), "end_turn")
    )
    assert outcome.reason == "done"
    assert [change.path for change in stage.changes()] == ["a.py"]
    assert "- create `a.py`: a file" in asked[0]


def test_what_was_edited_on_approval_is_the_plan(converse):
    outcome, requests, _ = converse(
        use("propose_plan", **PROPOSAL), approve=lambda text: text.replace("dim = 8", "dim = 16")
    )
    assert outcome.plan.configuration == {"dim": 16}
    assert "dim = 16" in results(requests[:2])[0].content


def test_a_declined_plan_ends_the_run_with_nothing_written(converse, stage):
    outcome, requests, _ = converse(use("propose_plan", **PROPOSAL), approve=lambda _text: None)
    assert outcome.reason == "not_approved"
    assert len(requests) == 1
    assert stage.changes() == ()


def test_a_second_proposal_after_approval_is_refused(converse):
    _, requests, asked = converse(use("propose_plan", **PROPOSAL), use("propose_plan", 2, **PROPOSAL))
    assert len(asked) == 1
    assert "approved already" in results(requests)[0].content


def test_an_unknown_tool_gets_an_answer_that_lists_the_known_ones(converse):
    _, requests, _ = converse(use("Teleport"))
    assert "no tool named 'Teleport'; known: Bash, Edit" in results(requests)[0].content


def test_a_failing_tool_is_told_to_the_llm_and_the_run_goes_on(converse, stage):
    outcome, requests, _ = converse(
        use("propose_plan", **PROPOSAL),
        use("Write", 2, path="../a.py", text="x"),
        use("Write", 3, path="a.py", text="a = 1\n"),
        Turn((Text("done"),), "end_turn"),
    )
    assert results(requests[:3])[0].is_error
    assert outcome.reason == "done"
    assert [change.path for change in stage.changes()] == ["a.py"]


def test_ending_on_a_failed_tool_is_not_called_done(converse):
    outcome, _, _ = converse(use("propose_plan", **PROPOSAL), use("Read", 2, path="missing.py"))
    assert outcome.reason == "stuck"


def test_turns_are_capped(converse):
    outcome, requests, _ = converse(*(use("Grep", n, pattern="x") for n in range(9)), max_turns=3)
    assert (outcome.reason, len(requests)) == ("max_turns", 3)


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
def test_a_turn_that_was_refused_or_cut_off_executes_nothing(converse, stage, reason):
    outcome, _, asked = converse(Turn((ToolUse("t1", "propose_plan", PROPOSAL),), reason))
    assert outcome.reason == reason
    assert asked == []
    assert stage.changes() == ()


def test_an_interrupt_in_the_middle_answers_every_open_tool_call_in_the_transcript(converse, stage):
    def interrupt(_text):
        raise KeyboardInterrupt

    both = Turn((ToolUse("t1", "propose_plan", PROPOSAL), ToolUse("t2", "Grep", {"pattern": "x"})), "tool_use")
    with pytest.raises(KeyboardInterrupt):
        converse(both, approve=interrupt)
    records = [json.loads(line) for line in (stage.state / "transcript.jsonl").read_text().splitlines()]
    answered = [record["result"]["tool_use_id"] for record in records if record["kind"] == "tool_result"]
    assert answered == ["t1", "t2"]


def test_a_line_without_end_is_told_in_parts_and_never_cut_in_a_word(stage, tmp_path):
    events = []
    loop = Loop(ScriptedLLM(()), stage, str, events.append, Transcript(tmp_path / "t" / "t.jsonl"), 1)
    words = [f"word{n}" for n in range(2_000)]
    for word in words:
        loop._say(f"{word} ")
    loop._say("\n")
    assert len(events) > 1
    assert " ".join(event.text.strip() for event in events).split() == words
    loop._say("x" * 100_000)
    assert events[-1].text == "[100,000 characters without a blank]"


def test_the_transcript_is_the_same_for_the_same_run(converse, stage):
    turns = (use("propose_plan", **PROPOSAL), use("Write", 2, path="a.py", text="a = 1\n"))
    path = stage.state / "transcript.jsonl"
    converse(*turns)
    first = path.read_bytes()
    stage.delete("a.py")
    converse(*turns)
    assert path.read_bytes() == first
    kinds = [json.loads(line)["kind"] for line in first.splitlines()]
    assert kinds == ["context", "turn", "approval", "tool_result", "turn", "tool_result", "turn", "outcome"]
