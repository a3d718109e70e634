"""Replies of the Messages API, and how they are streamed."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

_IDS = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """One whole assistant turn."""

    content: list = field(default_factory=list)
    stop_reason: str = "end_turn"
    usage: dict = field(default_factory=lambda: {"input_tokens": 100, "output_tokens": 20})
    details: dict | None = None


def text(words):
    return {"type": "text", "text": words}


def thinking(words, signature="c2lnbmVk"):
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool(name, /, **given):
    return {"type": "tool_use", "id": f"toolu_{next(_IDS):06}", "name": name, "input": given}


def turn(*content, stop_reason="", usage=None):
    """Give a turn; it ends for the reason that fits its blocks, unless one is given."""
    uses = any(block["type"] == "tool_use" for block in content)
    counted = usage or {"input_tokens": 100, "output_tokens": 20}
    return Reply(list(content), stop_reason or ("tool_use" if uses else "end_turn"), counted)


def event(kind, **more):
    """Give one server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"


def start(model, usage):
    """Give the event that opens a reply."""
    message = {
        "id": f"msg_{next(_IDS):06}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    return event("message_start", message=message)


def events(reply: Reply, model: str, piece: int = 40) -> Iterator[str]:
    """Give a reply as events, its texts in pieces."""
    yield start(model, reply.usage)
    for index, block in enumerate(reply.content):
        yield from block_events(index, block, piece)
    delta = {"stop_reason": reply.stop_reason, "stop_sequence": None}
    if reply.details is not None:
        delta["stop_details"] = reply.details
    yield event("message_delta", delta=delta, usage={"output_tokens": reply.usage["output_tokens"]})
    yield event("message_stop")


def block_events(index, block, piece=40):
    """Give one block as events."""
    match block["type"]:
        case "text":
            empty, deltas = {**block, "text": ""}, [("text_delta", "text", part) for part in _cut(block["text"], piece)]
        case "tool_use":
            given = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
            empty = {**block, "input": {}}
            deltas = [("input_json_delta", "partial_json", part) for part in _cut(given, piece)]
        case "thinking":
            empty = {**block, "thinking": "", "signature": ""}
            deltas = [("thinking_delta", "thinking", part) for part in _cut(block["thinking"], piece)]
            deltas.append(("signature_delta", "signature", block["signature"]))
        case _:
            empty, deltas = block, []
    yield event("content_block_start", index=index, content_block=empty)
    for kind, key, part in deltas:
        yield event("content_block_delta", index=index, delta={"type": kind, key: part})
    yield event("content_block_stop", index=index)


def _cut(words, piece):
    return [words[at : at + piece] for at in range(0, len(words), piece)]
