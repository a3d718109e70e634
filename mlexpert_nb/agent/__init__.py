"""The specialist: an llm, tools, permissions and the loop that binds them."""

from mlexpert_nb.agent.llm import LLM, Message, Request, Text, ToolResult, ToolUse, Turn
from mlexpert_nb.agent.loop import Approve, Loop, Outcome
from mlexpert_nb.agent.offline import OfflineSpecialist
from mlexpert_nb.agent.plan import Plan, PlannedFile, digest
from mlexpert_nb.agent.scripted import ScriptedLLM
from mlexpert_nb.agent.tools import TOOLS
from mlexpert_nb.agent.transcript import Transcript

__all__ = [
    "LLM",
    "TOOLS",
    "Approve",
    "Loop",
    "Message",
    "OfflineSpecialist",
    "Outcome",
    "Plan",
    "PlannedFile",
    "Request",
    "ScriptedLLM",
    "Text",
    "ToolResult",
    "ToolUse",
    "Transcript",
    "Turn",
    "digest",
]
