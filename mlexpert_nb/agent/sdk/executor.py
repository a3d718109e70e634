"""Carries out what the SDK asks for, in the caller's thread: the guard, the tool, and the decision on the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlexpert_nb.agent.doom import STOP, WARN, Circles, warning
from mlexpert_nb.agent.llm import ToolResult, ToolUse
from mlexpert_nb.agent.loop import Answer, Approve, Reason
from mlexpert_nb.agent.plan import Plan, digest
from mlexpert_nb.agent.sdk.guard import Guard
from mlexpert_nb.agent.transcript import Transcript
from mlexpert_nb.agent.trim import trimmed
from mlexpert_nb.errors import EnvironmentProblem, MLExpertError, NeedsUserError
from mlexpert_nb.keys import Redact
from mlexpert_nb.packages import Event, OnEvent

_ESCALATIONS: Mapping[str, Reason] = {
    "ask_user": "clarify",
    "need_references": "references",
    "out_of_scope": "out_of_scope",
}


@dataclass(slots=True)
class Executor:
    """Calls tools on the stage, and asks the user.

    Attributes:
        guard: Says what is refused, and holds the phase.
        approve: Asked once for the plan.
        answer: Asked what the user said to a question of the llm.
        on_event: Told what happens.
        transcript: Where the decision is written down.
        redact: Hides the key in what is shown and sent.
        plan: The approved plan, once there is one.
        plan_text: Text that was approved or declined; empty before.
        ended: Why the conversation is over, and the words for it; None while it goes on.
    """

    guard: Guard
    approve: Approve
    answer: Answer
    on_event: OnEvent
    transcript: Transcript
    redact: Redact
    plan: Plan | None = None
    plan_text: str = ""
    ended: tuple[Reason, str] | None = None
    _circles: Circles = field(default_factory=Circles)

    def call(self, call: ToolUse) -> ToolResult:
        """Carry out one call; the result is cut, without the key, and warns of a circle.

        Raises:
            NeedsUserError: Only a person can decide how it goes on.
            EnvironmentProblem: This machine cannot do what the tool does.
        """
        result = self._call(call)
        content, count = trimmed(self.redact(result.content)), self._circles.see(call, result)
        if count >= STOP:
            self.ended = ("circles", f"the same call of {call.name} gave the same result {count} times")
        elif count >= WARN:
            content += warning(count)
        return ToolResult(call.id, content, result.is_error)

    def _call(self, call: ToolUse) -> ToolResult:
        if no := self.guard.refusal_of(call.name, call.input):
            return ToolResult(call.id, no, is_error=True)
        tool = self.guard.tools[call.name]
        self.on_event(Event("tool", self.redact(_headline(call))))
        try:
            content = tool.call(self.guard.stage, call.input)
            if tool.effect == "propose":
                return self._decide(call, content)
            if tool.effect == "escalate":
                return self._escalate(call, content)
        except (NeedsUserError, EnvironmentProblem):  # only a person can mend that, not the llm
            raise
        except (MLExpertError, OSError, ValueError) as error:
            return ToolResult(call.id, str(error), is_error=True)
        return ToolResult(call.id, content)

    def _decide(self, call: ToolUse, proposed: str) -> ToolResult:
        approved = self.approve(proposed)
        self.plan_text = proposed if approved is None else approved
        signed, yes = digest(self.plan_text), approved is not None
        self.transcript.add("approval", approved=yes, digest=signed, proposed=digest(proposed), plan=self.plan_text)
        if approved is None:
            self.ended = ("not_approved", "")
            return ToolResult(call.id, "the user declined the plan", is_error=True)
        self.plan, self.guard.phase = Plan.from_text(approved), "work"
        return ToolResult(call.id, f"approved, as follows ({signed}):\n\n{approved}")

    def _escalate(self, call: ToolUse, content: str) -> ToolResult:
        answered = self.answer(call)
        if answered is None:
            self.ended = (_ESCALATIONS[call.name], content)
            return ToolResult(call.id, "the user has not answered yet", is_error=True)
        return ToolResult(call.id, f"the user answered:\n{answered}")


def _headline(call: ToolUse) -> str:
    keys = ("path", "command", "pattern", "entry", "title", "name")
    detail = next((str(call.input[key]) for key in keys if call.input.get(key)), "")
    return f"{call.name} {detail}".strip()[:120]
