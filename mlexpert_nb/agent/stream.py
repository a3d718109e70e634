"""Reads one streamed turn, and trusts none of it until it is whole.

The SDK's stream mends half JSON silently, ends without complaint when the connection closes, and lets its transport's
errors through as they are; so the parts of a tool's input are gathered here and parsed strictly, and a turn counts only
after its `message_stop`.
"""

import json
from collections.abc import Iterable
from typing import Any, cast, get_args

from mlexpert_nb.agent.llm import OnText, Opaque, StopReason, Text, ToolUse, Turn
from mlexpert_nb.agent.wire import from_block, from_usage, said

_ENDS: dict[str, StopReason] = {"stop_sequence": "end_turn"}


class MalformedReplyError(Exception):
    """The endpoint sent something that is not a whole turn of the Messages API.

    Attributes:
        again: Whether the same call may get a better one.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


def read_turn(events: Iterable[Any], on_text: OnText) -> Turn:
    """Read a stream to its end.

    Args:
        events: Events of `messages.stream()`, raw and derived.
        on_text: Handed the words as they come.

    Raises:
        MalformedReplyError: The reply is not a whole, valid turn; nothing of it may be used.
    """
    parts: dict[int, list[str]] = {}
    began, stopped, message = False, False, None
    for event in events:
        kind = event.type
        if kind == "text":
            on_text(event.text)
        elif kind == "content_block_delta" and getattr(event.delta, "type", "") == "input_json_delta":
            parts.setdefault(event.index, []).append(event.delta.partial_json)
        elif kind == "message_start":
            began = True
        elif kind == "message_stop":
            stopped, message = True, getattr(event, "message", None)
    if began and not stopped:
        raise MalformedReplyError("the reply broke off before its end", again=True)
    if message is None:
        raise MalformedReplyError("the reply holds no message; is this a Messages API endpoint? check --base-url")
    return _turn(message, parts)


def _turn(message: Any, parts: dict[int, list[str]]) -> Turn:
    if not isinstance(message.content, list):
        raise MalformedReplyError("the reply has no content; is this a Messages API endpoint?")
    reason = _ENDS.get(message.stop_reason, message.stop_reason)
    if reason not in get_args(StopReason):
        raise MalformedReplyError(f"the reply ended for an unknown reason, {str(reason)[:60]!r}")
    blocks = [_block(block.to_dict(warnings=False), parts.get(index)) for index, block in enumerate(message.content)]
    usage = from_usage(message.usage.to_dict() if message.usage is not None else {})
    details = getattr(message, "stop_details", None)
    detail = str(getattr(details, "category", "") or "") if details is not None else ""
    return Turn(said(blocks), cast("StopReason", reason), usage, detail)


def _block(raw: dict[str, object], parts: list[str] | None) -> Text | ToolUse | Opaque:
    if raw.get("type") != "tool_use":
        return cast("Text | ToolUse | Opaque", from_block(raw))
    given, problem = raw.get("input"), ""
    if parts is not None:
        given, problem = _strict("".join(parts))
    elif not isinstance(given, dict):
        given, problem = {}, "the input is not a JSON object"
    return ToolUse(str(raw.get("id")), str(raw.get("name")), cast("dict[str, Any]", given), problem)


def _strict(text: str) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        return {}, f"the input is not valid JSON ({error}); send the whole call again"
    if not isinstance(value, dict):
        return {}, f"the input is a JSON {type(value).__name__}, not an object; send the whole call again"
    return value, ""
