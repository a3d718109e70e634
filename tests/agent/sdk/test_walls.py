"""What the SDK's program can see, what it leaves, and how it ends."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from agent.sdk.conftest import CANARY
from agent.sdk.messages import STALL, look, say, work
from agent.sdk.test_conversation import PLAN

from mlexpert_nb.errors import EnvironmentProblem

pytestmark = pytest.mark.agent_sdk
WAIT_S = 2.0  # it takes some milliseconds; a busy machine is allowed more


def programs():
    """Every process of the SDK that this one started."""
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            if any("claude" in word for word in each.cmdline()):
                found.append(each)
        except psutil.NoSuchProcess:
            continue
    return found


def holding(place, text):
    """Every file below a folder that holds a text."""
    files = [path for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files
    return [str(path) for path in files if text.encode() in path.read_bytes()]


def test_bash_sees_no_key(talk, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    command = "env; cat /proc/[0-9]*/environ /proc/self/environ 2>/dev/null | tr '\\0' '\\n'; echo over"
    talk = talk([PLAN], [work("Bash", command=command)], [say("done")])
    talk.run()
    told = talk.server.results[1][0]
    assert "PATH=" in told
    assert CANARY not in told


def test_the_key_is_in_no_file_while_it_runs_and_afterwards(talk, scratch, tmp_path):
    seen = []

    def look_around(text):
        homes = list(scratch.glob("mlexpert-sdk-*"))
        seen.append((len(homes), holding(tmp_path, CANARY)))
        return text

    talk = talk([PLAN], [work("Bash", command=f"echo {CANARY}")], [say(CANARY)], decide=look_around)
    outcome = talk.run()
    assert talk.server.headers[0]["x-api-key"] == CANARY
    assert seen == [(1, [])]
    assert "[key hidden]" in outcome.text
    talk.conversation.close()
    assert holding(tmp_path, CANARY) == []
    assert list(scratch.glob("mlexpert-sdk-*")) == []


def test_the_program_gets_few_variables_and_a_process_group_of_its_own(talk, scratch, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "another-secret")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-secret: another-secret")
    seen = []

    def look_around(text):
        (program,) = programs()
        seen.append((program.environ(), os.getpgid(program.pid) == program.pid))
        return text

    talk([PLAN], [say("done")], decide=look_around).run()
    ((env, leads),) = seen
    assert leads
    assert "another-secret" not in env.values()
    assert env["HOME"].startswith(str(scratch))
    known = {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "HOME", "PATH", "PWD", "TMPDIR", "MCP_TOOL_TIMEOUT", "TZ"}
    prefixes = ("DISABLE_", "CLAUDE_", "LANG", "LC_", "ENABLE_TOOL_SEARCH", "SSL_CERT_", "NODE_EXTRA_CA_CERTS")
    assert [
        name
        for name in env
        if name not in known and not name.lower().endswith("_proxy") and not name.startswith(prefixes)
    ] == []


def test_a_project_cannot_bring_settings_hooks_servers_or_orders(talk, tmp_path):
    hook = {"hooks": [{"type": "command", "command": f"touch {tmp_path}/hooked"}]}
    talk = talk([PLAN], [work("Write", path="a.py", text="a")], [say("done")])
    settings = {"hooks": {"SessionStart": [hook], "PreToolUse": [hook]}, "permissions": {"allow": ["Bash"]}}
    server = {"mcpServers": {"evil": {"command": "touch", "args": [f"{tmp_path}/served"]}}}
    talk.stage.write(".claude/settings.json", json.dumps(settings))
    talk.stage.write(".mcp.json", json.dumps(server))
    talk.stage.write("CLAUDE.md", "ORDER-FROM-A-FILE")
    talk.stage.write("AGENTS.md", "ORDER-FROM-A-FILE")
    talk.run()
    assert not (tmp_path / "hooked").exists()
    assert not (tmp_path / "served").exists()
    assert "ORDER-FROM-A-FILE" not in json.dumps(talk.server.asked)


def test_words_of_the_request_are_no_orders_to_the_program(talk, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("WHAT-IS-IN-THE-FILE")
    talk = talk([say("hello")], [say("again")])
    talk.run(f"read @{secret} and @model.py")
    talk.conversation.go_on(f"/compact @{secret}")
    assert len(talk.server.asked) == 2
    assert "WHAT-IS-IN-THE-FILE" not in json.dumps(talk.server.asked)


def test_it_leaves_nothing_on_the_stage_but_what_tools_wrote(talk):
    talk = talk([PLAN], [work("Write", path="a.py", text="a")], [say("done")])
    talk.run()
    talk.conversation.close()
    there = {path.relative_to(talk.stage.root).as_posix() for path in talk.stage.root.rglob("*")}
    assert there == {".mlexpert", ".mlexpert/transcript.jsonl", "a.py", "model.py"}


@pytest.mark.parametrize("delay_s", [0.05, 0.5, 2.5])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing_running(talk, scratch, delay_s):
    talk = talk([say("thinking"), STALL])
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(delay_s, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        talk.run()
    assert time.monotonic() - sent[0] < WAIT_S
    assert_gone(scratch)


def test_an_interrupt_while_the_user_is_asked_answers_the_open_call_in_the_transcript(talk, scratch):
    def interrupt(_text):
        raise KeyboardInterrupt

    talk = talk([PLAN], [say("done")], decide=interrupt)
    with pytest.raises(KeyboardInterrupt):
        talk.run()
    assert_gone(scratch)
    assert "interrupted by the user" in talk.transcript.splitlines()[-1]
    assert talk.stage.changes() == ()


def test_a_program_that_dies_is_one_line(talk):
    def kill(text):
        for program in programs():
            program.kill()
        return text

    talk = talk([PLAN], [say("done")], decide=kill)
    with pytest.raises(
        EnvironmentProblem, match=r"claude-agent-sdk stopped .*; run again, or use --llm claude"
    ) as caught:
        talk.run()
    assert "\n" not in str(caught.value)
    assert CANARY not in str(caught.value)


def test_what_the_program_started_dies_with_it(talk, scratch):
    talk = talk([look("Grep", pattern="x")], [say("done")])
    talk.run()
    assert len(programs()) == 1
    talk.conversation.close()
    talk.conversation.close()
    assert_gone(scratch)


def assert_gone(scratch: Path):
    """Nothing of the SDK is left; a killed process takes a moment to disappear from the table."""
    deadline = time.monotonic() + 5
    while programs() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert programs() == []
    assert list(scratch.glob("mlexpert-sdk-*")) == []
