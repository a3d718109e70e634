"""The guard and the executor by themselves; they need no SDK."""

import pytest

from mlexpert_nb.agent import ToolUse, Transcript
from mlexpert_nb.agent.sdk.executor import Executor
from mlexpert_nb.agent.sdk.guard import LOOK, WORK, Guard
from mlexpert_nb.workspace import Workspace

PROPOSAL = {"title": "t", "summary": "s", "steps": ["a"], "files": []}


@pytest.fixture
def guard(tmp_path):
    with Workspace.open(tmp_path / "work").stage() as stage:
        yield Guard(stage)


@pytest.fixture
def executor(guard):
    transcript = Transcript(guard.stage.state / "transcript.jsonl")
    return Executor(guard, lambda text: text, lambda _call: None, lambda _event: None, transcript, str)


@pytest.mark.parametrize("name", ["Bash", "Write", "Edit", "Read", "WebFetch", "Agent", "mcp__other__Read", "Skill"])
@pytest.mark.parametrize("phase", ["plan", "work"])
def test_a_tool_that_is_not_ours_is_refused_in_either_phase(guard, name, phase):
    guard.phase = phase
    assert "no tool named" in guard.refusal(name, {})


@pytest.mark.parametrize("server", [LOOK, WORK])
@pytest.mark.parametrize("name", ["Write", "Edit", "Bash", "create_model_skeleton", "add_tests", "benchmark_model"])
def test_before_approval_a_working_tool_is_refused_whichever_server_it_comes_from(guard, server, name):
    assert "no plan is approved yet" in guard.refusal(f"mcp__{server}__{name}", {})
    guard.phase = "work"
    assert guard.refusal(f"mcp__{server}__{name}", {}) == ""


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "~/.ssh/id", ".git/config", "a/../../b", ""])
def test_a_path_outside_is_refused_before_the_tool_sees_it(guard, path):
    guard.phase = "work"
    assert guard.refusal("mcp__mlexpert__Read", {"path": path})
    assert guard.refusal("mcp__mlexpert_work__Write", {"path": path})


def test_each_tool_is_offered_by_one_server(guard):
    servers = guard.servers()
    names = [tool.name for tools in servers.values() for tool in tools]
    assert sorted(names) == sorted(guard.tools)
    assert {tool.effect for tool in servers[WORK]} == {"write", "run"}


def test_the_executor_refuses_by_itself_and_writes_nothing(executor):
    result = executor.call(ToolUse("1", "Write", {"path": "a.py", "text": "a"}))
    assert result.is_error
    assert "no plan is approved yet" in result.content
    assert executor.guard.stage.changes() == ()


def test_the_executor_opens_the_second_phase_by_an_approval_only(executor):
    assert not executor.call(ToolUse("1", "propose_plan", PROPOSAL)).is_error
    assert not executor.call(ToolUse("2", "Write", {"path": "a.py", "text": "a"})).is_error
    assert executor.call(ToolUse("3", "propose_plan", PROPOSAL)).is_error
    assert [change.path for change in executor.guard.stage.changes()] == ["a.py"]


def test_input_of_a_wrong_shape_is_answered(executor):
    result = executor.call(ToolUse("1", "Read", {"path": ["model.py"]}))
    assert result.is_error
    assert "valid string" in result.content
