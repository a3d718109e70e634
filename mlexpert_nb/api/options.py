"""Options of a request: spelled as on the command line, parsed once into plain data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from mlexpert_nb.agent import LLM, OfflineSpecialist
from mlexpert_nb.config import APPROVE, DEFAULT_WORKSPACE, Settings
from mlexpert_nb.errors import EnvironmentProblem, UnknownNameError, UsageError
from mlexpert_nb.packages import Ask, OnEvent
from mlexpert_nb.skill import Asked

LLMS: Mapping[str, Callable[[], LLM]] = {"auto": OfflineSpecialist, "offline": OfflineSpecialist}
NOT_YET = ("claude", "claude-agent-sdk")
LARGEST_SEED = 2**32 - 1  # what every random number generator takes


class Options(TypedDict, total=False):
    """What a caller may say about a request, apart from the request itself.

    `llm` also takes an object that is an `LLM`; `namespace` are the notebook's variables, of which names, types, shapes
    and dtypes are read; `ask` is asked to approve the plan, `on_event` is told what happens.
    """

    workspace: str | Path
    params: str
    vram: str
    latency: str
    features: str | Sequence[str]
    context: Sequence[str | Path]
    paper: Sequence[str | Path]
    approve: str
    llm: str | LLM
    model: str
    base_url: str
    budget_usd: float
    max_turns: int
    seed: int
    namespace: Mapping[str, object]
    on_event: OnEvent
    ask: Ask


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request, ready to run.

    Attributes:
        text: What the user typed.
        verb: Command it was typed under; empty to let detection choose.
        asked: Option strings that detection and context read.
        settings: How the run goes.
        llm: Who answers.
        ask: Asked to approve the plan; None means nobody can be asked.
        on_event: Told what happens.
        namespace: Variables of the notebook.
    """

    text: str
    verb: str
    asked: Asked
    settings: Settings
    llm: LLM
    on_event: OnEvent
    ask: Ask | None = None
    namespace: Mapping[str, object] | None = field(default=None, repr=False)


def ticket(text: str, verb: str, options: Options) -> Ticket:
    """Read the options of a request.

    Raises:
        UsageError: An option has a value that cannot be used.
        EnvironmentProblem: The llm asked for is not available here.
    """
    _refuse_unknown(options)
    features = options.get("features") or ()
    asked = Asked(
        params=options.get("params") or "",
        vram=options.get("vram") or "",
        latency=options.get("latency") or "",
        features=tuple(_split(features) if isinstance(features, str) else features),
        context=tuple(str(path) for path in options.get("context") or ()),
        paper=tuple(str(path) for path in options.get("paper") or ()),
    )
    llm = _llm(options.get("llm") or "auto")
    _refuse_unused(options, llm)
    return Ticket(
        text=text,
        verb=verb,
        asked=asked,
        settings=_settings(options),
        llm=llm,
        on_event=options.get("on_event") or _ignore,
        ask=options.get("ask"),
        namespace=options.get("namespace"),
    )


def _settings(options: Options) -> Settings:
    approve = options.get("approve") or "ask"
    if approve not in APPROVE:
        raise UnknownNameError.among("--approve", approve, APPROVE)
    max_turns, seed = options.get("max_turns", Settings().max_turns), options.get("seed", Settings().seed)
    if max_turns < 1:
        raise UsageError(f"--max-turns {max_turns}: at least one turn is needed")
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"--seed {seed}: give a number from 0 to {LARGEST_SEED}")
    budget = options.get("budget_usd")
    if budget is not None and not budget > 0:  # also a budget that is not a number
        raise UsageError(f"--budget-usd {budget}: give an amount above zero; the offline specialist costs nothing")
    workspace = Path(options.get("workspace") or DEFAULT_WORKSPACE).expanduser()
    return Settings(workspace, approve, max_turns=max_turns, seed=seed)


def _llm(choice: str | LLM) -> LLM:
    if not isinstance(choice, str):
        return choice
    if choice in NOT_YET:
        raise EnvironmentProblem(f"--llm {choice} is not in this version; use --llm offline, which needs no key")
    if choice not in LLMS:
        raise UnknownNameError.among("--llm", choice, (*LLMS, *NOT_YET))
    return LLMS[choice]()


def _refuse_unused(options: Options, llm: LLM) -> None:
    for name in ("model", "base_url"):
        if options.get(name) and isinstance(llm, OfflineSpecialist):
            raise UsageError(
                f"--{name.replace('_', '-')} is for a language model, which this version does not have; leave it out"
            )


def _refuse_unknown(options: Options) -> None:
    for name in options:
        if name not in Options.__annotations__:
            raise UnknownNameError.among("option", name, Options.__annotations__)


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _ignore(_event: object) -> None:
    """Nobody watches."""
