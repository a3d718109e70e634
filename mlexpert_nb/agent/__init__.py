"""The specialist: an llm, tools, permissions and the loop that binds them."""

from mlexpert_nb.agent.address import Address, read_address
from mlexpert_nb.agent.claude import DEFAULT_MODEL, Claude
from mlexpert_nb.agent.demands import demanded_claims
from mlexpert_nb.agent.llm import (
    LLM,
    Document,
    Message,
    Opaque,
    Request,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    Usage,
)
from mlexpert_nb.agent.loop import Approve, Loop, Outcome, Reason
from mlexpert_nb.agent.offline import OfflineSpecialist
from mlexpert_nb.agent.plan import Plan, PlannedFile, digest
from mlexpert_nb.agent.prices import Meter, price_of
from mlexpert_nb.agent.replay import Recording, Replay, close, read_recording
from mlexpert_nb.agent.scripted import ScriptedLLM
from mlexpert_nb.agent.sdk import Endpoint, SdkConversation
from mlexpert_nb.agent.tools import TOOLS
from mlexpert_nb.agent.transcript import Transcript

__all__ = [
    "DEFAULT_MODEL",
    "LLM",
    "TOOLS",
    "Address",
    "Approve",
    "Claude",
    "Document",
    "Endpoint",
    "Loop",
    "Message",
    "Meter",
    "OfflineSpecialist",
    "Opaque",
    "Outcome",
    "Plan",
    "PlannedFile",
    "Reason",
    "Recording",
    "Replay",
    "Request",
    "ScriptedLLM",
    "SdkConversation",
    "Text",
    "ToolResult",
    "ToolUse",
    "Transcript",
    "Turn",
    "Usage",
    "close",
    "demanded_claims",
    "digest",
    "price_of",
    "read_address",
    "read_recording",
]
