"""What a request would send, and to whom, before anything is sent."""

import json
from dataclasses import dataclass, replace
from typing import Any

from mlexpert_nb.agent import Claude, Loop, Request, Text
from mlexpert_nb.api.conversation import converse, documents
from mlexpert_nb.api.options import Ticket
from mlexpert_nb.api.proof import Job
from mlexpert_nb.api.run import prepare
from mlexpert_nb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Preview:
    """The first call of a request, not made.

    Attributes:
        to: Who would get it.
        body: What would be sent, to the letter; of documents, their size.
        num_tokens: About how much that is.
        cost: What it, and a run of the usual length, would cost; empty where nothing is paid.
        note: What may still differ, since nobody was asked; empty where nothing may.
    """

    to: str
    body: dict[str, Any]
    num_tokens: int = 0
    cost: str = ""
    note: str = ""


_NEVER_ASKED = (
    "this endpoint was not asked yet what it can do: if it reads PDF, papers go there as the whole file, and thinking "
    "and the length of an answer are set as it has them"
)


def preview(request: Ticket) -> Preview:
    """Give exactly what the first call would send; nothing is sent, and no endpoint is asked anything.

    Raises:
        UsageError: The request would not reach a specialist.
    """
    job = prepare(replace(request, on_event=lambda _event: None))
    if not isinstance(job, Job):
        raise UsageError(job.message)
    with job.workspace.stage() as stage:
        loop = converse(job.ticket, stage, lambda _text: None, keeps=False)
        if not isinstance(loop, Loop):
            raise UsageError("claude-agent-sdk puts its own words around the request; --llm claude shows what it sends")
        first = loop.open(job.context, documents(job.ticket, asks=False))
    if not isinstance(request.llm, Claude):
        return Preview("nobody; this specialist runs on this machine and sends nothing", _told(first))
    tokens = request.llm.estimate(first)
    body = json.loads(request.answerer.redact(json.dumps(request.llm.body(first))))
    cost, note = request.llm.meter.estimate(tokens), "" if request.llm.was_asked else _NEVER_ASKED
    return Preview(request.llm.address.url, _without_pages(body), tokens, cost, note)


def _told(request: Request) -> dict[str, Any]:
    texts = [block.text for message in request.messages for block in message.content if isinstance(block, Text)]
    return {"messages": [json.loads(text) for text in texts]}


def _without_pages(body: dict[str, Any]) -> dict[str, Any]:
    for message in body["messages"]:
        for block in message["content"]:
            if block["type"] == "document":
                size = len(block["source"]["data"]) * 3 // 4
                block["source"]["data"] = f"[the whole file, {size:,} bytes, as base64]"
    return body
