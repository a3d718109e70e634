"""A language model asked from a real kernel: interrupts, tracebacks, the hidden prompt, the way on."""

import json
import shutil

import pytest
from messages import engineers, faults, text, tool, turn

CANARY = "sk-ant-canary-0123456789abcdef"
TELL = f"import mlexpert_nb; mlexpert_nb.configure(api_key=lambda: {CANARY[:8]!r} + {CANARY[8:]!r})"


@pytest.fixture
def ask(kernel, endpoint, tmp_path):
    """Give a request cell for the local endpoint; the key is told by a function, as a user would."""
    kernel.run(TELL)

    def cell(model, *options):
        line = f"--llm claude --model {model} --base-url {endpoint.url} --workspace {tmp_path / 'w'} --approve auto"
        return f"%%mlexpert implement {line} {' '.join(options)}\n{engineers.REQUEST}"

    yield cell
    kernel.run("mlexpert_nb.configure(api_key=None)\n%xmode Context")
    shutil.rmtree(tmp_path / "w", ignore_errors=True)


def shown(ran):
    return json.dumps([message["content"] for message in ran.messages]) + json.dumps(ran.reply)


def interrupted(kernel, cell, until):
    """Start a cell, interrupt the kernel when it has shown `until`, and give what came of it."""
    sent, seen = kernel.start(cell), []
    while until not in "".join(seen):
        message = kernel.client.get_iopub_msg(timeout=60)
        seen.append(json.dumps(message["content"]))
    kernel.manager.interrupt_kernel()
    return kernel.finish(sent, timeout=10)


def test_a_stream_that_stalls_is_interrupted_and_the_run_goes_on_afterwards(kernel, ask, endpoint, tmp_path):
    stall = faults.SCENARIOS["stall-mid-stream"]
    endpoint.play(turn(text("I look."), tool("Grep", pattern="x")), lambda _body: stall(None, 1))
    ran = interrupted(kernel, ask("scripted"), "turn 1: 100 tokens read")
    assert ran.reply["ename"] == "RunInterrupted"
    assert f"%mlexpert resume --workspace {tmp_path / 'w'}" in shown(ran)
    assert not (tmp_path / "w").exists()
    endpoint.play(turn(tool("out_of_scope", reason="enough of it")))
    line = f"%mlexpert resume {tmp_path / 'w'} --model well --base-url {endpoint.url}"
    assert "enough of it" in shown(kernel.run(line))


def test_a_tool_that_runs_is_interrupted_and_its_processes_are_gone(kernel, ask, endpoint):
    endpoint.play(turn(engineers.proposal()), turn(tool("Bash", command="echo started; exec sleep 654")))
    ran = interrupted(kernel, ask("scripted"), "Bash echo started")
    assert ran.reply["ename"] == "RunInterrupted"
    left = kernel.run(
        "import subprocess; print(subprocess.run(['pgrep', '-f', 'sleep 65[4]'], capture_output=True).stdout)"
    )
    assert left.text.strip() == "b''"


def test_waiting_for_an_hour_is_not_done(kernel, ask):
    ran = kernel.run(ask("fake-retry-after-3600"))
    assert ran.reply["ename"] == "EndpointError"
    assert "asks to wait 3,600 s" in shown(ran)


@pytest.mark.parametrize(
    "scenario", ["http-401", "drop-mid-stream", "eof-mid-tool", "html-200", "bad-json-event", "stream-error-api_error"]
)
def test_no_traceback_holds_the_key_also_in_verbose_mode(kernel, ask, scenario):
    kernel.run("%xmode Verbose")
    ran = kernel.run(ask(f"fake-{scenario}"))
    assert ran.reply["ename"] == "EndpointError"
    after = kernel.run("%tb\nimport sys\nprint(repr(sys.last_value), vars(sys.last_value))")
    assert CANARY not in shown(ran) + shown(after)
    assert len(ran.reply["traceback"]) == 1


def test_a_bug_in_a_callable_shows_no_key_in_verbose_mode(kernel, ask):
    kernel.run("%xmode Verbose\nfrom mlexpert_nb.keys import SESSION")
    ran = kernel.run("found = SESSION.find()\nkey = found.secret\nprint(found, key, [key])\n1 / 0")
    assert "ZeroDivisionError" in shown(ran)
    assert CANARY not in shown(ran)
    pickled = kernel.run("import pickle\npickle.dumps(key)")
    assert "a key is not pickled" in shown(pickled)


def test_without_a_key_it_is_asked_for_where_nobody_sees_it(kernel, tmp_path):
    kernel.run("import mlexpert_nb; mlexpert_nb.configure(api_key=None)")
    line = f"%mlexpert implement x --llm claude --base-url https://0.0.0.0:9 --model m --workspace {tmp_path / 'w'}"
    sent = kernel.start(line, allow_stdin=True)
    asked = kernel.client.get_stdin_msg(timeout=60)["content"]
    assert asked["password"] is True
    kernel.client.input(CANARY)
    ran = kernel.finish(sent)
    assert CANARY not in shown(ran)


def test_the_running_total_is_in_the_progress_and_in_the_card(kernel, ask, endpoint):
    endpoint.play(turn(text("a thought"), tool("out_of_scope", reason="no")))
    ran = kernel.run(ask("scripted"))
    assert "100 tokens read, 20 written" in shown(ran)
    assert "a thought" in shown(ran)
