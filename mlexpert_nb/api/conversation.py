"""The specialist at work: a loop with its papers, its transcript, and what was said before."""

import base64
from pathlib import Path
from typing import TypeAlias

from mlexpert_nb.agent import Approve, Claude, Document, Loop, Replay, SdkConversation, ToolUse, Transcript, close
from mlexpert_nb.api.options import Ticket, recorded
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import ContextPackage, Event
from mlexpert_nb.workspace import Draft, Stage

ANSWERED = "the user answered:\n"
TRANSCRIPT = "transcript.jsonl"
Conversation: TypeAlias = Loop | SdkConversation
_HELD = "another run of this workspace is going on; this one is not kept, and could not go on if it is cut off"
LARGEST_PDF = 20 * 2**20  # bytes of all PDFs of one request; a call of the API takes 32 MB with everything


def converse(ticket: Ticket, stage: Stage, approve: Approve, *, keeps: bool = True) -> Conversation:
    """Give the conversation about a request, ready to run; what is said goes into the stage.

    Args:
        ticket: The request.
        stage: Where the tools work.
        approve: Decides on the plan.
        keeps: Whether what is said also goes into the draft, from which a run that is cut off goes on.
    """
    answerer = ticket.answerer
    draft = Draft(ticket.settings.workspace) if keeps and answerer.asks else None
    transcript = Transcript(stage.state / TRANSCRIPT, answerer.redact, draft)
    if draft is not None and draft.is_held:
        ticket.on_event(Event("note", _HELD))
    transcript.add("run", text=ticket.text, verb=ticket.verb, llm=ticket.llm.name, options=recorded(ticket))
    _refuse_other_request(ticket)
    if isinstance(ticket.llm, Replay):
        ticket.llm.on_live = transcript.go_live
    else:
        transcript.go_live()
    for note in answerer.notes:
        ticket.on_event(Event("note", note))
    if answerer.sdk is not None:
        return SdkConversation(
            answerer.sdk,
            stage,
            approve=approve,
            on_event=ticket.on_event,
            transcript=transcript,
            max_turns=ticket.settings.max_turns,
            budget_usd=answerer.meter.budget_usd,
            answer=_Answers(ticket),
        )
    return Loop(
        ticket.llm,
        stage,
        approve=approve,
        on_event=ticket.on_event,
        transcript=transcript,
        max_turns=ticket.settings.max_turns,
        redact=answerer.redact,
        answer=_Answers(ticket),
        nudges=1 if answerer.is_language_model else 0,
        meter=answerer.meter if answerer.is_live else None,
    )


def documents(ticket: Ticket, *, asks: bool = True) -> tuple[Document, ...]:
    """Give the papers as the llm reads them best: as PDF where it can, else not at all, since their text is there.

    Args:
        ticket: The request.
        asks: Whether the endpoint may be asked what it can do; else what is remembered holds.

    Raises:
        UsageError: Together they are too large to be sent.
    """
    llm = ticket.llm.then if isinstance(ticket.llm, Replay) else ticket.llm
    if not isinstance(llm, Claude):
        return ()
    papers = [Path(path).expanduser() for path in ticket.asked.paper if path.lower().endswith(".pdf")]
    if not papers or not (llm.capabilities if asks else llm.remembered).pdf:
        return ()
    total = sum(path.stat().st_size for path in papers)
    if total > LARGEST_PDF:
        raise UsageError(
            f"the papers have {total / 2**20:.0f} MiB together, {LARGEST_PDF // 2**20} are sent at most; "
            "give the pages that matter"
        )
    return tuple(Document(path.name, base64.b64encode(path.read_bytes()).decode()) for path in papers)


def tell_cost(ticket: Ticket, loop: Conversation, context: ContextPackage, papers: tuple[Document, ...]) -> None:
    """Say, before the first call, what it will read and what a run of the usual length would cost."""
    llm = ticket.llm
    if isinstance(llm, Claude) and isinstance(loop, Loop):
        ticket.on_event(Event("note", llm.meter.estimate(llm.count(loop.open(context, papers)))))


def answers_of(ticket: Ticket) -> str:
    """Give what the user said to the questions of this run, in an earlier attempt and now."""
    before = [each.removeprefix(ANSWERED) for each in ticket.answerer.recording.answers.values()]
    return "\n".join(filter(None, (*before, ticket.answers.strip())))


def end(ticket: Ticket, loop: Conversation | None) -> None:
    """Let go of what a conversation holds: a connection, a program."""
    close(ticket.llm)
    if loop is not None:
        loop.transcript.close()
    if isinstance(loop, SdkConversation):
        loop.close()


def _refuse_other_request(ticket: Ticket) -> None:
    """Hold a recording to the request that it is a recording of."""
    said = str(ticket.answerer.recording.run.get("text", ticket.text))
    if said.strip() != ticket.text.strip():
        raise UsageError(
            f"this is the recording of another request ({said.strip()[:60]!r}…); give that one's transcript"
        )


class _Answers:
    """Gives what the user said: what was recorded, and what was typed for the question that is open now."""

    def __init__(self, ticket: Ticket) -> None:
        self._recorded = dict(ticket.answerer.recording.answers)
        self._typed = ticket.answers

    def __call__(self, call: ToolUse) -> str | None:
        if call.id in self._recorded:
            return self._recorded[call.id].removeprefix(ANSWERED)
        if call.name == "out_of_scope" or not self._typed.strip():
            return None
        typed, self._typed = self._typed, ""
        return typed
