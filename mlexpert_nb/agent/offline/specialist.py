"""The offline specialist: an llm in form only. It is a catalogue of verified PyTorch, and says so.

It keeps no state: each turn is decided from the conversation so far, as any llm's is.
"""

import json
from collections.abc import Mapping
from typing import Any

from mlexpert_nb.agent.llm import Message, OnText, Request, Text, ToolResult, ToolUse, Turn
from mlexpert_nb.agent.offline.paper import paper_of
from mlexpert_nb.agent.offline.proposal import Choice, propose
from mlexpert_nb.agent.offline.traceability import extra_files
from mlexpert_nb.agent.plan import Plan
from mlexpert_nb.packages import ContextPackage

STEPS = ("propose_plan", "create_model_skeleton", "add_tests", "benchmark_model")
WRITE = "Write"  # where the request is about a paper, what comes with it is written before the measurement


class OfflineSpecialist:
    """Answers from the catalogue: a plan, then the entry's source, its tests and a first measurement."""

    name = "offline"
    statement = (
        "Answered by the offline specialist: a catalogue of verified PyTorch, not a language model. "
        "No key, no network, nothing left this machine."
    )

    def turn(self, request: Request, on_text: OnText) -> Turn:
        """Give the next step of the fixed way, or say why there is none.

        Raises:
            UsageError: The parameters asked for cannot be reached.
        """
        history = _history(request.messages)
        if not history:
            return self._first(request.messages[0], "", on_text)
        last, result = history[-1]
        if last.name == "ask_user":
            return self._first(request.messages[0], result.content, on_text)
        if result.is_error:
            return _words(f"{last.name} failed: {result.content}", on_text)
        if last.name == STEPS[-1]:
            return _words("Everything in the plan is written. The judge decides what it is worth.", on_text)
        approved = next(result.content for call, result in history if call.name == "propose_plan")
        plan = Plan.from_text(approved.partition("\n\n")[2])
        paper = paper_of(_context(request.messages[0])) if last.name in (STEPS[-2], WRITE) else None
        extra = extra_files(paper, plan.entry, plan.configuration) if paper else ()
        num_written = sum(call.name == WRITE for call, _ in history)
        if num_written < len(extra):
            path, text = extra[num_written]
            return _tool_use(WRITE, {"path": path, "text": text}, num_written)
        following = STEPS[-1] if last.name == WRITE else STEPS[STEPS.index(last.name) + 1]
        return _tool_use(following, _inputs(following, plan))

    def _first(self, message: Message, said: str, on_text: OnText) -> Turn:
        answer = propose(_context(message), said, on_text)
        if isinstance(answer, str):
            return _words(answer, on_text)
        if isinstance(answer, Choice):
            question = {"question": answer.question, "options": list(answer.options)}
            return Turn((ToolUse("offline-0", "ask_user", {"questions": [question]}),), "tool_use")
        on_text(self.statement)
        return _tool_use("propose_plan", answer)


def _context(message: Message) -> ContextPackage:
    (text,) = (block.text for block in message.content if isinstance(block, Text))
    return ContextPackage.from_json(json.loads(text))


def _history(messages: tuple[Message, ...]) -> list[tuple[ToolUse, ToolResult]]:
    blocks = [block for message in messages for block in message.content]
    results = {block.tool_use_id: block for block in blocks if isinstance(block, ToolResult)}
    return [(block, results[block.id]) for block in blocks if isinstance(block, ToolUse)]


def _inputs(step: str, plan: Plan) -> Mapping[str, Any]:
    if step == "benchmark_model":
        return {"checks": ["parameter_count"]}
    return {"entry": plan.entry, "configuration": dict(plan.configuration)}


def _words(text: str, on_text: OnText) -> Turn:
    on_text(text)
    return Turn((Text(text),), "end_turn")


def _tool_use(name: str, inputs: Mapping[str, Any], number: int = 0) -> Turn:
    step = STEPS.index(name) + 1 if name in STEPS else f"{name.casefold()}-{number + 1}"
    return Turn((ToolUse(f"offline-{step}", name, inputs),), "tool_use")
