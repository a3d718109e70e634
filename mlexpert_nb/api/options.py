"""Options of a request: spelled as on the command line, parsed once into plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any, TypedDict

from mlexpert_nb.agent import LLM
from mlexpert_nb.api.defaults import defaults, num_faults
from mlexpert_nb.api.llms import REPLAY, Answerer, AskKey, choose
from mlexpert_nb.config import APPROVE, DEFAULT_WORKSPACE, Settings
from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.keys import refuse_typed_key
from mlexpert_nb.packages import Ask, OnEvent
from mlexpert_nb.skill import Asked

NOT_READ = frozenset(
    {".docx", ".doc", ".odt", ".rtf", ".ps", ".djvu", ".epub", ".html", ".htm", ".pages"}
)  # papers that may be
LARGEST_SEED = 2**32 - 1  # what every random number generator takes


class Options(TypedDict, total=False):
    """What a caller may say about a request, apart from the request itself.

    `llm` also takes an object that is an `LLM`; `namespace` are the notebook's variables, of which names, types, shapes
    and dtypes are read; `ask` is asked to approve the plan, `ask_key` for a key, `on_event` is told what happens.
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
    ask_key: AskKey


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request, ready to run.

    Attributes:
        text: What the user typed.
        verb: Command it was typed under; empty to let detection choose.
        asked: Option strings that detection and context read.
        settings: How the run goes.
        answerer: Who answers.
        ask: Asked to approve the plan; None means nobody can be asked.
        on_event: Told what happens.
        namespace: Variables of the notebook.
        answers: What the user said to the questions of an earlier attempt.
    """

    text: str
    verb: str
    asked: Asked
    settings: Settings
    answerer: Answerer
    on_event: OnEvent
    ask: Ask | None = None
    namespace: Mapping[str, object] | None = field(default=None, repr=False)
    answers: str = ""

    @property
    def llm(self) -> LLM:
        """Who answers."""
        return self.answerer.llm


def ticket(text: str, verb: str, options: Options, *, sends: bool = True) -> Ticket:
    """Read the options of a request.

    Args:
        text: The request.
        verb: The command; empty to let detection choose.
        options: What was typed besides.
        sends: Whether anything will be sent, for which a key is needed.

    Raises:
        UsageError: An option has a value that cannot be used, or a key was typed.
        EnvironmentProblem: The llm asked for is not available here.
    """
    _refuse_unknown(options)
    refuse_typed_key(" ".join([text, *(str(value) for value in options.values() if isinstance(value, (str, Path)))]))
    features = options.get("features") or ()
    asked = Asked(
        params=options.get("params") or "",
        vram=options.get("vram") or "",
        latency=options.get("latency") or "",
        features=tuple(_split(features) if isinstance(features, str) else features),
        context=tuple(str(path) for path in options.get("context") or ()),
        paper=_papers(text if verb == "paper" else "", options.get("paper") or ()),
    )
    settings, llm = _settings(options), options.get("llm") or ""
    return Ticket(
        text=text,
        verb=verb,
        asked=asked,
        settings=settings,
        answerer=choose(settings, options.get("ask_key"), sends=sends) if isinstance(llm, str) else Answerer(llm),
        on_event=options.get("on_event") or _ignore,
        ask=options.get("ask"),
        namespace=options.get("namespace"),
    )


def recorded(request: Ticket) -> dict[str, Any]:
    """Give the options of a request as JSON, for a later command that carries it on; paths become absolute."""
    settings = request.settings
    options = {
        **asdict(request.asked),
        "context": [str(Path(path).absolute()) for path in request.asked.context],
        "paper": [str(Path(path).absolute()) for path in request.asked.paper],
        "max_turns": settings.max_turns,
        "seed": settings.seed,
        "approve": settings.approve,
        "llm": settings.llm if not request.answerer.is_live else "claude",
    }
    if request.answerer.is_live:
        options |= {"model": request.llm.name, "base_url": settings.base_url, "budget_usd": settings.budget_usd}
    return options


def _settings(options: Options) -> Settings:
    stored, usual = defaults(), Settings()
    approve = options.get("approve") or stored.approve or usual.approve
    if approve not in APPROVE:
        raise UnknownNameError.among("--approve", approve, APPROVE)
    max_turns = options.get("max_turns", stored.max_turns or usual.max_turns)
    seed = options.get("seed", usual.seed)
    if max_turns < 1:
        raise UsageError(f"--max-turns {max_turns}: at least one turn is needed")
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"--seed {seed}: give a number from 0 to {LARGEST_SEED}")
    budget = options.get("budget_usd", stored.budget_usd)
    if budget is not None and not 0 < budget < inf:  # also a budget that is not a number
        raise UsageError(f"--budget-usd {budget}: give an amount above zero; the offline specialist costs nothing")
    llm = options.get("llm") or stored.llm or usual.llm
    if llm == "auto" and (options.get("model") or options.get("base_url")):
        llm = "claude"  # whoever names a model wants to ask it
    asks = isinstance(llm, str) and llm != "offline" and not llm.startswith(REPLAY)
    return Settings(
        Path(options.get("workspace") or stored.workspace or DEFAULT_WORKSPACE).expanduser(),
        approve,
        llm if isinstance(llm, str) else usual.llm,
        max_turns=max_turns,
        seed=seed,
        model=options.get("model") or (asks and stored.model) or "",
        base_url=options.get("base_url") or (asks and stored.base_url) or "",
        budget_usd=budget,
        num_faults=num_faults(usual.num_faults),
    )


def _refuse_unknown(options: Options) -> None:
    for name in options:
        if name not in Options.__annotations__:
            raise UnknownNameError.among("option", name, Options.__annotations__)


def _papers(text: str, named: Sequence[str | Path]) -> tuple[str, ...]:
    """Give the papers that the option names, and those that `paper FILE` names in the request itself."""
    papers = [str(path) for path in named]
    known = {Path(path).name for path in papers}
    words = [word.strip("\"',;") for word in text.split()]
    typed = [word for word in words if word.lower().endswith((".pdf", ".tex"))]
    if not papers and not typed and words and Path(words[0]).suffix.lower() in NOT_READ:
        raise UsageError(f"a {Path(words[0]).suffix} is not read; export {words[0][:200]!r} as .pdf")
    return (*papers, *(word for word in typed if Path(word).name not in known))


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _ignore(_event: object) -> None:
    """Nobody watches."""
