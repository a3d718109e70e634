"""Every way in which an endpoint goes wrong, by the name of the model that is asked for."""

import asyncio
import json

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from messages.replies import Reply, block_events, event, events, start, text, thinking, tool, turn

USAGE = {"input_tokens": 100, "output_tokens": 20}
OK = Reply([text("all is well")])
SSE = "text/event-stream"
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class DropError(Exception):
    """Cuts the connection in the middle of a reply."""


def error(status, message="", headers=None):
    kind = ERRORS.get(status, "api_error")
    body = {"type": "error", "error": {"type": kind, "message": message or f"fake {kind}"}, "request_id": "req_fake"}
    return JSONResponse(body, status, headers=headers)


def stream(parts, delay=0.0):
    async def send():
        for part in parts:
            if part is DropError:
                raise DropError
            if isinstance(part, float):
                await asyncio.sleep(part)
            else:
                yield part
                if delay:
                    await asyncio.sleep(delay)

    return StreamingResponse(send(), media_type=SSE)


def whole(reply, model):
    return stream(events(reply, model))


def _half_text():
    return [start("fake", USAGE), *list(block_events(0, text("half a sentence that is never")))[:-1]]


def _half_tool(given='{"path": "a.py", "text": "x = 1'):
    block = {"type": "tool_use", "id": "toolu_half", "name": "Write", "input": given}
    return [start("fake", USAGE), *list(block_events(0, block))[:-1]]


def _tool(given, stop_reason="tool_use"):
    return Reply([{"type": "tool_use", "id": "toolu_bad", "name": "Write", "input": given}], stop_reason)


def _ends(reason, **details):
    return Reply([text("so far")], reason, details=details or None)


def _raw(*parts):
    return lambda _body, _hits: stream(list(parts))


def _reply(reply):
    return lambda body, _hits: whole(reply, body["model"])


def _bytes(reply):
    def send(_body, _hits):
        data = "".join(events(reply, "fake")).encode()

        async def one_by_one():
            for at in range(len(data)):
                yield data[at : at + 1]

        return StreamingResponse(one_by_one(), media_type=SSE)

    return send


def _once(fault):
    return lambda body, hits: fault(body, hits) if hits == 1 else whole(OK, body["model"])


SCENARIOS = {
    "text": _reply(OK),
    "drop-mid-stream": _raw(*_half_text(), DropError),
    "drop-mid-tool": _raw(*_half_tool(), DropError),
    "stall-before": _raw(600.0),
    "stall-mid-stream": _raw(*_half_text(), 600.0),
    "eof-mid-stream": _raw(*_half_text()),
    "eof-mid-tool": _raw(*_half_tool()),
    "bad-tool-json": _reply(_tool('{"path": "a.py", "text": tru')),
    "tool-input-list": _reply(_tool("[1, 2]")),
    "tool-input-number": _reply(_tool("7")),
    "empty-tool-json": _reply(_tool("")),
    "max-tokens-mid-tool": _reply(_tool('{"path": "a.py", "te', "max_tokens")),
    "end-turn-with-tool": _reply(Reply([tool("Write", path="a.py", text="x = 1\n")], "end_turn")),
    "bad-json-event": _raw(start("fake", USAGE), "event: content_block_start\ndata: {nope\n\n"),
    "unknown-event": _raw(event("hologram", depth=3), *events(OK, "fake")),
    "unknown-block": _reply(Reply([{"type": "hologram", "depth": 3}, text("all is well")])),
    "unknown-delta": _raw(
        *list(events(OK, "fake"))[:-2],
        event("content_block_delta", index=0, delta={"type": "hologram_delta", "depth": 3}),
        *list(events(OK, "fake"))[-2:],
    ),
    "part-of-nothing": _raw(
        start("fake", USAGE),
        event("content_block_delta", index=4, delta={"type": "text_delta", "text": "out of nowhere"}),
    ),
    "empty-content": _reply(Reply([])),
    "thinking": _reply(Reply([thinking("let me think"), text("all is well")])),
    "unknown-tool": _reply(turn(tool("Teleport", to="Mars"))),
    "parallel-tools": _reply(turn(tool("Read", path="a.py"), tool("Read", path="b.py"), tool("Grep", pattern="x"))),
    "byte-by-byte": _bytes(Reply([text("naïve café 🙂 你好")])),
    "trickle": lambda _body, _hits: stream(list(events(Reply([text("word " * 400)]), "fake")), delay=0.05),
    "html-200": lambda _body, _hits: HTMLResponse("<html><body>Please log in to the network</body></html>"),
    "html-502": lambda _body, _hits: HTMLResponse("<html>bad gateway</html>", 502),
    "no-events": lambda _body, _hits: Response("", media_type=SSE),
    "wrong-shape": lambda _body, _hits: JSONResponse({"choices": [{"message": {"content": "hi"}}], "object": "chat"}),
    "truncated-json": lambda _body, _hits: Response('{"id": "msg_1", "content": [', media_type="application/json"),
    "retry-after-1": _once(lambda _body, _hits: error(429, headers={"retry-after": "1"})),
    "retry-after-3600": lambda _body, _hits: error(429, headers={"retry-after": "3600"}),
    "retry-after-nonsense": _once(lambda _body, _hits: error(429, headers={"retry-after": "soon"})),
    "should-retry": _once(lambda _body, _hits: error(400, headers={"x-should-retry": "true"})),
    "should-not-retry": lambda _body, _hits: error(529, headers={"x-should-retry": "false"}),
    "too-long": lambda _body, _hits: error(400, "prompt is too long: 250000 tokens > 200000 maximum"),
    "no-caching": lambda body, _hits: (
        error(400, "cache_control: Extra inputs are not permitted")
        if "cache_control" in json.dumps(body)
        else whole(OK, body["model"])
    ),
    "redirect": lambda _body, _hits: RedirectResponse("http://127.0.0.1:9/v1/messages", 307),
    "pause-turn-once": lambda body, hits: whole(_ends("pause_turn") if hits == 1 else OK, body["model"]),
    "stop-refusal": _reply(_ends("refusal", category="frontier_llm")),
    "stop-max_tokens": _reply(_ends("max_tokens")),
    "stop-model_context_window_exceeded": _reply(_ends("model_context_window_exceeded")),
    "stop-stop_sequence": _reply(_ends("stop_sequence")),
    "stop-from_the_future": _reply(_ends("from_the_future")),
    **{f"http-{status}": lambda _body, _hits, status=status: error(status) for status in ERRORS},
    **{f"http-{status}-once": _once(lambda _body, _hits, status=status: error(status)) for status in ERRORS},
    **{
        f"stream-error-{kind}": _raw(*_half_text(), event("error", error={"type": kind, "message": "fake"}))
        for kind in ("overloaded_error", "api_error", "rate_limit_error", "timeout_error", "invalid_request_error")
    },
    "stream-error-once": _once(
        _raw(*_half_text(), event("error", error={"type": "overloaded_error", "message": "fake"}))
    ),
    "drop-once": _once(_raw(*_half_text(), DropError)),
}


def answer(scenario, body, hits):
    """Give the response of a scenario; `loop-N` asks for N readings and then ends."""
    if scenario.startswith("loop-"):
        done = sum(message["role"] == "assistant" for message in body["messages"])
        more = done < int(scenario.removeprefix("loop-"))
        return whole(turn(tool("Grep", pattern=f"x{done}")) if more else OK, body["model"])
    return SCENARIOS[scenario](body, hits)
