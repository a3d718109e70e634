"""What a request would send, as a card: to whom, how much, and every byte of it."""

import json
from typing import Any

from mlexpert_nb.api import Preview
from mlexpert_nb.display.card import Card
from mlexpert_nb.display.safe import plain

LONGEST = 400_000  # characters of one text on the card


def preview_card(preview: Preview, asked: str = "") -> Card:
    """Give the card of a first call that was not made."""
    body = preview.body
    return Card(
        tone="info",
        headline="This is what would be sent; nothing was",
        message="; ".join(filter(None, (preview.cost, preview.note))),
        asked=plain(asked),
        texts=tuple((title, plain(text, LONGEST)) for title, text in _parts(body) if text),
        facts=(("To", preview.to), *((("Tokens", f"about {preview.num_tokens:,}"),) if preview.num_tokens else ())),
    )


def _parts(body: dict[str, Any]) -> list[tuple[str, str]]:
    system = "\n\n".join(block["text"] for block in body.get("system", ()))
    tools = "\n\n".join(f"{tool['name']}: {tool['description']}" for tool in body.get("tools", ()))
    rest = {key: value for key, value in body.items() if key not in ("system", "tools", "messages")}
    return [
        ("The request and its context", "\n\n".join(_readable(each) for each in body.get("messages", ()))),
        ("The prompt of the specialist", system),
        ("The tools it may ask for", tools),
        ("All of it, to the letter", json.dumps(body, indent=1, ensure_ascii=False) if rest else ""),
    ]


def _readable(message: dict[str, Any]) -> str:
    blocks = message.get("content")
    if not isinstance(blocks, list):
        return json.dumps(message, indent=1, ensure_ascii=False)
    return "\n".join(_pretty(str(block.get("text", block.get("title", "")))) for block in blocks)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except ValueError:
        return text
