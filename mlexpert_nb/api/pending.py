"""A plan that waits in a file: written by `--approve plan`, edited by a person, carried out by `approve`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from mlexpert_nb.agent import Plan, Recording, digest
from mlexpert_nb.api.llms import resumed
from mlexpert_nb.api.options import Options, Ticket, recorded, ticket
from mlexpert_nb.api.proof import PLAN_FILE
from mlexpert_nb.api.run import run
from mlexpert_nb.errors import ConflictError, UsageError
from mlexpert_nb.packages import OnEvent, ResultPackage
from mlexpert_nb.workspace import STATE, Draft, Stage, Workspace

PENDING = "pending.json"


def propose(request: Ticket) -> ResultPackage:
    """Run a request up to its plan and put the plan into the workspace as a file.

    Raises:
        ConflictError: An earlier plan was edited and not carried out, or the user has a file of that name.
    """
    root = request.settings.workspace
    workspace = Workspace.open(root)
    _refuse_edited_plan(root)
    texts: list[str] = []

    def keep(text: str, _stage: Stage) -> None:
        texts.append(text)

    result = run(request, keep)
    if not texts:
        return result
    with workspace.stage() as stage:
        stage.write(PLAN_FILE, texts[0])
        _write_pending(stage, request, texts[0])
        workspace.commit(stage, label=f"plan: {request.text}", replaces={PLAN_FILE})
    message = f"the plan is in {root / PLAN_FILE}; edit it if you like, then: mlexpert approve {root}"
    facts = {**result.evidence, "plan_file": str(root / PLAN_FILE), "message": message}
    return replace(result, evidence=facts)


def carry_out(root: Path, on_event: OnEvent | None = None) -> ResultPackage:
    """Carry out the plan that waits in a workspace, exactly as its file has it now.

    Raises:
        UsageError: No plan waits there, or the file can no longer be read as a plan.
    """
    path, record = root / PLAN_FILE, _read_pending(root)
    if not (path.is_file() and record):
        raise UsageError(f'no plan waits in {root}; make one with: mlexpert plan "…" --workspace {root}')
    text = _read_plan(path)
    Plan.from_text(text)  # an edit that broke the file is the user's to mend, not the llm's
    options = cast("Options", {**record["options"], "workspace": root})
    if on_event is not None:
        options["on_event"] = on_event
    request = ticket(record["text"], record["verb"], options)
    if record.get("said"):
        said = Recording.read(record["said"], str(path))
        undecided = replace(said, approvals={})
        request = replace(request, answerer=resumed(request.answerer, undecided))

    def approve(_proposed: str, stage: Stage) -> str:
        stage.delete(PLAN_FILE)
        (stage.state / PENDING).unlink()
        return text

    salt = "" if digest(text) == record["digest"] else digest(text)
    return run(request, approve, salt=salt)


def _write_pending(stage: Stage, request: Ticket, text: str) -> None:
    draft = Draft(request.settings.workspace)
    said = draft.lines() if request.answerer.is_live else ()  # planning was paid for: it is not asked again
    options = {**recorded(request), "approve": "auto"}
    record = {"text": request.text, "verb": request.verb, "digest": digest(text), "options": options, "said": said}
    stage.state.mkdir(parents=True, exist_ok=True)
    (stage.state / PENDING).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _read_pending(root: Path) -> dict[str, Any]:
    """Read what the waiting plan is about; empty where none waits, or the file was damaged."""
    try:
        record = json.loads((root / STATE / PENDING).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(record, dict) and record.keys() >= {"text", "verb", "digest", "options"}
    return record if whole else {}


def _read_plan(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _refuse_edited_plan(root: Path) -> None:
    path = root / PLAN_FILE
    if path.is_file() and digest(_read_plan(path)) != _read_pending(root).get("digest"):
        ways = f"carry it out with: mlexpert approve {root}, or move it away"
        raise ConflictError(f"{path} was written or edited by you and is kept; {ways}")
