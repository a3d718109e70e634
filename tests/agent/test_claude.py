"""The anthropic SDK against every fault of an endpoint: one documented end each, and nothing half is ever used."""

import pickle
import signal
import threading
import time

import pytest
from messages import Server, text, thinking, tool, turn
from messages.faults import SCENARIOS

from mlexpert_nb.agent import (
    Claude,
    Message,
    Meter,
    Opaque,
    Request,
    Text,
    ToolResult,
    ToolUse,
    price_of,
    read_address,
)
from mlexpert_nb.agent.claude import Patience
from mlexpert_nb.agent.llm import Document
from mlexpert_nb.errors import BudgetError, ContextTooLongError, EndpointError, UsageError
from mlexpert_nb.keys import Secret

CANARY = "sk-ant-canary-0123456789abcdef"
HI = Request("be brief", (Message("user", (Text("hi"),)),), ())
WELL, TOOL = "well", "tool"
ENDS = {  # scenario: how it ends, and how many calls were made
    "text": (WELL, 1),
    "thinking": (WELL, 1),
    "unknown-event": (WELL, 1),
    "unknown-block": (WELL, 1),
    "unknown-delta": (WELL, 1),
    "byte-by-byte": ("naïve café 🙂 你好", 1),
    "empty-content": ("", 1),
    "retry-after-1": (WELL, 2),
    "retry-after-nonsense": (WELL, 2),
    "should-retry": (WELL, 2),
    "no-caching": (WELL, 2),
    "drop-once": (WELL, 2),
    "stream-error-once": (WELL, 2),
    **{f"http-{status}-once": (WELL, 2) for status in (408, 409, 429, 500, 502, 503, 504, 529)},
    **{f"stop-{reason}": ("so far", 1) for reason in ("refusal", "max_tokens", "stop_sequence")},
    "stop-model_context_window_exceeded": ("so far", 1),
    "pause-turn-once": ("so far", 1),
    "unknown-tool": (TOOL, 1),
    "parallel-tools": (TOOL, 1),
    "empty-tool-json": (TOOL, 1),
    "end-turn-with-tool": (TOOL, 1),
    "bad-tool-json": ("the input is not valid JSON", 1),
    "max-tokens-mid-tool": ("the input is not valid JSON", 1),
    "tool-input-list": ("the input is a JSON list", 1),
    "tool-input-number": ("the input is a JSON int", 1),
    "drop-mid-stream": ("no connection to the endpoint .RemoteProtocolError", 3),
    "drop-mid-tool": ("no connection to the endpoint .RemoteProtocolError", 3),
    "stall-before": ("the endpoint stopped answering", 3),
    "stall-mid-stream": ("the endpoint stopped answering", 3),
    "eof-mid-stream": ("broke off before its end", 3),
    "eof-mid-tool": ("broke off before its end", 3),
    "part-of-nothing": ("a part of a block that never began", 3),
    "bad-json-event": ("not one of the Messages API; check --base-url", 3),
    "html-200": ("holds no message; is this a Messages API endpoint", 1),
    "no-events": ("holds no message; is this a Messages API endpoint", 1),
    "wrong-shape": ("holds no message; is this a Messages API endpoint", 1),
    "truncated-json": ("holds no message; is this a Messages API endpoint", 1),
    "stop-from_the_future": ("unknown reason, 'from_the_future'", 1),
    "html-502": ("the endpoint failed .HTTP 502.", 3),
    "retry-after-3600": ("asks to wait 3,600 s", 1),
    "should-not-retry": ("overloaded .HTTP 529.", 1),
    "redirect": ("the endpoint moved .HTTP 307.", 1),
    "too-long": ("cannot read so much at once", 1),
    "http-400": ("refused the request as malformed", 1),
    "http-401": ("the key was refused", 1),
    "http-402": ("no credit left", 1),
    "http-403": ("may not use this model", 1),
    "http-404": ("no such model or path; check --model and --base-url", 1),
    "http-413": ("too large; hand over fewer or shorter files", 1),
    "http-422": ("could not process", 1),
    **{f"http-{status}-once": ("HTTP", 1) for status in (400, 401, 402, 403, 404, 413, 422)},
    "http-408": ("the endpoint timed out", 3),
    "http-409": ("conflict", 3),
    "http-429": ("too many requests", 3),
    **{f"http-{status}": (f"the endpoint failed .HTTP {status}.", 3) for status in (500, 502, 503, 504)},
    "http-529": ("overloaded", 3),
    **{f"stream-error-{kind}_error": (f"broke off with {kind}_error", 3) for kind in ("overloaded", "api", "timeout")},
    "stream-error-rate_limit_error": ("broke off with rate_limit_error", 3),
    "stream-error-invalid_request_error": ("broke off with invalid_request_error", 1),
    "trickle": ("word word", 1),
}


