"""From a command to its answer: what the magics and the command line have in common, and the only caller of the api."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlexpert_nb import api, network_commands
from mlexpert_nb.answers import Answer, Front
from mlexpert_nb.catalogue import Entry, entry_facts, known_timings, measure_all
from mlexpert_nb.config import DEFAULT_WORKSPACE, read_assignments
from mlexpert_nb.display import (
    Card,
    catalogue_card,
    config_card,
    doctor_card,
    history_card,
    preview_card,
    result_card,
    undone_card,
    verification_card,
    with_refusal,
)
from mlexpert_nb.errors import ConflictError, UnknownNameError, UsageError
from mlexpert_nb.options import VERBS, Call, parse
from mlexpert_nb.packages import Cell, ResultPackage

if TYPE_CHECKING:
    from mlexpert_nb.display import Carried, Compared  # bring nbformat, which most commands do without

UNSAVED = "the notebook was not saved since this line was typed; save it, then run the line again"


def answer(call: Call, front: Front) -> Answer:
    """Carry out any command except `help`.

    Raises:
        MLExpertError: As the api has it.
    """
    return _COMMANDS.get(call.verb, _request)(call, front)


def _request(call: Call, front: Front) -> Answer:
    options = _with_front(call.options, front)
    if options.pop("show_context", False):
        verb = call.verb if call.verb not in ("request", "plan") else ""
        shown = api.show_context(call.text, verb, **options)  # type: ignore[arg-type]  # the api checks its options
        return Answer(preview_card(shown, call.text), asdict(shown))
    command = {"implement": api.implement, "fix": api.fix, "optimize": api.optimize, "paper": api.paper}
    more = {"pipeline": api.pipeline, "request": api.request, "plan": api.plan}
    result = {**command, **more}[call.verb](call.text, **options)  # type: ignore[arg-type]  # the api checks its options
    return _result(result, call, front)


def _with_front(options: Mapping[str, object], front: Front) -> dict[str, object]:
    own = {"on_event": front.on_event, "ask": front.ask, "ask_key": front.ask_key, "namespace": front.namespace}
    return {**options, **own}


def _resume(call: Call, front: Front) -> Answer:
    options = {name: value for name, value in call.options.items() if name not in ("workspace", "answer")}
    answers = "\n".join(filter(None, (str(call.options.get("answer", "")), call.text)))
    result = api.resume(_workspace(call), answers, _with_front(options, front))  # type: ignore[arg-type]  # as above
    return _result(result, replace(call, text=str(result.evidence.get("request", ""))), front)


def way_on(call: Call, front: str) -> str:
    """Give the line that goes on with the run that a command left; empty if it left none."""
    if call.verb != "resume" and not VERBS[call.verb].takes_text:
        return ""
    root, asked = _workspace(call), "" if call.verb == "resume" else call.text  # what stands under resume are answers
    where = f" --workspace {shlex.quote(str(root))}" if call.options.get("workspace") or call.operand else ""
    return f"{front} resume{where}" if api.is_unfinished(root, asked) else ""


def _approve(call: Call, front: Front) -> Answer:
    result = api.approve(_workspace(call), on_event=front.on_event, ask_key=front.ask_key)
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
        cells=api.generated_cells(workspace) if done and not _is_of_its_answers(result, call) else (),
        repeated=result.evidence.get("unchanged") is True,
        workspace=str(workspace),
        receipt=str(result.evidence.get("receipt", "")),
    )


def _is_of_its_answers(result: ResultPackage, call: Call) -> bool:
    """Tell whether the cells stand under the cell with the answers, so that the request's must not bring them again."""
    return call.verb != "resume" and "answers" in result.evidence and result.evidence.get("unchanged") is True


