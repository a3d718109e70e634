"""Claude, or any other model behind the Messages API, as an `LLM`: the only module that knows the anthropic SDK.

The SDK is used for one thing, `messages.create(stream=True)`. Retries, the cap on waiting, the strict reading of a
reply and the words of an error are ours, so that each fault ends in the same way whether before a stream or in it.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlexpert_nb.agent.address import Address
from mlexpert_nb.agent.capabilities import Capabilities, keep, probe, remembered, unasked
from mlexpert_nb.agent.faults import Fault, pause, read_fault
from mlexpert_nb.agent.llm import OnText, Request, Turn, Usage
from mlexpert_nb.agent.prices import Meter
from mlexpert_nb.agent.size import estimate_tokens
from mlexpert_nb.agent.stream import Reply, read_turn
from mlexpert_nb.agent.wire import to_messages, to_tool
from mlexpert_nb.errors import BudgetError, ContextTooLongError, EndpointError
from mlexpert_nb.keys import Secret, redactor

if TYPE_CHECKING:
    import anthropic

DEFAULT_MODEL = "claude-sonnet-5-5"
_LEAST_TOKENS = 256  # a turn that may write less is not worth paying for
_ATTEMPTS = 3
_SAYS_NOTHING = frozenset({401, 402, 403, 408, 409, 429, 500, 502, 503, 504, 529})  # of what an endpoint can do


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the connection, for each part of a reply, and before the first new attempt."""

    connect_s: float = 10.0
    read_s: float = 120.0
    first_wait_s: float = 0.5


