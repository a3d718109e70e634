"""Runs that are killed, and go on; what would be sent, in a shell."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from messages import engineers, faults, text, tool, turn

from mlexpert_nb import api
from mlexpert_nb.commands import way_on
from mlexpert_nb.options import parse

CANARY = "sk-ant-canary-0123456789abcdef"


@pytest.fixture
def mlexpert(reachable, endpoint, tmp_path):
    """Start the command line on the local endpoint, with a key in its environment."""

    def start(*words):
        environment = {**os.environ, "ANTHROPIC_API_KEY": CANARY}
        line = [sys.executable, "-m", "mlexpert_nb", *words, "--workspace", str(tmp_path / "w")]
        return subprocess.Popen(line, stdout=-1, stderr=-1, text=True, env=environment, cwd=tmp_path)

    return start


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_goes_on_from_its_draft(mlexpert, endpoint, tmp_path, blow):
    endpoint.play(turn(text("I look."), tool("Grep", pattern="x")))
    endpoint.play(lambda _body: faults.SCENARIOS["stall-mid-stream"](None, 1))
    options = ("--base-url", endpoint.url, "--model", "scripted", "--approve", "auto")
    process = mlexpert("implement", engineers.REQUEST, *options)
    wait_for(lambda: len(endpoint.bodies) == 2)
    process.send_signal(blow)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (-9 if blow == signal.SIGKILL else 130)
    assert not (tmp_path / "w").exists()
    if blow == signal.SIGINT:
        assert f"go on with: mlexpert resume --workspace {tmp_path / 'w'}" in errors
    endpoint.play(turn(tool("out_of_scope", reason="that is enough")))
    after = mlexpert("resume", "--json")
    out, errors = after.communicate(timeout=60)
    assert json.loads(out)["evidence"]["message"] == "that is enough", errors
    assert after.returncode == 3
    assert len(endpoint.bodies) == 3
    assert CANARY not in out + errors
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert all(CANARY.encode() not in each for each in left)


def test_a_run_that_fails_again_under_its_answers_still_says_how_to_go_on(endpoint, tmp_path):
    endpoint.play(turn(tool("ask_user", questions=[{"question": "How many?"}])))
    api.implement(engineers.REQUEST, workspace=tmp_path / "w", base_url=endpoint.url, approve="auto")
    call = parse(["resume", "--workspace", str(tmp_path / "w")], "two")
    assert way_on(call, "%mlexpert") == f"%mlexpert resume --workspace {tmp_path / 'w'}"


def test_what_would_be_sent_is_shown_in_a_shell(mlexpert, endpoint):
    process = mlexpert("implement", engineers.REQUEST, "--base-url", endpoint.url, "--show-context")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "This is what would be sent; nothing was" in out
    assert engineers.REQUEST in out
    assert endpoint.requests == []
    assert CANARY not in out + errors