def _diff(call: Call, front: Front) -> Answer:
    """Compare a notebook with a workspace; with --to, carry the edits of one side over to the other."""
    from mlexpert_nb.display import Compared, carried_card, diff_card, read_side  # noqa: PLC0415 - nbformat

    root, to, force = _workspace_option(call), _side(call), bool(call.options.get("force"))
    path = Path(call.operand) if call.operand else _this_notebook(front)
    base = api.read_base(root)
    side = read_side(path, root, base)
    stale = front.prefix.startswith("%") and not call.operand and not _is_saved(side.lines, call, front)
    if stale and to:
        raise UsageError(f"nothing was carried over: {UNSAVED} ({path})")
    note = UNSAVED if stale else ""
    is_open = front.prefix.startswith("%") and not call.operand and _inserts_cells()
    compared = Compared(side, str(root), front.prefix, note, is_open)
    if to is None:
        drift = api.read_drift(root, side.shown)
        facts = {"notebook": str(path), "workspace": str(root), **asdict(drift)}
        return Answer(diff_card(drift, compared), facts, 3 if drift.differs else 0)
    if to == "files":
        drift, moved = api.carry_to_files(root, side.shown, force=force)
    else:
        drift = api.read_drift(root, side.shown)
        moved = api.carry(drift, to, force=force)
    carries = _put_cells(compared, moved, base) if to == "notebook" else ()
    facts = {"notebook": str(path), "workspace": str(root), **asdict(drift)}
    facts |= {"carried": sorted(moved.cells), "conflicts": moved.conflicts}
    card = carried_card(drift, moved, to, compared)
    return Answer(card, facts, 3 if moved.conflicts else 0, origin=side.origin, carries=carries)


def _put_cells(compared: "Compared", moved: api.Carry, base: Sequence[Cell]) -> "tuple[Carried, ...]":
    """Put carried versions into the notebook's file, or give them for the front end that has it open."""
    from mlexpert_nb.display import carried_cells, put_cells  # noqa: PLC0415 - brings nbformat

    if compared.is_open:
        return carried_cells(compared.side, moved.cells, base)
    if moved.cells:
        put_cells(compared.side, moved.cells, base)
    return ()


def _inserts_cells() -> bool:
    from mlexpert_nb.display import inserts_cells  # noqa: PLC0415 - brings IPython

    return inserts_cells()


def _verify(call: Call, _front: Front) -> Answer:
    found = api.verify(_workspace(call), call.receipt)
    return Answer(verification_card(found, str(_workspace(call))), asdict(found), 0 if found.passed else 4)


def _undo(call: Call, _front: Front) -> Answer:
    if call.operand.endswith(".ipynb") and not _workspace(call).is_dir():
        return _undo_notebook(Path(call.operand), force=bool(call.options.get("force")))
    done = api.undo(_workspace(call), force=bool(call.options.get("force")))
    left = next((each.receipt for each in reversed(api.history(_workspace(call))) if each.receipt), "")
    return Answer(undone_card(done, str(_workspace(call))), asdict(done), undoes=done.commit.receipt, left=left)


def _undo_notebook(notebook: Path, *, force: bool) -> Answer:
    """Take back what the last `run` of a notebook did: first in the workspaces, newest first, then the notebook."""
    from mlexpert_nb.display import go_back, notebook_undone_card, way_back  # noqa: PLC0415 - brings nbformat

    way, done = way_back(notebook), []
    for workspace, receipt in way.runs:
        if any(each.receipt == receipt for each in api.history(workspace)):  # else somebody has taken it back already
            try:
                done.append((str(workspace), api.undo(workspace, force=force, receipt=receipt)))
            except ConflictError as error:
                raise ConflictError(f"{workspace}: {error}; {notebook} is as it was") from None
    go_back(way)
    facts = {"notebook": str(notebook), "edited": way.edited, "runs": [{"workspace": w, **asdict(u)} for w, u in done]}
    return Answer(notebook_undone_card(str(notebook), done, edited=way.edited), facts)


def _history(call: Call, _front: Front) -> Answer:
    commits = api.history(_workspace(call))
    return Answer(history_card(commits, str(_workspace(call))), [asdict(each) for each in commits])


def _catalogue(call: Call, front: Front) -> Answer:
    entries = api.catalogue_entries()
    if call.operand:
        entries = (_named(call.operand, entries),)
    failed = measure_all(entries, front.on_event) if call.options.get("measure") else ()
    timed = known_timings()
    card = catalogue_card(entries, timed, failed, front=front.prefix)
    return Answer(card, [entry_facts(each, timed.get(each.name)) for each in entries], 4 if failed else 0)


