"""Tools: their schema comes from their docstring, their input is checked, their effect stays on the stage."""

import pytest

from mlexpert_nb.agent import TOOLS
from mlexpert_nb.errors import OutsideWorkspaceError, UsageError
from mlexpert_nb.workspace import Workspace


@pytest.fixture
def stage(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "model.py").write_text("x = 1\ny = 2\n")
    with Workspace.open(tmp_path / "work").stage() as stage:
        yield stage


def test_every_tool_of_the_design_is_there():
    files, model = {"Read", "Write", "Edit", "Grep"}, {"create_model_skeleton", "add_tests", "benchmark_model"}
    talk = {"ask_user", "need_references", "out_of_scope"}
    assert set(TOOLS) == files | model | talk | {"Bash", "propose_plan", "read_reference"}


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_schema_describes_every_input_and_hides_the_stage(name):
    schema = TOOLS[name].schema
    assert schema.description
    assert "stage" not in schema.input_schema["properties"]
    assert all(each.get("description") for each in schema.input_schema["properties"].values())


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("Read", {}, "Read: path: Field required; follow the input schema"),
        ("Read", {"path": "model.py", "lines": 3}, "Read: lines: Extra inputs are not permitted"),
        ("Write", {"path": "model.py", "text": 3}, "Write: text: Input should be a valid string"),
        ("propose_plan", {"title": "t", "summary": "s", "steps": [], "files": [{"path": "a"}]}, "files.0.action"),
        ("create_model_skeleton", {"entry": "nope", "configuration": {}}, "no catalogue entry named 'nope'"),
    ],
)
def test_input_that_does_not_fit_is_refused(stage, name, given, message):
    with pytest.raises(UsageError, match=message):
        TOOLS[name].call(stage, given)
    assert stage.changes() == ()


def test_files_are_read_searched_written_and_edited_on_the_stage(stage):
    assert TOOLS["Read"].call(stage, {"path": "model.py"}) == "x = 1\ny = 2\n"
    assert "model.py:2: y = 2" in TOOLS["Grep"].call(stage, {"pattern": r"^y"})
    assert TOOLS["Grep"].call(stage, {"pattern": "nothing here"}) == "no match"
    assert TOOLS["Write"].call(stage, {"path": "new.py", "text": "z = 3\n"}) == "wrote new.py (+1 -0 lines)"
    assert TOOLS["Edit"].call(stage, {"path": "model.py", "old": "x = 1", "new": "x = 5"}).startswith("edited model.py")
    assert stage.read("model.py") == "x = 5\ny = 2\n"


def test_a_long_file_is_read_in_parts_and_says_how_to_go_on(stage):
    stage.write("long.txt", "a" * 50_000)
    first = TOOLS["Read"].call(stage, {"path": "long.txt"})
    assert first.endswith("[10000 more characters; read on with offset=40000]")
    assert TOOLS["Read"].call(stage, {"path": "long.txt", "offset": 40_000}) == "a" * 10_000


@pytest.mark.parametrize("path", ["../escape.py", "/etc/passwd", ".mlexpert/receipt.jsonl"])
@pytest.mark.parametrize("name", ["Read", "Write"])
def test_a_path_that_leaves_the_workspace_is_refused(stage, name, path):
    given = {"path": path} | ({"text": "x"} if name == "Write" else {})
    with pytest.raises(OutsideWorkspaceError):
        TOOLS[name].call(stage, given)
    assert stage.changes() == ()


def test_a_plan_cannot_announce_a_file_outside_the_workspace(stage):
    files = [{"path": "../x.py", "action": "create", "description": ""}]
    with pytest.raises(OutsideWorkspaceError):
        TOOLS["propose_plan"].call(stage, {"title": "t", "summary": "s", "steps": [], "files": files})


def test_bash_runs_on_the_stage_and_reports_its_exit_code(stage):
    said = TOOLS["Bash"].call(stage, {"command": "cat model.py; echo made > made.txt; exit 3"})
    assert said.startswith("exit code 3\nx = 1")
    assert "made.txt" in stage.files()


def test_bash_sees_no_key(stage, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-not-a-real-key")
    assert "sk-ant" not in TOOLS["Bash"].call(stage, {"command": "env; cat /proc/$PPID/environ | tr '\\0' '\\n'"})


def test_bash_is_killed_at_its_time_limit(stage):
    assert TOOLS["Bash"].call(stage, {"command": "sleep 60", "timeout_s": 1}).startswith("killed after 1 s")
