"""What a failed call means for the user: one sentence, whether to try again, and after how long.

Reads the SDK's exceptions by their fields, and never keeps one: they hold the request with its headers, and so the key.
"""

import json
from dataclasses import dataclass
from typing import Any

from mlexpert_nb.agent.stream import MalformedReplyError

LONGEST_WAIT_S = 20.0  # an endpoint that asks for more is told to the user, who decides
_MOST_WAIT_S = 8.0
_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_IN_STREAM = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})
_FINE, _MOVED, _MALFORMED = range(200, 300), range(300, 400), (400, 422)
_ADVICE = {
    400: "the endpoint refused the request as malformed",
    401: "the key was refused; check that it belongs to this endpoint",
    402: "the account has no credit left",
    403: "the key may not use this model here",
    404: "no such model or path; check --model and --base-url",
    408: "the endpoint timed out",
    409: "the endpoint reports a conflict",
    413: "the request is too large; hand over fewer or shorter files",
    422: "the endpoint could not process the request",
    429: "too many requests for this key",
    529: "the endpoint is overloaded",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed call.

    Attributes:
        sentence: What happened, for a person; holds no header and no key.
        again: Whether the same call may succeed in a moment.
        wait_s: How long the endpoint asks to wait; None where it does not say.
        too_long: Whether the conversation does not fit the model.
        field: Request field that the endpoint does not know; empty where it is something else.
    """

    sentence: str
    again: bool = False
    wait_s: float | None = None
    too_long: bool = False
    field: str = ""


def read_fault(error: BaseException) -> Fault:
    """Read an exception of the SDK, of its transport, or of the reading of a reply."""
    if isinstance(error, MalformedReplyError):
        return Fault(f"{error}", again=error.again)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _status(error, status)
    if type(error).__name__ in {"APITimeoutError", "ReadTimeout", "ConnectTimeout", "WriteTimeout", "PoolTimeout"}:
        return Fault("the endpoint stopped answering", again=True)
    if isinstance(error, (AssertionError, AttributeError, KeyError, TypeError, json.JSONDecodeError)):
        return Fault("the reply is not one of the Messages API; check --base-url", again=True)
    cause = error.__cause__ or error
    return Fault(f"no connection to the endpoint ({type(cause).__name__}: {_line(cause)})", again=True)


def pause(fault: Fault, attempt: int, first_s: float) -> float:
    """Give the seconds to wait before the next attempt, counted from 0; `first_s` is the first wait, which doubles."""
    return fault.wait_s if fault.wait_s is not None else min(_MOST_WAIT_S, first_s * 2**attempt)


def _status(error: BaseException, status: int) -> Fault:
    kind, said = str(getattr(error, "type", "") or ""), _message(error)
    if status in _FINE:  # an error event inside a stream that began well
        return Fault(f"the endpoint broke off with {kind or 'an error'}: {said}", again=kind in _IN_STREAM)
    headers = getattr(getattr(error, "response", None), "headers", {})
    wait_s, veto = _seconds(headers.get("retry-after")), headers.get("x-should-retry")
    again = veto == "true" or (veto != "false" and status in _AGAIN)
    head = _ADVICE.get(status, "the endpoint moved" if status in _MOVED else "the endpoint failed")
    if wait_s is not None and wait_s > LONGEST_WAIT_S:
        return Fault(f"{head} (HTTP {status}); it asks to wait {wait_s:,.0f} s: {said}")
    too_long = status in (400, 413) and any(
        word in f"{kind} {said}".lower() for word in ("context", "too long", "too large")
    )
    field = next((name for name in ("cache_control", "thinking") if name in said), "") if status in _MALFORMED else ""
    return Fault(f"{head} (HTTP {status}): {said}", again=again, wait_s=wait_s, too_long=too_long, field=field)


def _message(error: BaseException) -> str:
    body: Any = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else body
    text = inner.get("message", "") if isinstance(inner, dict) else ""
    return _line(text) or "no reason given"


def _line(text: object) -> str:
    """Give text from outside on one line, without what would steer a terminal."""
    return " ".join("".join(each if each.isprintable() else " " for each in str(text)[:1_000]).split())[:300]


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
