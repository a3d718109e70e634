"""Who answers: read from --llm, --model, --base-url and the keys that are at hand."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlexpert_nb.agent import (
    DEFAULT_MODEL,
    LLM,
    Claude,
    Endpoint,
    Meter,
    OfflineSpecialist,
    Recording,
    Replay,
    price_of,
    read_address,
    read_recording,
)
from mlexpert_nb.config import LLM_NAMES, Settings
from mlexpert_nb.errors import EnvironmentProblem, UnknownNameError, UsageError
from mlexpert_nb.keys import VARIABLES, Found, Redact, as_key, find_key, redactor

REPLAY, SDK = "replay:", "claude-agent-sdk"
BUDGET_USD = 5.0  # of a run that names none, where the price is known
AskKey = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers a request, and what that takes.

    Attributes:
        llm: The one.
        meter: Adds up what it costs.
        redact: Hides its key.
        is_language_model: Whether it is one, which may be told to go on and to mend what the judge finds.
        is_live: Whether it is asked over a network, so that a cut-off run is worth keeping.
        asks: Whether it may have a question, the answer to which goes on with the same run.
        recording: What is played before it is asked, or instead.
        sdk: Where it is asked through claude-agent-sdk, which brings a loop of its own; None without it.
        notes: What the user should know first.
    """

    llm: LLM
    meter: Meter = field(default_factory=Meter)
    redact: Redact = str
    is_language_model: bool = False
    is_live: bool = False
    asks: bool = False
    recording: Recording = field(default_factory=Recording)
    notes: tuple[str, ...] = ()
    sdk: Endpoint | None = None

    @property
    def statement(self) -> str:
        """One sentence for the card: who answered, and what that means."""
        return f"{self.llm.statement} Through claude-agent-sdk." if self.sdk else self.llm.statement


def choose(
    settings: Settings, ask_key: AskKey | None = None, environ: Mapping[str, str] = os.environ, *, sends: bool = True
) -> Answerer:
    """Find out who answers.

    Args:
        settings: What was asked for.
        ask_key: Asks for a key that is nowhere to be found.
        environ: The environment.
        sends: Whether anything will be sent, for which a key is needed.

    Raises:
        UsageError: A name, an address or a transcript cannot be used.
        EnvironmentProblem: A language model is asked for, and there is no key.
    """
    choice = settings.llm
    if choice == REPLAY:
        raise UsageError(f"--llm {REPLAY} names no file; give {REPLAY}W/.mlexpert/transcript.jsonl")
    if choice.startswith(REPLAY):
        return _replayed(Path(choice.removeprefix(REPLAY)).expanduser())
    if choice not in LLM_NAMES:
        raise UnknownNameError.among("--llm", choice, (*LLM_NAMES, f"{REPLAY}FILE"))
    if choice == "auto":
        choice = automatic(settings.base_url, has_key=find_key(environ) is not None)
    if choice == "offline":
        if settings.llm == "offline":
            _refuse_unused(settings)
        return Answerer(OfflineSpecialist(), asks=True)
    return _claude(settings, ask_key if sends else None, environ, sends=sends)


def automatic(base_url: str | None, *, has_key: bool) -> str:
    """Give who answers where nobody was chosen: a language model if one can be asked."""
    return "claude" if base_url or has_key else "offline"


def resumed(answerer: Answerer, recording: Recording) -> Answerer:
    """Give the one who goes on after what was recorded."""
    llm = Replay(recording, answerer.llm, meter=answerer.meter)
    return Answerer(
        llm,
        answerer.meter,
        answerer.redact,
        is_language_model=answerer.is_language_model,
        is_live=answerer.is_live,
        asks=answerer.asks,
        recording=recording,
        notes=answerer.notes,
    )


def _replayed(path: Path) -> Answerer:
    recording = read_recording(path)
    return Answerer(Replay(recording), redact=redactor(None), is_language_model=True, recording=recording)


def _claude(settings: Settings, ask_key: AskKey | None, environ: Mapping[str, str], *, sends: bool) -> Answerer:
    address = read_address(settings.base_url, environ)
    found = find_key(environ) or (None if address.is_local else _asked(ask_key))
    if found is None and sends and not address.is_local:
        raise EnvironmentProblem(
            f"no key for {address.host}: set {VARIABLES[1]} in the environment that starts Jupyter, or call "
            "mlexpert_nb.configure(api_key=function); --llm offline needs none"
        )
    secret = found.secret if found else None
    model = settings.model or DEFAULT_MODEL
    price = price_of(model, is_first_party=address.is_first_party)
    budget = settings.budget_usd if settings.budget_usd is not None else BUDGET_USD if price else None
    if settings.budget_usd is not None and price is None:
        raise UsageError(
            f"--budget-usd {settings.budget_usd:g}: no price is known for {model} at {address.host} (the table has "
            "those of Anthropic's own endpoint), so the budget could not be held; leave it out, or take it out of the "
            "settings (mlexpert config budget_usd=), and use --max-turns"
        )
    meter = Meter(model, price, budget)
    llm = Claude(address, secret, model, meter=meter)
    if settings.llm == SDK:  # its program keeps the conversation, so that nothing can go on with it later
        endpoint = Endpoint(model, address, secret)
        return Answerer(llm, meter, redactor(secret), is_language_model=True, notes=llm.notes, sdk=endpoint)
    return Answerer(llm, meter, redactor(secret), is_language_model=True, is_live=True, asks=True, notes=llm.notes)


def _asked(ask_key: AskKey | None) -> Found | None:
    typed = ask_key() if ask_key is not None else None
    return as_key(typed, "hidden prompt") if typed and typed.strip() else None


def _refuse_unused(settings: Settings) -> None:
    for name in ("model", "base_url"):
        if getattr(settings, name):
            raise UsageError(f"--{name.replace('_', '-')} is for a language model; use --llm claude, or leave it out")
