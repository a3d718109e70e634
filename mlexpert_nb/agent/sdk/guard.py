"""What is refused: Claude Code's plan mode is a prompt and a habit, this is the guard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlexpert_nb.agent.permissions import Phase, offered, refusal
from mlexpert_nb.agent.tools import TOOLS, Tool
from mlexpert_nb.errors import MLExpertError
from mlexpert_nb.workspace import Stage

LOOK, WORK = "mlexpert", "mlexpert_work"
"""Names of the two tool servers: the second is switched on by the approval of a plan."""


@dataclass(slots=True)
class Guard:
    """Says no to everything that is not one of our tools, in its phase, on the stage.

    Asked three times for every call, and the answer does not depend on who asks: by the program's PreToolUse hook, by
    its question for permission, and by the executor right before the call.

    Attributes:
        stage: Where tools work.
        tools: Our tools.
        phase: "plan" until a plan is approved.
    """

    stage: Stage
    tools: Mapping[str, Tool] = field(default_factory=lambda: TOOLS)
    phase: Phase = "plan"

    def servers(self) -> Mapping[str, tuple[Tool, ...]]:
        """Give the tools of each server: what may be asked for from the start, and what only an approval opens."""
        first = offered(self.tools, "plan")
        return {LOOK: first, WORK: tuple(tool for tool in self.tools.values() if tool not in first)}

    def refusal(self, name: str, given: Mapping[str, Any]) -> str:
        """Say why a call is refused, by the full name that the program uses; empty when it is not."""
        return self.refusal_of(plain_name(name), given)

    def refusal_of(self, name: str, given: Mapping[str, Any]) -> str:
        """Say why a call is refused, by our own name of the tool; empty when it is not."""
        tool = self.tools.get(name)
        if tool is None:
            return f"no tool named {name[:80]!r}; known: {', '.join(sorted(self.tools))}"
        if no := refusal(tool, self.phase):
            return no
        path = given.get("path")
        if isinstance(path, str):
            try:
                self.stage.resolve(path)
            except MLExpertError as error:
                return str(error)
        return ""


def plain_name(name: str) -> str:
    """Give our name of a tool that the program calls "mcp__mlexpert__Read"; a built-in one keeps a name of its own."""
    for server in (LOOK, WORK):
        prefix = f"mcp__{server}__"
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return f"built-in {name}"
