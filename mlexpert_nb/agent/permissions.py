"""Two phases: before a plan is approved only reading tools exist; afterwards all but proposing."""

from collections.abc import Mapping
from typing import Literal

from mlexpert_nb.agent.tools.tool import Effect, Tool

Phase = Literal["plan", "work"]
ALLOWED: Mapping[Phase, frozenset[Effect]] = {
    "plan": frozenset({"read", "propose", "escalate"}),
    "work": frozenset({"read", "escalate", "write", "run"}),
}


def offered(tools: Mapping[str, Tool], phase: Phase) -> tuple[Tool, ...]:
    """Give the tools that exist in a phase."""
    return tuple(tool for tool in tools.values() if tool.effect in ALLOWED[phase])


def refusal(tool: Tool, phase: Phase) -> str:
    """Say why the executor will not call this tool now; empty when it will."""
    if tool.effect in ALLOWED[phase]:
        return ""
    if phase == "plan":
        return f"{tool.name} is refused: no plan is approved yet; look with Read and Grep, then call propose_plan"
    return f"{tool.name} is refused: a plan is approved already; carry it out"
