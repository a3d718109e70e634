"""What a language model is to the toolkit: given system, messages and tools, it yields one assistant turn.

Claude, the offline specialist and the scripted test double all implement `LLM`, so that the loop, the permissions and
the judge are the same for all of them. Words and fields are those of the Messages API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

StopReason = Literal["end_turn", "tool_use", "max_tokens", "refusal", "pause_turn", "model_context_window_exceeded"]
OnText: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the llm or of the user."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The llm asks for one tool call; `input` is data from outside until the tool has validated it.

    Attributes:
        id: What the result is matched by.
        name: The tool.
        input: Its arguments.
        problem: Why the input cannot be trusted, so that the tool must not run; empty when it is whole.
    """

    id: str
    name: str
    input: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one tool call; every `ToolUse` gets exactly one."""

    tool_use_id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A paper that the user handed over: a PDF in base64."""

    title: str
    data: str = field(repr=False)
    media_type: str = "application/pdf"


@dataclass(frozen=True, slots=True)
class Opaque:
    """A block that only its endpoint understands (thinking with its signature); it goes back unchanged."""

    raw: Mapping[str, Any]


Block: TypeAlias = Text | ToolUse | ToolResult | Document | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """One side of the conversation."""

    role: Literal["user", "assistant"]
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as the llm sees it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; zero where nothing is counted.

    Attributes:
        input_tokens: Read at full price.
        output_tokens: Written.
        cache_read_tokens: Read from the endpoint's cache.
        cache_write_tokens: Read and put into its cache.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )

    @property
    def read(self) -> int:
        """All tokens that the endpoint read."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class Turn:
    """One whole assistant turn.

    Attributes:
        content: What was said and asked for.
        stop_reason: Why the turn ended.
        usage: What it took.
        detail: What the endpoint adds to the reason, such as the category of a refusal.
    """

    content: tuple[Text | ToolUse | Opaque, ...]
    stop_reason: StopReason
    usage: Usage = field(default_factory=Usage)
    detail: str = ""

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
    """Everything that one turn is made from.

    Attributes:
        system: The prompt.
        messages: The conversation so far.
        tools: What may be asked for.
        max_tokens: Most tokens that the turn may write; None leaves it to the llm.
    """

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...]
    max_tokens: int | None = None


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