class Claude:
    """One model at one endpoint.

    Args:
        address: Where it answers.
        secret: The key; None for a server on this machine that needs none.
        model: Its name there.
        meter: Adds up what is used.
        patience: How long to wait for it.
    """

    def __init__(
        self, address: Address, secret: Secret | None, model: str, *, meter: Meter, patience: Patience | None = None
    ) -> None:
        self.address, self.meter = address, meter
        self._secret, self._model, self._patience = secret, model, patience or Patience()
        self._redact = redactor(secret)
        self._made: anthropic.Anthropic | None = None
        self._can: Capabilities | None = None
        self._was_heard = True

    @property
    def name(self) -> str:
        """Name of the model at its endpoint."""
        return self._model

    @property
    def statement(self) -> str:
        """Who answered, and what left this machine."""
        left = (
            "Nothing left this machine"
            if self.address.is_local
            else "The request and what the specialist read went there"
        )
        return f"Answered by {self._model} at {self.address.host}. {left}; every figure is the judge's."

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the first call."""
        ends = _deprecated().get(self._model)
        retired = f"{self._model} is deprecated and ends on {ends}; choose another with --model" if ends else ""
        return tuple(filter(None, (self.address.note, retired)))

    @property
    def capabilities(self) -> Capabilities:
        """What the endpoint can do; asked once, then remembered between runs, unless it could not be reached."""
        self._can = self._can or remembered(self._key)
        if self._can is None:
            self._was_heard = True
            self._can = probe(self._ask, is_local=self.address.is_local)
            if self._was_heard:
                keep(self._key, self._can)
        return self._can

    @property
    def remembered(self) -> Capabilities:
        """What is known of the endpoint without asking it."""
        return self._can or remembered(self._key) or unasked(is_local=self.address.is_local)

    @property
    def was_asked(self) -> bool:
        """Whether anything is known of the endpoint."""
        return (self._can or remembered(self._key)) is not None

    @property
    def context_window(self) -> int:
        """Tokens that the model reads at once, as far as it is known."""
        return self.remembered.context_window

    def body(self, request: Request) -> dict[str, Any]:
        """Give what a call sends, as JSON; the key is not in it."""
        return self._body(request) | {"max_tokens": min(request.max_tokens or 2**31, self.remembered.max_tokens)}

    def estimate(self, request: Request) -> int:
        """Estimate the tokens that a request would be read as, without asking the endpoint."""
        return estimate_tokens(request)

    def count(self, request: Request) -> int:
        """Give the tokens that a request would be read as: counted by the endpoint, or else estimated."""
        if self.capabilities.count_tokens:
            counted = self._ask("count_tokens", self._body(request))
            if counted is not None and isinstance(counted.get("input_tokens"), int):
                return int(counted["input_tokens"])
        return estimate_tokens(request)

    def turn(self, request: Request, on_text: OnText) -> Turn:
        """Answer with one whole turn; a call that fails before it is whole is made again, up to three times.

        Raises:
            BudgetError: The turn could cost more than is left.
            ContextTooLongError: The conversation does not fit the model.
            EndpointError: The endpoint could not be reached, refused, or answered with something else.
        """
        expected = self.count(request) if self.meter.budget_usd is not None else 0  # else nothing depends on it
        for attempt in range(_ATTEMPTS):
            body = self._body(request) | {"max_tokens": self._most(request, expected)}
            turn, fault, used = self._try(body, on_text)
            if turn is not None:
                self.meter.add(turn.usage)
                return turn
            self.meter.lose(max(used.read, expected or estimate_tokens(request)), used.output_tokens)
            if fault.too_long:
                raise ContextTooLongError(f"{self._model} cannot read so much at once: {fault.sentence}")
            if fault.field and self._give_up(fault.field):
                continue
            if not fault.again or attempt == _ATTEMPTS - 1:
                break
            on_text(f"\n[{fault.sentence}; trying again]\n")
            time.sleep(pause(fault, attempt, self._patience.first_wait_s))
        raise EndpointError(f"{self.address.host}: {fault.sentence}")

    def close(self) -> None:
        """Let the connection go; the next call makes a new one."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def _try(self, body: Mapping[str, Any], on_text: OnText) -> tuple[Turn | None, Fault, Usage]:
        reply, listener = Reply(), _Listener(on_text)
        try:
            with self._client().messages.create(**body, stream=True) as events:
                return read_turn(events, listener, reply), Fault(""), Usage()
        except Exception as error:  # the SDK lets its transport's and its parser's errors through
            if error is listener.failed:
                raise  # not the endpoint's fault, and asking again would only cost
            fault = read_fault(error)  # told in our words: the exception holds the request, and so the key
        return None, replace(fault, sentence=self._redact(fault.sentence)), reply.usage

    def _most(self, request: Request, expected: int) -> int:
        most = min(request.max_tokens or self.capabilities.max_tokens, self.capabilities.max_tokens)
        affordable = self.meter.affordable(expected, most)
        if affordable < min(_LEAST_TOKENS, most):
            raise BudgetError(f"the next turn could cost more than is left: {self.meter.told()}")
        return affordable

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "system": [{"type": "text", "text": request.system}],
            "messages": to_messages(request.messages),
            "tools": [to_tool(tool) for tool in request.tools],
        }
        can = self.remembered
        if can.caching:  # the prompt with the tools before it, and the conversation up to here
            body["system"][0]["cache_control"] = {"type": "ephemeral"}
            body["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
        if can.thinking:
            body["thinking"] = {"type": "adaptive"}
        return body

    def _give_up(self, field: str) -> bool:
        """Stop using what the endpoint refused, from now on; tell whether that changes anything."""
        can = self.capabilities
        less = replace(can, caching=False) if field == "cache_control" else replace(can, thinking=False)
        if less == can:
            return False
        self._can = less
        keep(self._key, less)
        return True

    def _ask(self, what: str, more: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            client = self._client()
            if what == "models":
                return client.models.retrieve(self._model, timeout=self._patience.connect_s).to_dict()
            body = dict(more)
            if "content" in body:
                body = {"model": self._model, "messages": [{"role": "user", "content": body["content"]}]}
            return client.messages.count_tokens(**body, timeout=self._patience.connect_s).to_dict()
        except Exception as error:  # noqa: BLE001 - an endpoint that cannot be asked is one that cannot do it
            is_gone = type(error).__name__ in ("APIConnectionError", "APITimeoutError")
            if is_gone or getattr(error, "status_code", 0) in _SAYS_NOTHING:
                self._was_heard = False
            return None

    @property
    def _key(self) -> str:
        return f"{self.address.url} {self._model}"

    def _client(self) -> "anthropic.Anthropic":
        if self._made is None:
            self._made = _client(self.address, self._secret, self._patience)
        return self._made


class _Listener:
    """Hands words on, and remembers what went wrong there."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self.failed: Exception | None = None

    def __call__(self, words: str) -> None:
        try:
            self._on_text(words)
        except Exception as error:
            self.failed = error
            raise


def _client(address: Address, secret: Secret | None, patience: Patience) -> "anthropic.Anthropic":
    import anthropic  # noqa: PLC0415 - a second of CPU time, for those who use it
    import httpx2  # noqa: PLC0415 - the same

    key = secret.reveal() if secret else "none"
    headers: dict[str, Any] = {}
    if secret is None:
        headers["Authorization"] = anthropic.omit
    elif not address.is_first_party:
        headers["x-api-key"] = key  # gateways look for either
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return anthropic.Anthropic(
            api_key=key,
            base_url=address.url,
            max_retries=0,
            timeout=httpx2.Timeout(patience.read_s, connect=patience.connect_s),
            default_headers=headers,
            http_client=anthropic.DefaultHttpxClient(follow_redirects=False),  # another host would be sent the key
            open_telemetry=False,
        )


def _deprecated() -> Mapping[str, str]:
    from anthropic._data import DEPRECATED_MODELS  # noqa: PLC0415 - heavy; the SDK has no public table

    return DEPRECATED_MODELS
