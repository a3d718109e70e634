"""Reads one streamed turn, and trusts none of it until it is whole.

The SDK's own gathering mends half JSON silently and parses a tool's input anew with every part of it; its streams end
without complaint when the connection closes, and let their transport's errors through as they are. So the parts are
gathered here and parsed once, strictly, and a turn counts only after its `message_stop`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast, get_args

from mlexpert_nb.agent.llm import OnText, Opaque, StopReason, Text, ToolUse, Turn, Usage
from mlexpert_nb.agent.size import CHARS_PER_TOKEN
from mlexpert_nb.agent.wire import from_block, from_usage, said, whole

LONGEST_REPLY = 4 * 2**20  # characters and events of one turn; the longest that a model may write has a tenth of it
_ENDS: dict[str, StopReason] = {"stop_sequence": "end_turn"}


class MalformedReplyError(Exception):
    """The endpoint sent something that is not a whole turn of the Messages API.

    Attributes:
        again: Whether the same call may get a better one.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


def read_turn(events: Iterable[Any], on_text: OnText, reply: "Reply | None" = None) -> Turn:
    """Read a stream to its end.

    Args:
        events: Raw events of `messages.create(stream=True)`.
        on_text: Handed the words as they come.
        reply: What is filled, for those who want to know what came of a reply that broke off.

    Raises:
        MalformedReplyError: The reply is not a whole, valid turn; nothing of it may be used.
    """
    reply = reply or Reply()
    for event in events:
        words = reply.take(event)
        if words:
            on_text(whole(words))
    if reply.began and not reply.stopped:
        raise MalformedReplyError("the reply broke off before its end", again=True)
    if not reply.began:
        raise MalformedReplyError("the reply holds no message; is this a Messages API endpoint? check --base-url")
    return reply.turn()


class Reply:
    """One reply as far as it has come: blocks by their place, each with the parts of its texts."""

    def __init__(self) -> None:
        self.began = self.stopped = False
        self._blocks: dict[int, dict[str, Any]] = {}
        self._parts: dict[tuple[int, str], list[str]] = {}
        self._usage: dict[str, Any] = {}
        self._heard = self._events = 0
        self._reason, self._detail = "", ""

    @property
    def usage(self) -> Usage:
        """What it took so far: as the endpoint counts it, and at least what was heard."""
        counted = from_usage(self._usage)
        return replace(counted, output_tokens=max(counted.output_tokens, int(self._heard / CHARS_PER_TOKEN)))

    def take(self, event: Any) -> str:
        """Add one event; give the words in it."""
        self._events += 1
        if self._heard + self._events > LONGEST_REPLY:
            raise MalformedReplyError("the reply is longer than any turn may be, and was cut off")
        match event.type:
            case "content_block_delta":
                return self._add(event.index, event.delta)
            case "content_block_start":
                if event.index in self._blocks:
                    raise MalformedReplyError("the reply begins the same block twice", again=True)
                self._blocks[event.index] = event.content_block.to_dict(warnings=False)
                return str(self._blocks[event.index].get("text") or "")
            case "message_start":
                self.began = True
                self._count(event.message.usage)
            case "message_delta":
                self._reason = event.delta.stop_reason or ""
                self._detail = str(getattr(getattr(event.delta, "stop_details", None), "category", "") or "")
                self._count(event.usage)
            case "message_stop":
                self.stopped = True
        return ""

    def turn(self) -> Turn:
        """Give the whole."""
        reason = _ENDS.get(self._reason, self._reason)
        if reason not in get_args(StopReason):
            raise MalformedReplyError(f"the reply ended for an unknown reason, {str(reason)[:60]!r}")
        for (index, field), parts in self._parts.items():
            if field != "partial_json":
                self._blocks[index][field] = str(self._blocks[index].get(field) or "") + whole("".join(parts))
        blocks = [_block(raw, self._parts.get((index, "partial_json"))) for index, raw in sorted(self._blocks.items())]
        return Turn(said([*_told_apart(blocks)]), cast("StopReason", reason), from_usage(self._usage), self._detail)

    def _add(self, index: int, delta: Any) -> str:
        field = _FIELDS.get(delta.type)
        if field is None:
            return ""
        part = getattr(delta, field)
        if index not in self._blocks:
            raise MalformedReplyError("the reply has a part of a block that never began", again=True)
        self._heard += len(part)
        self._parts.setdefault((index, field), []).append(part)
        return part if field == "text" else ""

    def _count(self, usage: Any) -> None:
        if usage is not None:
            self._usage |= {key: value for key, value in usage.to_dict(warnings=False).items() if value is not None}


_FIELDS = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
}


def _block(raw: dict[str, object], parts: list[str] | None) -> Text | ToolUse | Opaque:
    if raw.get("type") != "tool_use":
        return cast("Text | ToolUse | Opaque", from_block(raw))
    given, problem = raw.get("input"), ""
    if parts is not None:
        given, problem = _strict("".join(parts))
    elif not isinstance(given, dict):
        given, problem = {}, "the input is not a JSON object"
    return ToolUse(str(raw.get("id") or ""), str(raw.get("name")), cast("dict[str, Any]", given), problem)


def _told_apart(blocks: list[Text | ToolUse | Opaque]) -> Iterator[Text | ToolUse | Opaque]:
    """Give every call an id of its own, by which its result is found; some local servers give none, or one to all."""
    taken = {""}
    for place, block in enumerate(blocks):
        is_taken = isinstance(block, ToolUse) and block.id in taken
        told = replace(block, id=f"{block.id or 'toolu'}_{place}") if isinstance(block, ToolUse) and is_taken else block
        taken.add(told.id if isinstance(told, ToolUse) else "")
        yield told


def _strict(text: str) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(text or "{}", parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half a character could be neither kept nor sent back
    except (ValueError, RecursionError) as error:
        return {}, f"the input is not valid JSON ({error}); send the whole call again"
    if not isinstance(value, dict):
        return {}, f"the input is a JSON {type(value).__name__}, not an object; send the whole call again"
    return value, ""


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
