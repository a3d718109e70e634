"""From a command to its answer: what the magics and the command line have in common, and the only caller of the api."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from mlexpert_nb import api
from mlexpert_nb.catalogue import Entry
from mlexpert_nb.config import DEFAULT_WORKSPACE
from mlexpert_nb.display import (
    Card,
    catalogue_card,
    history_card,
    result_card,
    undone_card,
    verification_card,
    with_refusal,
)
from mlexpert_nb.errors import UnknownNameError
from mlexpert_nb.options import Call
from mlexpert_nb.packages import Cell, OnEvent, Proposal, ResultPackage


class Asker(Protocol):
    """Asks for approval, and knows afterwards why it was not given."""

    refusal: str

    def __call__(self, proposal: Proposal) -> bool:
        """Ask."""


@dataclass(frozen=True, slots=True)
class Front:
    """The front door that a command came through.

    Attributes:
        prefix: How a command starts there: "mlexpert", "%mlexpert".
        on_event: Told what happens.
        ask: Asks for approval.
        namespace: Variables of the notebook; empty elsewhere.
    """

    prefix: str
    on_event: OnEvent
    ask: Asker
    namespace: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to.

    Attributes:
        card: For people.
        json: For programs: a ResultPackage wherever a run ended with one.
        exit_code: For the shell.
        status: Status of the run; empty for commands that run nothing.
        cells: Cells to put under the request.
    """

    card: Card
    json: object
    exit_code: int = 0
    status: str = ""
    cells: tuple[Cell, ...] = ()


def answer(call: Call, front: Front) -> Answer:
    """Carry out any command except `help`.

    Raises:
        MLExpertError: As the api has it.
    """
    return _COMMANDS.get(call.verb, _request)(call, front)


def _request(call: Call, front: Front) -> Answer:
    options = {**call.options, "on_event": front.on_event, "ask": front.ask, "namespace": front.namespace}
    command = {"implement": api.implement, "fix": api.fix, "optimize": api.optimize, "paper": api.paper}
    more = {"pipeline": api.pipeline, "request": api.request, "plan": api.plan}
    result = {**command, **more}[call.verb](call.text, **options)  # type: ignore[arg-type]  # the api checks its options
    return _result(result, call, front)


def _approve(call: Call, front: Front) -> Answer:
    result = api.approve(_workspace(call), on_event=front.on_event)
    return _result(result, call, front)


def _result(result: ResultPackage, call: Call, front: Front) -> Answer:
    result = with_refusal(result, front.ask.refusal)
    workspace = _workspace(call)
    done = result.status == "implementation_complete"
    return Answer(
        card=result_card(result, asked=call.text, front=front.prefix, workspace=str(workspace)),
        json=result.to_json(),
        exit_code=result.exit_code,
        status=result.status,
        cells=api.generated_cells(workspace) if done else (),
    )


def _verify(call: Call, _front: Front) -> Answer:
    found = api.verify(_workspace(call), call.receipt)
    return Answer(verification_card(found, str(_workspace(call))), asdict(found), 0 if found.passed else 4)


def _undo(call: Call, _front: Front) -> Answer:
    done = api.undo(_workspace(call), force=bool(call.options.get("force")))
    return Answer(undone_card(done, str(_workspace(call))), asdict(done))


def _history(call: Call, _front: Front) -> Answer:
    commits = api.history(_workspace(call))
    return Answer(history_card(commits, str(_workspace(call))), [asdict(each) for each in commits])


def _catalogue(call: Call, _front: Front) -> Answer:
    entries = api.catalogue_entries()
    if call.operand:
        entries = (_named(call.operand, entries),)
    facts = ("name", "title", "summary", "model_type", "features", "papers", "default_parameters")
    return Answer(catalogue_card(entries), [{name: getattr(each, name) for name in facts} for each in entries])


def _run(call: Call, front: Front) -> Answer:
    from mlexpert_nb.display import run_notebook  # noqa: PLC0415 - brings nbclient, which nothing else needs

    run = run_notebook(Path(call.operand), Path(call.out) if call.out else None, front.on_event)
    facts = {**asdict(run), "path": str(run.path), "exit_code": run.exit_code}
    cards = tuple((f"Run {n}", text) for n, text in enumerate(run.cards, 1))
    saved = (("Saved", str(run.path)),)
    card = Card("warn" if run.exit_code else "good", str(run), texts=cards, facts=saved)
    return Answer(card, facts, run.exit_code)


_COMMANDS: Mapping[str, Callable[[Call, Front], Answer]] = {
    "approve": _approve,
    "catalogue": _catalogue,
    "history": _history,
    "run": _run,
    "undo": _undo,
    "verify": _verify,
}


def _workspace(call: Call) -> Path:
    return Path(call.operand or str(call.options.get("workspace") or DEFAULT_WORKSPACE))


def _named(name: str, entries: Sequence[Entry]) -> Entry:
    known = {each.name: each for each in entries}
    if name not in known:
        raise UnknownNameError.among("catalogue entry", name, known)
    return known[name]
