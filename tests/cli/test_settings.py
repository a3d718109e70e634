"""`config` and `doctor` as processes: exit codes, JSON, and a key that never comes out again."""

import json
import socket

import pytest

CANARY = "sk-ant-api03-canarycanarycanary1234"


@pytest.fixture
def environ(tmp_path):
    """Settings, home and IPython of their own; nobody is asked over a network."""
    place = {"MLEXPERT_CONFIG": str(tmp_path / "config.toml"), "IPYTHONDIR": str(tmp_path / "ipython")}
    return {**place, "MLEXPERT_LLM": "offline"}


def test_what_is_stored_is_shown_and_taken_out_again(mlexpert, environ, tmp_path):
    done = mlexpert("config", "model=claude-opus-5-5", "budget_usd=2", env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("✓ Stored: model, budget_usd")
    facts = json.loads(mlexpert("config", "--json", env=environ).stdout)
    settings = {each["name"]: (each["value"], each["source"]) for each in facts["settings"]}
    assert (facts["file"], facts["exists"]) == (environ["MLEXPERT_CONFIG"], True)
    assert (settings["model"], settings["budget_usd"]) == (("claude-opus-5-5", "file"), (2.0, "file"))
    assert (settings["llm"], settings["max_turns"]) == (("offline", "environment"), (50, "default"))
    assert mlexpert("config", "model=", env=environ).stdout.startswith("✓ Taken out: model")
    assert (tmp_path / "config.toml").read_text() == "budget_usd = 2.0\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("modle=x",), "no setting named 'modle'; did you mean 'model'?"),
        (("max_turns=x",), "max_turns=x: give a whole number of at least 1"),
        (("model",), "config: 'model' stands without a value; type: config model=VALUE, without spaces"),
        (("model", "=", "x"), "config: 'model' stands without a value"),
        (("x", "y"), "config: a setting is written NAME=VALUE; type: config model=VALUE"),
        (("=x",), "config: a setting is written NAME=VALUE"),
        (("--model", "x"), "no option of config named '--model'"),
        (("api_key=word-of-mine",), "an API key is never a setting"),
        (("api_key", "word-of-mine"), "an API key is never a setting"),
        ((f"model={CANARY}",), "an API key is never a setting"),
        ((CANARY,), "an API key is never a setting"),
    ],
)
def test_a_wrong_line_is_one_line_and_stores_nothing(mlexpert, environ, tmp_path, words, message):
    done = mlexpert("config", *words, env=environ)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line
    assert "canary" not in line
    assert "word-of-mine" not in line
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_stops_what_reads_it_with_one_line(mlexpert, environ, tmp_path):
    (tmp_path / "config.toml").write_text("model =")
    done = mlexpert("config", env=environ)
    assert done.returncode == 2
    assert done.stderr.startswith(f"mlexpert: {tmp_path / 'config.toml'} is damaged: ")
    assert done.stderr.count("\n") == 1


def test_the_stored_workspace_is_the_one_that_commands_look_at(mlexpert, environ):
    mlexpert("config", "workspace=elsewhere", env=environ)
    assert "Workspace: elsewhere" in mlexpert("history", env=environ).stdout
    assert "Workspace: W" in mlexpert("history", "W", env=environ).stdout


def test_the_doctor_finds_a_machine_that_will_do(mlexpert, environ):
    done = mlexpert("doctor", env={**environ, "ANTHROPIC_API_KEY": CANARY})
    assert (done.returncode, done.stderr) == (0, "")
    assert "✓  API key" in done.stdout
    assert "ANTHROPIC_API_KEY" in done.stdout
    assert "canary" not in done.stdout


def test_the_doctor_ends_with_5_where_the_chosen_endpoint_does_not_answer(mlexpert, environ, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "config.toml").write_text(f'base_url = "http://127.0.0.1:{port}"\n')
    done = mlexpert("doctor", "--json", env={**environ, "MLEXPERT_LLM": "claude", "MLEXPERT_API_KEY": CANARY})
    assert (done.returncode, done.stderr) == (5, "")
    facts = json.loads(done.stdout)
    assert facts["problems"] == 1
    assert [(row["name"], row["found"]) for row in facts["checks"] if row["state"] == "problem"] == [
        ("Endpoint", f"http://127.0.0.1:{port}: connection refused")
    ]
    assert "canary" not in done.stdout


def test_the_doctor_takes_no_argument(mlexpert, environ):
    done = mlexpert("doctor", "me", env=environ)
    assert (done.returncode, done.stderr) == (
        2,
        "mlexpert: doctor: 'me' is one argument too many; type: doctor [options]\n",
    )
