"""What a language model is to the toolkit: given system, messages and tools, it yields one assistant turn.

Claude, the offline specialist and the scripted test double all implement `LLM`, so that the loop, the permissions and
the judge are the same for all of them. Words and fields are those of the Messages API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

StopReason = Literal["end_turn", "tool_use", "max_tokens", "refusal"]
OnText: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the llm or of the user."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The llm asks for one tool call; `input` is data from outside until the tool has validated it."""

    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one tool call; every `ToolUse` gets exactly one."""

    tool_use_id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One side of the conversation."""

    role: Literal["user", "assistant"]
    content: tuple[Text | ToolUse | ToolResult, ...]


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as the llm sees it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn; zero where nothing is counted."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One whole assistant turn."""

    content: tuple[Text | ToolUse, ...]
    stop_reason: StopReason
    usage: Usage = field(default_factory=Usage)

    @property
    def text(self) -> str:
        """All words of the turn."""
        return "\n".join(block.text for block in self.content if isinstance(block, Text))

    @property
    def tool_uses(self) -> tuple[ToolUse, ...]:
        """All tool calls of the turn, in order."""
        return tuple(block for block in self.content if isinstance(block, ToolUse))


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that one turn is made from."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...]


class LLM(Protocol):
    """Whoever answers."""

    @property
    def name(self) -> str:
        """Short name for records: "offline", "claude-sonnet-5-5"."""
        ...

    @property
    def statement(self) -> str:
        """One sentence for the card: who answered, and what that means."""
        ...

    def turn(self, request: Request, on_text: OnText) -> Turn:
        """Answer with one whole turn, handing out words through `on_text` as they come."""
        ...
