"""What a language model that is far too weak makes of us: it may fail at everything, and must break nothing."""

import json

import pytest

from mlexpert_nb.packages import EXIT_CODES, ResultPackage

pytestmark = pytest.mark.realmodel

STEP = {
    "name": "step",
    "description": "Take one step.",
    "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
}


def ask(client, text, **more):
    """Stream one turn; give the events' types and the whole message."""
    messages = [{"role": "user", "content": text}]
    with client.messages.stream(model="smollm2", max_tokens=64, messages=messages, **more) as stream:
        kinds = [event.type for event in stream]
        return kinds, stream.get_final_message()


def test_the_sdk_gets_an_answer(client):
    kinds, message = ask(client, "What is the capital of France?")
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert message.stop_reason in {"end_turn", "max_tokens"}
    assert "".join(block.text for block in message.content if block.type == "text").strip()
    assert message.usage.output_tokens > 0


def test_the_tools_are_in_the_prompt(client):
    messages = [{"role": "user", "content": "Take step 3."}]
    without = client.messages.count_tokens(model="smollm2", messages=messages).input_tokens
    assert client.messages.count_tokens(model="smollm2", messages=messages, tools=[STEP]).input_tokens > without + 50


def test_a_request_with_a_tool_gets_a_whole_turn(client):
    kinds, message = ask(client, "Call the tool step with n set to 3.", tools=[STEP], system="Use the tools.")
    assert kinds[-1] == "message_stop"
    assert message.stop_reason in {"end_turn", "max_tokens", "tool_use"}
    assert message.content
    assert {block.type for block in message.content} <= {"text", "tool_use"}
    if message.stop_reason == "tool_use":
        assert any(block.type == "tool_use" for block in message.content)


def test_a_run_ends_cleanly_and_claims_nothing(endpoint, mlexpert, tmp_path):
    options = ["--llm", "claude", "--model", "smollm2", "--base-url", endpoint, "--max-turns", "3"]
    ran = mlexpert("implement", "a small GPT", *options, "--approve", "auto", "--workspace", "W", "--json")
    assert ran.returncode in {3, 4, 5}, ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    if ran.stdout:
        result = ResultPackage.from_json(json.loads(ran.stdout))
        assert result.status != "implementation_complete"
        assert EXIT_CODES[result.status] == ran.returncode
    else:
        assert ran.stderr.splitlines()[-1].startswith("mlexpert: ")
    assert not [path for path in tmp_path.joinpath("W").rglob("*") if path.is_file()]
