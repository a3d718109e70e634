"""What an endpoint can do, found out once by asking, and remembered."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlexpert_nb.workspace import recall, remember

CONTEXT_WINDOW = 200_000  # tokens, where the endpoint does not say
LONGEST_TURN = 32_000  # tokens that one turn may write, also where the model could write more
LOCAL_WINDOW = 32_000  # the same, for a server on this machine
_MEMO = "endpoints"
# one empty page; a server that drops documents counts the same tokens with it as without it
TINY_PDF = (
    "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1BhZ2VzL0tpZHNbMyAwIFJd"
    "L0NvdW50IDE+PmVuZG9iagozIDAgb2JqPDwvVHlwZS9QYWdlL1BhcmVudCAyIDAgUi9NZWRpYUJveFswIDAgNzIgNzJdPj5lbmRvYmoKdHJhaWxl"
    "cjw8L1Jvb3QgMSAwIFI+Pgo="
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be used with one model of one endpoint.

    Attributes:
        count_tokens: Whether it counts tokens before a call.
        pdf: Whether it reads PDFs.
        thinking: Whether it takes `thinking: adaptive`.
        caching: Whether it takes `cache_control`.
        context_window: Tokens that it can read at once.
        max_tokens: Tokens that it can write in one turn.
    """

    count_tokens: bool = False
    pdf: bool = False
    thinking: bool = False
    caching: bool = True
    context_window: int = CONTEXT_WINDOW
    max_tokens: int = 16_000


def unasked(*, is_local: bool) -> Capabilities:
    """Give what is taken for granted of an endpoint that was not asked or does not say."""
    return Capabilities(context_window=LOCAL_WINDOW, max_tokens=8_000) if is_local else Capabilities()


Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]
"""Asks the endpoint one thing ("models", "count_tokens"); None where it does not know how to answer."""


def remembered(key: str) -> Capabilities | None:
    """Give what is known from an earlier run; None where nothing is."""
    known = recall(_MEMO).get(key)
    if not isinstance(known, dict) or known.keys() != asdict(Capabilities()).keys():
        return None
    return Capabilities(**known)


def keep(key: str, found: Capabilities) -> None:
    """Remember what an endpoint can do."""
    remember(_MEMO, {**recall(_MEMO), key: asdict(found)})


def probe(ask: Ask, *, is_local: bool) -> Capabilities:
    """Ask an endpoint what it can do."""
    said, usual = ask("models", {}) or {}, unasked(is_local=is_local)
    can = said.get("capabilities") or {}
    letter = {"type": "text", "text": "x"}
    plain = _count(ask("count_tokens", {"content": [letter]}))
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": TINY_PDF}}
    pdf = _supported(can.get("pdf_input"))
    if pdf is None and plain is not None:
        with_document = _count(ask("count_tokens", {"content": [letter, document]}))
        pdf = with_document is not None and with_document > plain
    adaptive = ((can.get("thinking") or {}).get("types") or {}).get("adaptive")
    window, most = said.get("max_input_tokens"), said.get("max_tokens")
    return Capabilities(
        count_tokens=plain is not None,
        pdf=bool(pdf),
        thinking=bool(_supported(adaptive)),
        context_window=window if isinstance(window, int) and window > 0 else usual.context_window,
        max_tokens=min(most, LONGEST_TURN) if isinstance(most, int) and most > 0 else usual.max_tokens,
    )


def _count(said: Mapping[str, Any] | None) -> int | None:
    value = said.get("input_tokens") if said else None
    return value if isinstance(value, int) else None


def _supported(said: object) -> bool | None:
    value = said.get("supported") if isinstance(said, Mapping) else None
    return value if isinstance(value, bool) else None
