"""`%mlexpert config` and `%mlexpert doctor` in a shell and in a kernel."""

import json

import pytest
from IPython.utils.capture import capture_output

CANARY = "sk-ant-api03-canarycanarycanary1234"


@pytest.fixture
def run(shell, tmp_path, monkeypatch):
    """Run a line with settings of its own; give the error and everything that was shown or printed."""
    monkeypatch.setenv("MLEXPERT_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def ran(line):
        with capture_output() as captured:
            error = shell.run_cell(line).error_in_exec
        shown = "".join(f"{output.data['text/plain']}{output.data['text/html']}" for output in captured.outputs)
        return error, captured.stdout + shown + captured.stderr

    return ran


def test_a_setting_is_stored_from_a_cell_and_shown(run, tmp_path):
    error, shown = run("%mlexpert config model=claude-opus-5-5 max_turns=80")
    assert error is None
    assert "Stored: model, max_turns" in shown
    assert (tmp_path / "config.toml").read_text() == 'model = "claude-opus-5-5"\nmax_turns = 80\n'
    assert "%mlexpert config model=NAME" in run("%mlexpert config")[1]


@pytest.mark.parametrize("line", [f"config model={CANARY}", "config api_key=canary-of-mine", f"config {CANARY}"])
def test_a_key_in_a_cell_is_refused_and_never_repeated(run, tmp_path, line):
    error, shown = run(f"%mlexpert {line}")
    assert "API key" in str(error)
    assert "configure(api_key=" in str(error)
    assert "canary" not in f"{error}{shown}"
    assert not (tmp_path / "config.toml").exists()


def test_the_doctor_in_a_cell(run, monkeypatch):
    monkeypatch.setenv("MLEXPERT_LLM", "offline")
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    error, shown = run("%mlexpert doctor --json")
    assert error is None
    facts = json.loads(shown)
    found = {row["name"]: row["found"] for row in facts["checks"]}
    assert found["Front end"].startswith("no screen")
    assert "ANTHROPIC_API_KEY" in found["API key"]
    assert "canary" not in shown
