"""A plan that waits in a file: written by `--approve plan`, edited by a person, carried out by `approve`."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from mlexpert_nb.agent import Plan, Recording, digest, read_address
from mlexpert_nb.api.conversation import TRANSCRIPT
from mlexpert_nb.api.defaults import defaults
from mlexpert_nb.api.llms import resumed
from mlexpert_nb.api.options import Options, Ticket, recorded, ticket
from mlexpert_nb.api.records import PENDING, PLAN_FILE
from mlexpert_nb.api.run import run
from mlexpert_nb.errors import ConflictError, NeedsUserError, UsageError
from mlexpert_nb.packages import ResultPackage
from mlexpert_nb.workspace import STATE, Draft, Stage, Workspace


def propose(request: Ticket) -> ResultPackage:
    """Run a request up to its plan and put the plan into the workspace as a file.

    Raises:
        ConflictError: An earlier plan was edited and not carried out, or the user has a file of that name.
    """
    root = request.settings.workspace
    workspace = Workspace.open(root)
    _refuse_edited_plan(root)
    texts: list[str] = []
    said: list[str] = []

    def keep(text: str, stage: Stage) -> None:
        texts.append(text)
        said[:] = said or (stage.state / TRANSCRIPT).read_text("utf-8").strip("\n").split("\n")

    result = run(request, keep)
    if not texts:
        return result
    with workspace.stage() as stage:
        stage.write(PLAN_FILE, texts[0])
        _write_pending(stage, request, texts[0], said)
        workspace.commit(stage, label=f"plan: {request.text}", replaces={PLAN_FILE})
    message = f"the plan is in {root / PLAN_FILE}; edit it if you like, then: mlexpert approve {root}"
    facts = {**result.evidence, "plan_file": str(root / PLAN_FILE), "message": message}
    return replace(result, evidence=facts)


def carry_out(root: Path, given: Options) -> ResultPackage:
    """Carry out the plan that waits in a workspace, exactly as its file has it now.

    Args:
        root: The workspace.
        given: Who is told, and who is asked for a key.

    Raises:
        NeedsUserError: The plan would send the key to somebody unknown, or names a file that no run may write.
        UsageError: No plan waits there, or the file can no longer be read as a plan.
    """
    path, record = root / PLAN_FILE, _read_pending(root)
    if not (path.is_file() and record):
        raise UsageError(f'no plan waits in {root}; make one with: mlexpert plan "…" --workspace {root}')
    text = _read_plan(path)
    Plan.from_text(text)  # an edit that broke the file is the user's to mend, not the llm's
    said = _said_here(root, record)
    _refuse_strange_endpoint(record, said)
    request = _request(record, root, given)
    if said is not None:
        undecided = replace(said, approvals={})
        request = replace(request, answerer=resumed(request.answerer, undecided))

    def approve(_proposed: str, stage: Stage) -> str:
        _refuse_paths(text, path, stage)
        stage.delete(PLAN_FILE)
        (stage.state / PENDING).unlink()
        return text

    salt = "" if digest(text) == record["digest"] else digest(text)
    return run(request, approve, salt=salt, takes=frozenset({PLAN_FILE}))


def _request(record: Mapping[str, Any], root: Path, given: Options) -> Ticket:
    try:
        options = cast("Options", {**record["options"], **given, "workspace": root})
        return ticket(record["text"], record["verb"], options)
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{root / STATE / PENDING} is damaged ({type(error).__name__}: {error}); make the plan again"
        ) from None


def _said_here(root: Path, record: Mapping[str, Any]) -> Recording | None:
    """Read what was said while planning, if it was said on this machine: a folder may come from somebody else."""
    said, lines = record.get("said"), Draft(root).lines()
    if not (isinstance(said, list) and said and tuple(said) == lines[: len(said)]):
        return None
    return Recording.read(said, str(root / PLAN_FILE))


def _refuse_strange_endpoint(record: Mapping[str, Any], said: Recording | None) -> None:
    """Send the key to nobody whom only the folder names.

    Raises:
        NeedsUserError: It names an endpoint that was not used for the plan on this machine, and is not in the settings.
    """
    options = record["options"]
    url = str(options.get("base_url") or "") if isinstance(options, Mapping) else ""
    known = (said.run.get("options", {}).get("base_url") if said else None, defaults().base_url)
    address = read_address(url, os.environ)
    if url not in known and not (address.is_first_party or address.is_local):
        raise NeedsUserError(
            f"the waiting plan would send your key to {address.host}, which it was not made with on this machine; "
            f"if you trust it: mlexpert config base_url={address.url}"
        )


def _refuse_paths(text: str, path: Path, stage: Stage) -> None:
    """Let the user mend an edit that names a file outside the workspace: the llm cannot."""
    try:
        for each in Plan.from_text(text).files:
            stage.resolve(each.path)
    except UsageError as error:
        raise NeedsUserError(f"{path}: {error}") from None


def _write_pending(stage: Stage, request: Ticket, text: str, said: Sequence[str]) -> None:
    options = {**recorded(request), "approve": "auto"}
    record = {"text": request.text, "verb": request.verb, "digest": digest(text), "options": options}
    record["said"] = said if request.answerer.is_live else ()  # planning was paid for: it is not asked again
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