def _config(call: Call, front: Front) -> Answer:
    found = api.config(read_assignments(call.words))
    return Answer(config_card(found, front.prefix), asdict(found))


def _doctor(_call: Call, front: Front) -> Answer:
    found = api.doctor(front_end=_front_end() if front.prefix.startswith("%") else "shell")
    facts = {"problems": found.problems, "warnings": found.warnings, "checks": [asdict(row) for row in found.rows]}
    return Answer(doctor_card(found, front.prefix), facts, found.exit_code)


def _front_end() -> str:
    from mlexpert_nb.display import name_of_front_end  # noqa: PLC0415 - brings IPython

    return name_of_front_end()


def _run(call: Call, front: Front) -> Answer:
    from mlexpert_nb.display import run_notebook  # noqa: PLC0415 - brings nbclient, which nothing else needs

    run = run_notebook(Path(call.operand), Path(call.out) if call.out else None, front.on_event)
    facts = {**asdict(run), "path": str(run.path), "exit_code": run.exit_code}
    cards = tuple((f"Run {n}", text) for n, text in enumerate(run.cards, 1))
    saved = (("Saved", str(run.path)),)
    card = Card("warn" if run.exit_code else "good", str(run), texts=cards, facts=saved)
    return Answer(card, facts, run.exit_code)


def _dashboard(_call: Call, front: Front) -> Answer:
    raise UsageError(
        f"a dashboard shows a variable of a notebook; type there: %{front.prefix.lstrip('%')} dashboard MODEL"
    )


_COMMANDS: Mapping[str, Callable[[Call, Front], Answer]] = {
    "approve": _approve,
    "catalogue": _catalogue,
    "config": _config,
    "dashboard": _dashboard,
    "diff": _diff,
    "doctor": _doctor,
    "history": _history,
    "init": network_commands.init,
    "profile": network_commands.profile,
    "resume": _resume,
    "run": _run,
    "test": network_commands.test,
    "undo": _undo,
    "validate": network_commands.validate,
    "verify": _verify,
}


def _workspace(call: Call) -> Path:
    return Path(call.operand or str(call.options.get("workspace") or _usual_workspace()))


def _workspace_option(call: Call) -> Path:
    return Path(str(call.options.get("workspace") or _usual_workspace())).expanduser()


def _usual_workspace() -> Path:
    return api.defaults().workspace or DEFAULT_WORKSPACE


def _side(call: Call) -> api.Side | None:
    """Read --to."""
    wanted = call.options.get("to")
    if wanted is not None and wanted not in api.SIDES:
        raise UnknownNameError.among("--to", str(wanted), api.SIDES)
    return next((side for side in api.SIDES if side == wanted), None)


def _this_notebook(front: Front) -> Path:
    """Give the notebook that the command stands in."""
    from mlexpert_nb.display import notebook_path  # noqa: PLC0415 - brings IPython, which the command line does without

    found = notebook_path() if front.prefix.startswith("%") else None
    if found is None:
        raise UsageError(f"diff which notebook? type: {front.prefix} diff NOTEBOOK.ipynb")
    return found


def _is_saved(lines: Sequence[str], call: Call, front: Front) -> bool:
    """Tell whether the running line stands in the saved notebook."""
    return any(_is_line_of(line.strip(), call, front) for line in lines if f"{front.prefix} {call.verb}" in line)


def _is_line_of(line: str, call: Call, front: Front) -> bool:
    words = line.partition(front.prefix)[2]
    if "{" in words or "$" in words:  # IPython puts the values of variables there before we see the line
        return True
    try:
        return parse(shlex.split(words)) == call
    except (UsageError, ValueError):
        return False


def _named(name: str, entries: Sequence[Entry]) -> Entry:
    known = {each.name: each for each in entries}
    if name not in known:
        raise UnknownNameError.among("catalogue entry", name, known)
    return known[name]