@pytest.fixture
def claude(endpoint):
    """Give an llm that asks the local endpoint, with little patience."""

    def make(model="scripted", *, meter=None, patience=None):
        address = read_address(endpoint.url, {})
        patient = patience or Patience(0.5, 0.5, 0.01)
        made.append(Claude(address, Secret(CANARY), model, meter=meter or Meter(), patience=patient))
        return made[-1]

    made = []
    yield make
    for each in made:
        each.close()


def ask(llm, request=HI):
    words = []
    return llm.turn(request, words.append), words


def test_every_scenario_has_an_end():
    assert ENDS.keys() == SCENARIOS.keys()


@pytest.mark.parametrize("scenario", ENDS)
def test_each_fault_ends_as_it_is_documented(endpoint, claude, scenario):
    wanted, calls = ENDS[scenario]
    llm = claude(f"fake-{scenario}")
    fails = calls == 3 or (calls == 1 and scenario.startswith(("http-", "html", "no-ev", "wrong", "trunc", "redirect")))
    fails = fails or scenario in {"retry-after-3600", "should-not-retry", "too-long", "stop-from_the_future"}
    if fails or scenario == "stream-error-invalid_request_error":
        with pytest.raises(EndpointError, match=wanted) as caught:
            ask(llm)
        assert CANARY not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None  # an SDK exception would hold the request with its key
        assert CANARY.encode() not in pickle.dumps(caught.value)
    else:
        answered, words = ask(llm)
        if wanted == TOOL:
            assert all(not use.problem for use in answered.tool_uses)
            assert answered.tool_uses
        elif wanted.startswith("the input"):
            assert answered.tool_uses[0].problem.startswith(wanted)
            assert answered.tool_uses[0].input == {}
        else:
            assert wanted in answered.text
            assert wanted in "".join(words)
    assert len(endpoint.bodies) == calls


def test_a_closed_port_is_told_with_its_cause(endpoint):
    with Server() as gone:
        url = gone.url
    llm = Claude(read_address(url, {}), None, "m", meter=Meter(), patience=Patience(0.5, 0.5, 0.01))
    with pytest.raises(EndpointError, match=r"no connection to the endpoint \(ConnectError: .*refused"):
        ask(llm)
    llm.close()


