"""One conversation through claude-agent-sdk, with the same outside as `agent.Loop`."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from mlexpert_nb.agent.briefing import brief
from mlexpert_nb.agent.llm import Block, Document, Text, ToolResult, ToolUse
from mlexpert_nb.agent.loop import Answer, Approve, Outcome, Reason
from mlexpert_nb.agent.prices import Meter, price_of
from mlexpert_nb.agent.prompts import specialist_prompt
from mlexpert_nb.agent.sdk import replies
from mlexpert_nb.agent.sdk.executor import Executor
from mlexpert_nb.agent.sdk.guard import Guard
from mlexpert_nb.agent.sdk.home import Home
from mlexpert_nb.agent.sdk.options import Call, Endpoint, Limits, make_options
from mlexpert_nb.agent.sdk.package import load_sdk, require_sdk
from mlexpert_nb.agent.sdk.session import Broken, Session, Wanted
from mlexpert_nb.agent.tools import TOOLS, Tool
from mlexpert_nb.agent.transcript import Transcript
from mlexpert_nb.keys import redactor
from mlexpert_nb.packages import ContextPackage, Event, OnEvent
from mlexpert_nb.workspace import Stage

_SUBTYPES: Mapping[str, Reason] = {"error_max_turns": "max_turns", "error_max_budget_usd": "budget"}
_KEPT_STDERR = 5  # lines of the program's own complaints that go into an error


class SdkConversation:
    """Converses about one request; what it left on the stage is for the judge to say.

    Use it in a `with` block: the program that answers lives from `run` until the block ends, so that `go_on` continues
    the same conversation. An interrupt or an error ends the program at once.
    """

    def __init__(  # noqa: PLR0913 - each is one choice of the caller, and all but the endpoint and the stage are named
        self,
        endpoint: Endpoint,
        stage: Stage,
        *,
        approve: Approve,
        on_event: OnEvent,
        transcript: Transcript,
        max_turns: int,
        budget_usd: float | None = None,
        tools: Mapping[str, Tool] = TOOLS,
        answer: Answer = lambda _call: None,
    ) -> None:
        """Prepare a conversation; nothing is started yet.

        Args:
            endpoint: Who answers.
            stage: Where tools work.
            approve: Asked once for the plan.
            on_event: Told what happens.
            transcript: Where it is written down.
            max_turns: Turns after which it stops with what it has, all in all.
            budget_usd: Dollars after which it stops, as the program counts them; None is no limit.
            tools: What may be asked for.
            answer: Asked what the user said to a question of the llm.

        Raises:
            EnvironmentProblem: The extra is not installed.
            UsageError: There is a budget, and nobody knows the price of the model.
        """
        require_sdk()
        self._endpoint, self._limits = endpoint, Limits(max_turns, budget_usd)
        price = price_of(endpoint.model, is_first_party=endpoint.address.is_first_party)
        self.meter = Meter(endpoint.model, price, budget_usd)
        self._transcript, self._on_event, self._redact = transcript, on_event, redactor(endpoint.secret)
        self._guard = Guard(stage, tools)
        self._executor = Executor(self._guard, approve, answer, on_event, transcript, self._redact)
        self._session = Session(self._make, self._guard)
        self._stderr: list[str] = []
        self._turns: dict[str, None] = {}  # ids of assistant turns: the program gives a turn's blocks one by one
        self._open: dict[str, ToolUse] = {}
        self._failed_last = False
        self._text = ""

    @property
    def name(self) -> str:
        """Short name for records."""
        return self._endpoint.model

    @property
    def transcript(self) -> Transcript:
        """Where it is written down."""
        return self._transcript

    @property
    def statement(self) -> str:
        """Who answered, and what left this machine."""
        address = self._endpoint.address
        left = (
            "Nothing left this machine" if address.is_local else "The request and what the specialist read went there"
        )
        return (
            f"Answered by {self.name} at {address.host}, through claude-agent-sdk. {left}; every figure is the judge's."
        )

    def run(self, context: ContextPackage, documents: Sequence[Document] = ()) -> Outcome:
        """Converse until the llm is done, the user is needed, or turns or money are used up.

        Raises:
            EnvironmentProblem: The program or the endpoint failed.
        """
        self._transcript.add("context", package=context.to_json())
        return self._converse(brief(context, documents, self._redact).content)

    def go_on(self, feedback: str) -> Outcome:
        """Converse further about what the judge found.

        Raises:
            EnvironmentProblem: The program or the endpoint failed.
        """
        self._transcript.add("feedback", text=feedback)
        if len(self._turns) >= self._limits.max_turns:
            return self._end("max_turns")
        self._failed_last = False
        return self._converse((Text(feedback),))

    def close(self) -> None:
        """End the program and remove its home; safe to call again."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make(self, home: Home, call: Call) -> Any:
        told = {"endpoint": self._endpoint, "limits": self._limits, "system": specialist_prompt()}
        sdk = load_sdk()  # here, on the session's thread, where no interrupt leaves it half loaded
        options = make_options(sdk, home, self._guard, call, on_stderr=self._stderr.append, **told)
        return sdk.ClaudeSDKClient(options)

    def _converse(self, prompt: Sequence[Block]) -> Outcome:
        try:
            self._session.send(prompt)
            while True:
                if (outcome := self._take(self._session.receive())) is not None:
                    return outcome
        except BaseException:
            self._session.stop()  # first, since an interrupt must leave nothing running
            self._close_open("interrupted by the user")
            raise

    def _take(self, message: Any) -> Outcome | None:
        """Answer one message of the SDK; give the outcome if it was the last."""
        if isinstance(message, Wanted):
            return self._carry_out(message)
        if isinstance(message, Broken):
            stderr = " ".join(self._stderr[-_KEPT_STDERR:])
            raise replies.broken(message.error, stderr, self._redact) from None
        match replies.kind(message):
            case "AssistantMessage":
                return self._heard(message)
            case "UserMessage":
                for result in replies.results(message):
                    self._answered(result)
            case "ResultMessage":
                return self._finished(message)
        return None

    def _carry_out(self, wanted: Wanted) -> Outcome | None:
        same = (call for call in self._open.values() if (call.name, call.input) == (wanted.name, wanted.given))
        call = next(same, ToolUse("", wanted.name, wanted.given))
        result = self._executor.call(call)
        if self._executor.ended is None:
            self._session.answer(wanted, result.content, is_error=result.is_error)
            return None
        self._answered(result)
        return self._stop(*self._executor.ended)

    def _heard(self, message: Any) -> Outcome | None:
        if message.error:
            return None  # words that the program made up about a failed call; the result says it in fields
        self._turns[message.message_id or message.uuid or ""] = None
        if len(self._turns) > self._limits.max_turns:
            return self._stop("max_turns")
        content = replies.said(message)
        if not content:
            return None
        self._transcript.add("turn", content=content, stop_reason=message.stop_reason)
        for block in content:
            if isinstance(block, Text):
                self._text = block.text
                self._on_event(Event("say", self._redact(block.text)))
            else:
                self._open[block.id] = block
        return None

    def _answered(self, result: ToolResult) -> None:
        call = self._open.pop(result.tool_use_id, None)
        if result.is_error and call is not None:  # also what the program refused before we were asked
            self._on_event(Event("tool", self._redact(f"{call.name}: {result.content}"), passed=False))
        self._transcript.add("tool_result", result=result)
        self._failed_last = result.is_error

    def _finished(self, result: Any) -> Outcome:
        self.meter.add(replies.used(result))
        self._transcript.add("usage", usage=replies.used(result))
        if result.subtype in _SUBTYPES:
            return self._stop(_SUBTYPES[result.subtype])
        if result.stop_reason == "refusal":
            return self._end("refusal")
        if result.is_error:
            if "output token maximum" in (result.result or ""):
                return self._end("max_tokens")
            raise replies.failed(result, self._endpoint.address, self._redact)
        if self._guard.phase == "plan":
            return self._end("no_plan")
        return self._end("stuck" if self._failed_last else "done")

    def _stop(self, reason: Reason, text: str = "") -> Outcome:
        """End a conversation that the program would go on with."""
        self._session.stop()  # a call that is merely cancelled is an answer to the program, which would ask on
        self._close_open("not run: the turn was over")
        return self._end(reason, text)

    def _close_open(self, why: str) -> None:
        for call in self._open:  # a history with an open tool call cannot be resumed
            self._transcript.add("tool_result", result=ToolResult(call, why, is_error=True))
        self._open.clear()

    def _end(self, reason: Reason, text: str = "") -> Outcome:
        turns, executor = min(len(self._turns), self._limits.max_turns), self._executor
        self._transcript.add("outcome", reason=reason, turns=turns)
        words = {"max_turns": f"stopped after {turns} turns", "budget": f"stopped at the budget: {self.meter.told()}"}
        said = self._redact(text or words.get(reason, self._text))
        return Outcome(reason, said, executor.plan, executor.plan_text, turns)
