"""The loop: llm turns, tool calls under permission, one approved plan; the same for every llm.

Everything that is said goes to the transcript as it happens. An interrupt is never swallowed: open tool calls get their
result in the transcript, then it goes on to the caller.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mlexpert_nb.agent.briefing import brief
from mlexpert_nb.agent.capabilities import CONTEXT_WINDOW
from mlexpert_nb.agent.doom import STOP, WARN, Circles, warning
from mlexpert_nb.agent.history import SHARE, compact, size
from mlexpert_nb.agent.llm import LLM, Block, Document, Message, Request, Text, ToolResult, ToolUse, Turn
from mlexpert_nb.agent.permissions import Phase, offered, refusal
from mlexpert_nb.agent.plan import Plan, digest
from mlexpert_nb.agent.prices import Meter
from mlexpert_nb.agent.prompts import specialist_prompt
from mlexpert_nb.agent.size import CHARS_PER_TOKEN
from mlexpert_nb.agent.tools import TOOLS, Tool
from mlexpert_nb.agent.transcript import Transcript
from mlexpert_nb.agent.trim import trimmed
from mlexpert_nb.errors import BudgetError, ContextTooLongError, EnvironmentProblem, MLExpertError, NeedsUserError
from mlexpert_nb.keys import Redact
from mlexpert_nb.packages import ContextPackage, Event, OnEvent
from mlexpert_nb.workspace import Stage

Reason = Literal[
    "done", "no_plan", "not_approved", "max_turns", "max_tokens", "refusal", "stuck",
    "clarify", "references", "out_of_scope", "budget", "circles", "context",
]  # fmt: skip
Approve: TypeAlias = Callable[[str], str | None]
"""Asked with the plan's text; gives the text as approved (perhaps edited), or None."""
Answer: TypeAlias = Callable[[ToolUse], str | None]
"""Asked when the llm asks the user; gives what the user said, or None where nobody has answered yet."""