@pytest.mark.parametrize("scenario", ["stall-mid-stream", "stall-before", "trickle"])
def test_an_interrupt_ends_a_stream_at_once(claude, scenario):
    llm = claude(f"fake-{scenario}", patience=Patience(5, 60, 0.01))
    ask(claude("fake-text"))  # the SDK is loaded
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        signal.pthread_kill(MAIN, signal.SIGINT)

    timer = threading.Timer(0.4, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ask(llm)
    assert time.perf_counter() - pressed[0] < 2  # it is milliseconds; a loaded machine is allowed more
    timer.join()


MAIN = threading.main_thread().ident


def test_the_conversation_goes_out_as_it_is_and_comes_back_to_the_letter(endpoint, claude):
    endpoint.play(turn(thinking("hm", "signed"), text("I look"), tool("Read", path="a.py")), turn(text("done")))
    llm = claude()
    first, _ = ask(llm)
    assert [type(block) for block in first.content] == [Opaque, Text, ToolUse]
    result = ToolResult(first.tool_uses[0].id, "no such file", is_error=True)
    ask(llm, Request("be brief", (*HI.messages, Message("assistant", first.content), Message("user", (result,))), ()))
    sent = endpoint.bodies[-1]["messages"]
    assert sent[1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "signed"}
    assert sent[1]["content"][2]["input"] == {"path": "a.py"}
    assert sent[2]["content"][0]["is_error"] is True
    assert sent[2]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert endpoint.bodies[-1]["system"][0]["cache_control"] == {"type": "ephemeral"}


def test_an_input_that_is_no_object_goes_back_as_an_empty_one(endpoint, claude):
    llm = claude("fake-tool-input-list")
    bad, _ = ask(llm)
    answered = Message("user", (ToolResult(bad.tool_uses[0].id, "not run", is_error=True),))
    ask(claude("fake-text"), Request("s", (*HI.messages, Message("assistant", bad.content), answered), ()))
    assert endpoint.bodies[-1]["messages"][1]["content"][0]["input"] == {}


def test_the_key_goes_where_gateways_look_and_nowhere_without_one(endpoint, claude):
    ask(claude("fake-text"))
    headers = endpoint.requests[-1][1]
    assert headers["authorization"] == f"Bearer {CANARY}"
    assert headers["x-api-key"] == CANARY
    endpoint.clear()
    keyless = Claude(read_address(endpoint.url, {}), None, "fake-text", meter=Meter())
    ask(keyless)
    keyless.close()
    assert all("authorization" not in headers and "x-api-key" not in headers for _, headers, _ in endpoint.requests)


def test_what_an_endpoint_can_do_is_asked_once_and_remembered(endpoint, claude):
    endpoint.knows_models = True
    can = claude("fake-text").capabilities
    assert (can.pdf, can.thinking, can.count_tokens, can.context_window, can.max_tokens) == (
        True,
        True,
        True,
        100_000,
        8_000,
    )
    asked = len(endpoint.requests)
    assert claude("fake-text").capabilities == can
    assert len(endpoint.requests) == asked


def test_an_endpoint_that_drops_documents_is_found_out(endpoint, claude):
    endpoint.reads_pdf = False
    assert not claude().capabilities.pdf
    endpoint.reads_pdf = True
    assert claude("another").capabilities.pdf


def test_an_endpoint_that_counts_nothing_is_estimated_for(endpoint, claude):
    endpoint.counts = False
    llm = claude()
    assert not llm.capabilities.count_tokens
    page = Message("user", (Document("a.pdf", "A" * 120_000), Text("x" * 3_000)))
    assert 10_000 < llm.count(Request("s", (page,), ())) < 13_000


def test_a_field_that_is_refused_is_left_out_from_then_on(endpoint, claude):
    llm = claude("fake-no-caching")
    ask(llm)
    assert len(endpoint.bodies) == 2
    ask(claude("fake-no-caching"))
    assert len(endpoint.bodies) == 3
    assert "cache_control" not in str(endpoint.bodies[-1])


def test_a_budget_holds_whatever_the_model_writes(endpoint, claude):
    price = price_of("claude-sonnet-5-5", is_first_party=True)
    meter = Meter("claude-sonnet-5-5", price, budget_usd=0.01)
    llm = claude(meter=meter)

    def greedy(body):
        return turn(text("x"), usage={"input_tokens": 100, "output_tokens": body["max_tokens"]})

    endpoint.play(*[greedy] * 20)
    with pytest.raises(BudgetError, match=r"could cost more than is left: .*\$0\.0\d+ of \$0\.01"):
        [ask(llm) for _ in range(20)]
    assert 0 < meter.spent_usd <= 0.01
    assert all(body["max_tokens"] * 10 / 1e6 <= 0.01 for body in endpoint.bodies)


def test_calls_that_failed_count_against_the_budget(claude):
    meter = Meter("claude-sonnet-5-5", price_of("claude-sonnet-5-5", is_first_party=True), budget_usd=1.0)
    with pytest.raises(EndpointError):
        ask(claude("fake-drop-mid-stream", meter=meter))
    assert meter.lost_usd > 0


def test_too_long_is_an_error_of_its_own(claude):
    with pytest.raises(ContextTooLongError, match="250000 tokens > 200000 maximum"):
        ask(claude("fake-too-long"))


def test_a_deprecated_model_is_named_with_its_end(endpoint):
    llm = Claude(read_address(endpoint.url, {}), None, "claude-sonnet-4-5", meter=Meter())
    assert any("claude-sonnet-4-5 is deprecated and ends on" in note for note in llm.notes)
    assert Claude(read_address(endpoint.url, {}), None, "claude-sonnet-5-5", meter=Meter()).notes == ()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://example.com", "plain http would show the key"),
        ("ftp://example.com", "give an address such as"),
        ("example.com", "give an address such as"),
        ("https://user:secret@example.com", "does not belong into the address"),
        ("https://example.com?key=1", "does not belong into the address"),
    ],
)
def test_an_address_that_would_leak_is_refused(url, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        read_address(url, {})
    assert "secret" not in str(caught.value)


def test_an_address_is_mended_where_that_is_safe():
    assert read_address("", {}).is_first_party
    assert read_address("http://localhost:8080/v1/", {}).url == "http://localhost:8080"
    assert "was left out" in read_address("http://[::1]:8080/v1", {}).note
    assert read_address("http://10.0.0.1", {"MLEXPERT_ALLOW_HTTP": "1"}).url == "http://10.0.0.1"
