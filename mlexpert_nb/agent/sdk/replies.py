"""What the SDK's messages and errors mean in our words; a key that slipped into one of them does not leave here."""

from collections.abc import Iterator
from typing import Any

from mlexpert_nb.agent.address import Address
from mlexpert_nb.agent.llm import Text, ToolResult, ToolUse, Usage
from mlexpert_nb.agent.sdk.guard import plain_name
from mlexpert_nb.agent.wire import from_usage
from mlexpert_nb.errors import EndpointError, EnvironmentProblem
from mlexpert_nb.keys import Redact

_LONGEST = 300  # characters of an error that are shown
_ADVICE = {
    401: "check that the key belongs to this endpoint",
    403: "check that the key may use this model",
    404: "check --model and --base-url",
    413: "hand over fewer or shorter files",
    429: "wait a moment and run again",
}


def kind(part: Any) -> str:
    """Give the name of the SDK's class, which this thread need not have loaded."""
    return type(part).__name__


def said(message: Any) -> tuple[Text | ToolUse, ...]:
    """Give what an assistant message says and asks for; thinking stays out."""
    blocks: list[Text | ToolUse] = []
    for block in message.content:
        if kind(block) == "TextBlock":
            blocks.append(Text(block.text))
        elif kind(block) == "ToolUseBlock":
            blocks.append(ToolUse(block.id, plain_name(block.name), dict(block.input)))
    return tuple(blocks)


def results(message: Any) -> Iterator[ToolResult]:
    """Give the tool results in a user message, those that the program made up itself included."""
    if isinstance(message.content, str):
        return
    for block in message.content:
        if kind(block) == "ToolResultBlock":
            yield ToolResult(block.tool_use_id, _text(block.content), is_error=bool(block.is_error))


def used(result: Any) -> Usage:
    """Give the tokens of everything since the last prompt, as the endpoint reports them."""
    return from_usage(result.usage or {})


def failed(result: Any, address: Address, redact: Redact) -> EndpointError:
    """Make one line of a result that reports a failed call."""
    status = result.api_error_status
    told = result.result or "; ".join(result.errors or ()) or result.subtype
    head = f"{address.host} answered HTTP {status}" if status else f"{address.host} could not be asked"
    advice = _ADVICE.get(status or 0, "check --base-url and run again")
    return EndpointError(f"{head}: {_one_line(redact(told))}; {advice}")


def broken(error: Exception, stderr: str, redact: Redact) -> EnvironmentProblem:
    """Make one line of an error of the SDK; the error itself is dropped, since it may hold more than its message."""
    if isinstance(error, EnvironmentProblem):
        return error
    told = _one_line(redact(f"{error} {stderr}"))
    return EnvironmentProblem(
        f"claude-agent-sdk stopped ({type(error).__name__}): {told}; run again, or use --llm claude"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or () if isinstance(part, dict))
