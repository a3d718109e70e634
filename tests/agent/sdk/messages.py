"""A Messages endpoint of our own: it plays a script over real HTTP, streaming, and keeps what it was asked."""

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

STALL = {"type": "stall"}
"""A content block that never comes."""


def say(text):
    return {"type": "text", "text": text}


def stop(reason):
    return {"type": "stop", "reason": reason}


def use(name, **given):
    """Ask for a tool by the name that the program gives it; `look` and `work` make those."""
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": name, "input": given}


def look(name, **given):
    return use(f"mcp__mlexpert__{name}", **given)


def work(name, **given):
    return use(f"mcp__mlexpert_work__{name}", **given)


class Messages:
    """Plays one reply after another: each is a list of content blocks, or a status and words to fail with."""

    def __init__(self, *replies) -> None:
        self.replies = replies
        self.asked: list[dict] = []
        self.headers: list[dict] = []

    def __enter__(self):
        # with IPPROTO_TCP named, asyncio sets TCP_NODELAY; without it every reply waits for a delayed ACK
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = Starlette(routes=[Route("/v1/messages", self._answer, methods=["POST"])])
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    @property
    def tools(self):
        """Names of the tools that each request offered."""
        return [[tool["name"] for tool in each["tools"]] for each in self.asked]

    @property
    def results(self):
        """Every tool result that the endpoint was told, in order: text, is_error."""
        messages = self.asked[-1]["messages"] if self.asked else []
        blocks = [block for each in messages if isinstance(each["content"], list) for block in each["content"]]
        return [
            (_text(block["content"]), bool(block.get("is_error"))) for block in blocks if block["type"] == "tool_result"
        ]

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        reply = self.replies[len(self.asked)] if len(self.asked) < len(self.replies) else [say("the script is over")]
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        if isinstance(reply, tuple):
            status, words = reply
            error = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
            return JSONResponse(error, status_code=status)
        return StreamingResponse(_stream(reply, body["model"]), media_type="text/event-stream")


async def _stream(content, model) -> Iterator[bytes]:
    usage = {"input_tokens": 10, "output_tokens": 1}
    start = {"id": f"msg_{uuid.uuid4().hex}", "type": "message", "role": "assistant", "model": model, "content": []}
    yield _event("message_start", message={**start, "stop_reason": None, "stop_sequence": None, "usage": usage})
    for index, block in enumerate(content):
        if block == STALL:
            await asyncio.sleep(3600)
        if block["type"] == "stop":
            continue
        empty, delta = _parts(block)
        yield _event("content_block_start", index=index, content_block=empty)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    reason = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    reason = content[-1].get("reason", reason) if content else reason
    yield _event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 5})
    yield _event("message_stop")


def _parts(block):
    if block["type"] == "text":
        return {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return {**block, "input": {}}, delta


def _event(kind, **facts) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **facts})}\n\n".encode()


def _text(content):
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