_LONG_LINE, _ENDLESS_LINE = 4_000, 64_000  # characters
_CUT_OFF = (
    "Your answer was cut off at its length limit, and a tool call in it was dropped. Go on in smaller pieces: one "
    "file, or one part of a file, a call."
)
_NO_TOOL = (
    "You ended without a tool call, and nothing was approved. Call propose_plan, or ask_user, need_references or "
    "out_of_scope if you cannot plan yet."
)
_ESCALATIONS: Mapping[str, Reason] = {
    "ask_user": "clarify",
    "need_references": "references",
    "out_of_scope": "out_of_scope",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the conversation ended; what it left on the stage is for the judge to say.

    Attributes:
        reason: Why it ended.
        text: Last words of the llm, or what it asks of the user.
        plan: The approved plan, if one was approved.
        plan_text: Text of the plan that was approved or declined; empty if none was proposed.
        turns: Assistant turns taken.
    """

    reason: Reason
    text: str
    plan: Plan | None
    plan_text: str
    turns: int


def _nobody(_call: ToolUse) -> None:
    return None


@dataclass(slots=True)
class Loop:
    """One conversation about one request.

    Attributes:
        llm: Who answers.
        stage: Where tools work.
        approve: Asked once for the plan.
        on_event: Told what happens.
        transcript: Where it is written down.
        max_turns: Turns after which the run stops with what it has.
        tools: What the llm may ask for.
        redact: Hides the key in what is shown and sent.
        answer: Asked what the user said to a question of the llm.
        nudges: How often an llm that ends in mid-way is told to go on; 0 for those that mean it.
        meter: Tells the running total after each turn; None where nothing is counted.
    """

    llm: LLM
    stage: Stage
    approve: Approve
    on_event: OnEvent
    transcript: Transcript
    max_turns: int
    tools: Mapping[str, Tool] = field(default_factory=lambda: TOOLS)
    redact: Redact = str
    answer: Answer = _nobody
    nudges: int = 0
    meter: Meter | None = None
    _phase: Phase = "plan"
    _plan: Plan | None = None
    _plan_text: str = ""
    _declined: bool = False
    _failed_last: bool = False
    _turns: int = 0
    _cuts: int = 0
    _messages: tuple[Message, ...] = ()
    _circles: Circles = field(default_factory=Circles)
    _ended: tuple[Reason, str] | None = None
    _unsaid: str = ""

    def open(self, context: ContextPackage, documents: Sequence[Document] = ()) -> Request:
        """Set down what the llm is told, and give what the first turn would be made from."""
        self._messages = (brief(context, documents, self.redact),)
        return self.request()

    def run(self, context: ContextPackage, documents: Sequence[Document] = ()) -> Outcome:
        """Converse until the llm is done, the user is needed, or turns or money are used up."""
        self.transcript.add("context", package=context.to_json())
        self.open(context, documents)
        return self._converse()

    def go_on(self, feedback: str) -> Outcome:
        """Converse further about what the judge found."""
        self.transcript.add("feedback", text=feedback)
        self._failed_last, self._ended = False, None
        self._say_to(feedback)
        return self._converse()

    def request(self) -> Request:
        """Give what the next turn is made from."""
        schemas = tuple(tool.schema for tool in offered(self.tools, self._phase))
        return Request(specialist_prompt(), self._messages, schemas)

    def _converse(self) -> Outcome:
        while self._turns < self.max_turns:
            try:
                turn = self._ask()
            except BudgetError as error:
                return self._end("budget", str(error))
            except ContextTooLongError as error:
                return self._end("context", str(error))
            self._turns += 1
            self.transcript.add(
                "turn", content=turn.content, stop_reason=turn.stop_reason, usage=turn.usage, detail=turn.detail
            )
            if self.meter is not None:
                self.on_event(Event("note", f"turn {self._turns}: {self.meter.told()}"))
            ended = self._take(turn)
            if ended is not None:
                return self._end(*ended)
        return self._end("max_turns", f"stopped after {self.max_turns} turns")

    def _take(self, turn: Turn) -> tuple[Reason, str] | None:
        """Act on one turn; tell why the run ends, if it does."""
        if turn.stop_reason == "refusal":
            return "refusal", " ".join(filter(None, (turn.text, turn.detail and f"(category: {turn.detail})")))
        if turn.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return self._cut(turn)
        self._cuts = 0
        self._hear(turn.content or (Text(""),))
        if turn.stop_reason == "tool_use" and turn.tool_uses:
            results = self._call_all(turn.tool_uses)
            self._messages = (*self._messages, Message("user", results))
            return ("not_approved", turn.text) if self._declined else self._ended
        if turn.tool_uses:  # an end with open calls: they are answered, never run
            self._messages = (*self._messages, Message("user", self._unrun(turn.tool_uses)))
        if turn.stop_reason == "pause_turn":
            return None
        if self._plan is None and self.nudges > 0:
            self.nudges -= 1
            self._say_to(_NO_TOOL)
            return None
        return self._reason(), turn.text

    def _ask(self) -> Turn:
        window = getattr(self.llm, "context_window", CONTEXT_WINDOW)
        if size(self._messages) > SHARE * window * CHARS_PER_TOKEN:
            self._shorten()
        try:
            return self._said(self.llm.turn(self.request(), self._say))
        except ContextTooLongError:
            if not self._shorten():
                raise
            return self._said(self.llm.turn(self.request(), self._say))

    def _shorten(self) -> bool:
        shorter = compact(self._messages)
        changed = size(shorter) < size(self._messages)
        if changed:
            self._messages = shorter
            self.on_event(Event("note", "the conversation grew long; old results in it were cut"))
        return changed

    def _cut(self, turn: Turn) -> tuple[Reason, str] | None:
        self._cuts += 1
        again = self._is_again()
        if turn.stop_reason == "model_context_window_exceeded":
            if (self._shorten() and self._cuts == 1) or again:
                return None
            return "context", "the conversation no longer fits the language model"
        words = tuple(block for block in turn.content if isinstance(block, Text) and block.text)
        if (self.nudges == 0 or self._cuts > 2) and not again:  # noqa: PLR2004 - twice in a row is a model that cannot
            return "max_tokens", turn.text
        if words:
            self._hear(words)
        self._say_to(_CUT_OFF)
        return None

    def _hear(self, content: tuple[Block, ...]) -> None:
        """Add words of the llm; after a pause they join the words before it, since the roles alternate."""
        last = self._messages[-1]
        if last.role == "assistant":
            self._messages = (*self._messages[:-1], Message("assistant", (*last.content, *content)))
        else:
            self._messages = (*self._messages, Message("assistant", content))

    def _say_to(self, text: str) -> None:
        """Add words of the user; after words of the user they join them, since the roles alternate."""
        last = self._messages[-1]
        if last.role == "user":
            self._messages = (*self._messages[:-1], Message("user", (*last.content, Text(text))))
        else:
            self._messages = (*self._messages, Message("user", (Text(text),)))

    def _say(self, text: str) -> None:
        """Hand on what the llm says line by line: it comes in pieces of words, and a key may be in two of them."""
        *lines, self._unsaid = f"{self._unsaid}{text}".split("\n")
        if len(self._unsaid) > _LONG_LINE and " " in self._unsaid:  # a key has no blank in it
            line, _, self._unsaid = self._unsaid.rpartition(" ")
            lines.append(line)
        if len(self._unsaid) > _ENDLESS_LINE:
            lines.append(f"[{len(self._unsaid):,} characters without a blank]")
            self._unsaid = ""
        for line in lines:
            if line.strip():
                self.on_event(Event("say", self.redact(line)))

    def _said(self, turn: Turn) -> Turn:
        self._say("\n")
        return turn

    def _end(self, reason: Reason, text: str) -> Outcome:
        text = self.redact(text)
        self.transcript.add("outcome", reason=reason, turns=self._turns)
        return Outcome(reason, text, self._plan, self._plan_text, self._turns)

    def _call_all(self, calls: tuple[ToolUse, ...]) -> tuple[ToolResult, ...]:
        results: list[ToolResult] = []
        try:
            for call in calls:
                result = self._watched(call, self._call(call)) if not self._is_over() else _not_run(call)
                results.append(result)
                self.transcript.add("tool_result", result=result)
                self._failed_last = result.is_error
        except BaseException:
            for call in calls[len(results) :]:  # a history with an open tool call cannot be resumed
                self.transcript.add("tool_result", result=ToolResult(call.id, "interrupted by the user", is_error=True))
            raise
        return tuple(results)

    def _is_over(self) -> bool:
        return self._declined or self._ended is not None

    def _watched(self, call: ToolUse, result: ToolResult) -> ToolResult:
        """Cut a result, hide the key in it, and notice a circle."""
        content = trimmed(self.redact(result.content))
        count = self._circles.see(call, result)
        if count >= STOP and self._is_again():
            self._circles = Circles()
        elif count >= STOP:
            self._ended = ("circles", f"the same call of {call.name} gave the same result {count} times")
        elif count >= WARN:
            content += warning(count)
        return ToolResult(call.id, content, result.is_error)

    def _unrun(self, calls: tuple[ToolUse, ...]) -> tuple[ToolResult, ...]:
        results = tuple(_not_run(call) for call in calls)
        for result in results:
            self.transcript.add("tool_result", result=result)
        return results

    def _call(self, call: ToolUse) -> ToolResult:
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted(self.tools))
            return ToolResult(call.id, f"no tool named {call.name[:80]!r}; known: {known}", is_error=True)
        if reason := refusal(tool, self._phase) or call.problem:
            return ToolResult(call.id, reason, is_error=True)
        self.on_event(Event("tool", self.redact(_headline(call))))
        try:
            content = tool.call(self.stage, call.input)
            if tool.effect == "propose":
                return self._decide(call, content)
            if tool.effect == "escalate":
                return self._escalate(call, content)
        except (NeedsUserError, EnvironmentProblem):  # only a person can mend that, not the llm
            raise
        except (MLExpertError, OSError, ValueError) as error:
            self.on_event(Event("tool", self.redact(f"{call.name}: {error}"), passed=False))
            return ToolResult(call.id, str(error), is_error=True)
        return ToolResult(call.id, content)

    def _decide(self, call: ToolUse, proposed: str) -> ToolResult:
        approved = self.approve(proposed)
        self._plan_text = proposed if approved is None else approved
        signed = digest(self._plan_text)
        self.transcript.add(
            "approval",
            approved=approved is not None,
            digest=signed,
            proposed=digest(proposed),
            plan=self._plan_text,
        )
        if approved is None:
            self._declined = True
            return ToolResult(call.id, "the user declined the plan", is_error=True)
        self._plan, self._phase = Plan.from_text(approved), "work"
        return ToolResult(call.id, f"approved, as follows ({signed}):\n\n{approved}")

    def _escalate(self, call: ToolUse, content: str) -> ToolResult:
        answered = self.answer(call)
        if answered is None:
            self._ended = (_ESCALATIONS[call.name], content)
            return _not_run(call, "the user has not answered yet")
        return ToolResult(call.id, f"the user answered:\n{answered}")

    def _is_again(self) -> bool:
        """Whether this turn was recorded, and the user wants to go on from where it ended the run then."""
        return bool(getattr(self.llm, "is_again", False))

    def _reason(self) -> Reason:
        if self._plan is None:
            return "no_plan"
        return "stuck" if self._failed_last else "done"


def _not_run(call: ToolUse, why: str = "not run: the turn was over") -> ToolResult:
    return ToolResult(call.id, why, is_error=True)


def _headline(call: ToolUse) -> str:
    detail = next(
        (str(call.input[key]) for key in ("path", "command", "pattern", "entry", "title") if call.input.get(key)), ""
    )
    return f"{call.name} {detail}".strip()[:120]
