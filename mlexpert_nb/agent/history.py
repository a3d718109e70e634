"""Shortens a conversation by rule when it grows too long: old results first, then old texts of files."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlexpert_nb.agent.llm import Block, Message, Opaque, ToolResult, ToolUse
from mlexpert_nb.agent.size import size_of

KEPT = 8  # newest messages that stay as they are
_LONG, _HEAD = 600, 200  # characters from which something old is cut, and what stays of it
SHARE = 0.7  # of the context window at which a conversation is shortened


def compact(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Give the conversation with everything long in its older part cut; the first message and every call stay.

    The same conversation always gives the same result, so that the endpoint's cache holds until the next cut.
    """
    old, new = messages[1:-KEPT], messages[-KEPT:] if len(messages) > KEPT else messages[1:]
    return (messages[0], *(replace(each, content=_cut_all(each.content)) for each in old), *new)


def size(messages: tuple[Message, ...]) -> int:
    """Give the characters of a conversation."""
    return sum(size_of(block) for each in messages for block in each.content)


def _cut_all(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    return tuple(_cut(block) for block in blocks if not isinstance(block, Opaque)) or blocks


def _cut(block: Block) -> Block:
    if isinstance(block, ToolResult) and len(block.content) > _LONG:
        return replace(block, content=_short(block.content))
    if isinstance(block, ToolUse):
        return replace(block, input=_short_values(block.input))
    return block


def _short_values(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _short(value) if isinstance(value, str) and len(value) > _LONG else value for key, value in given.items()
    }


def _short(text: str) -> str:
    return f"{text[:_HEAD]}\n[{len(text) - _HEAD:,} characters cut to save room; read it again if you need it]"
