"""The first message: what the specialist is told about a request, cut to what it can use."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlexpert_nb.agent.llm import Document, Message, Text
from mlexpert_nb.agent.trim import trimmed
from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.keys import Redact
from mlexpert_nb.packages import ContextPackage

LONGEST_TEXT = 120_000  # characters of one paper or file, about 40 000 tokens


def brief(context: ContextPackage, documents: Sequence[Document] = (), redact: Redact = str) -> Message:
    """Give the message that opens the conversation.

    Args:
        context: What was gathered.
        documents: Papers that the llm reads as PDF; their extracted text is left out.
        redact: Hides the key, which may stand in a file of the user.
    """
    package = context.to_json()
    evidence = package.get("evidence", {})
    if "texts" in evidence:
        attached = {each.title for each in documents}
        evidence["texts"] = [_text(each, attached) for each in evidence["texts"]]
    package["evidence"] = {**evidence, "catalogue": _catalogue()}
    return Message("user", (*documents, Text(redact(json.dumps(package, ensure_ascii=False)))))


def _catalogue() -> list[dict[str, Any]]:
    """Name what is proven already, for the one who plans."""
    return [
        {"entry": each.name, "title": each.title, "summary": each.summary, "features": list(each.features)}
        for each in ENTRIES.values()
    ]


def _text(document: Mapping[str, Any], attached: set[str]) -> dict[str, Any]:
    if document.get("file") in attached:
        return {**document, "text": "", "note": "attached as a document"}
    return {**document, "text": trimmed(str(document.get("text", "")), LONGEST_TEXT)}
