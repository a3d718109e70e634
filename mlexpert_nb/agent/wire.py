"""Our words as the JSON of the Messages API, and back: what is sent, and what a transcript holds."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mlexpert_nb.agent.llm import Block, Document, Message, Opaque, Text, ToolResult, ToolSchema, ToolUse, Usage

_NOTHING = "(nothing)"  # the API refuses text without a letter


def to_block(block: Block) -> dict[str, Any]:
    """Give one block as JSON."""
    match block:
        case Text(text):
            return {"type": "text", "text": whole(text) if text.strip() else _NOTHING}
        case ToolUse(id_, name, given, _problem):
            return {"type": "tool_use", "id": id_, "name": name, "input": dict(given)}
        case ToolResult(id_, content, is_error):
            failed = {"is_error": True} if is_error else {}
            return {"type": "tool_result", "tool_use_id": id_, "content": whole(content) or _NOTHING, **failed}
        case Document(title, data, media_type):
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "document", "title": title, "source": source}
        case Opaque(raw):
            return dict(raw)


def whole(text: str) -> str:
    """Mark each half of a character: what a model wrote, or a file's name, may have some; no endpoint takes them."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two halves in a row become one


def from_block(raw: Mapping[str, Any]) -> Block:
    """Read one block; a kind that is not ours stays as it is.

    Raises:
        KeyError: A field is missing.
    """
    match raw.get("type"):
        case "text" if isinstance(raw.get("text"), str):
            return Text(raw["text"])
        case "tool_use":
            given = raw["input"]
            whole = isinstance(given, dict)
            problem = str(raw.get("problem", "")) or ("" if whole else "the input is not a JSON object")
            return ToolUse(str(raw["id"]), str(raw["name"]), given if whole else {}, problem)
        case "tool_result":
            return ToolResult(raw["tool_use_id"], str(raw["content"]), bool(raw.get("is_error")))
        case _:
            return Opaque(dict(raw))


def to_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Give a conversation as JSON."""
    return [
        {"role": each.role, "content": [to_block(block) for block in each.content] or [to_block(Text(""))]}
        for each in messages
    ]


def to_tool(tool: ToolSchema) -> dict[str, Any]:
    """Give a tool as JSON."""
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.input_schema)}


def from_usage(raw: Mapping[str, Any]) -> Usage:
    """Read the counted tokens; what an endpoint does not count is zero."""
    return Usage(
        input_tokens=_count(raw, "input_tokens"),
        output_tokens=_count(raw, "output_tokens"),
        cache_read_tokens=_count(raw, "cache_read_input_tokens"),
        cache_write_tokens=_count(raw, "cache_creation_input_tokens"),
    )


def to_usage(usage: Usage) -> dict[str, int]:
    """Give counted tokens as JSON."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
    }


def said(blocks: Sequence[Block]) -> tuple[Text | ToolUse | Opaque, ...]:
    """Keep what an assistant may say."""
    return cast(
        "tuple[Text | ToolUse | Opaque, ...]",
        tuple(each for each in blocks if isinstance(each, (Text, ToolUse, Opaque))),
    )


def _count(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
