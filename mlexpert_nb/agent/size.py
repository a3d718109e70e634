"""How large a request is, without asking anybody."""

import json
from collections.abc import Mapping
from typing import Any

from mlexpert_nb.agent.llm import Block, Document, Opaque, Request, Text, ToolResult, ToolUse
from mlexpert_nb.agent.wire import to_tool

CHARS_PER_TOKEN = 3.0  # code and JSON; prose has more, so that this errs on the large side
_BYTES_PER_PAGE_TOKEN = 12.0  # base64 characters of a PDF for one token, roughly
_FRAME = 80  # characters around the words of a block: its kind and its id


def estimate_tokens(request: Request) -> int:
    """Estimate what a request would be read as, rather too much than too little."""
    chars = float(len(request.system)) + sum(len(json.dumps(to_tool(tool))) for tool in request.tools)
    for message in request.messages:
        chars += sum(size_of(block) for block in message.content)
    return int(chars / CHARS_PER_TOKEN) + 1


def size_of(block: Block) -> int:
    """Give the characters that a block weighs, those that are not ASCII counted as bytes.

    It is asked for every block before every turn, and so does not write the block out as JSON.
    """
    match block:
        case Text(words) | ToolResult(_, words):
            return _FRAME + _length(words)
        case Document(_, data):  # its pages weigh less than the base64 that carries them
            return _FRAME + int(len(data) * CHARS_PER_TOKEN / _BYTES_PER_PAGE_TOKEN)
        case ToolUse(_, name, given):
            return _FRAME + len(name) + _length_of_values(given)
        case Opaque(raw):
            return _length_of_values(raw)


def _length_of_values(given: Mapping[str, Any]) -> int:
    return sum(
        len(key) + (_length(value) if isinstance(value, str) else len(json.dumps(value, default=str)))
        for key, value in given.items()
    )


def _length(words: str) -> int:
    return len(words) if words.isascii() else len(words.encode("utf-8", "surrogatepass"))
