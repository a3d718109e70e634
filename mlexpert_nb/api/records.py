"""What a run leaves in the workspace's state folder beside the judge's artefacts, and how it is read back."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from mlexpert_nb.agent import Outcome
from mlexpert_nb.api.mirror import MIRROR, render
from mlexpert_nb.api.options import Ticket
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Cell, ContextPackage, ResultPackage
from mlexpert_nb.workspace import STATE, Stage

PLAN_FILE = "mlexpert_plan.md"  # which a carried out plan takes away
PENDING = "pending.json"  # in the state folder: what the plan is about
RUN, CELLS, PLAN, CONTEXT = "run.json", "cells.json", "plan.md", "context.json"


def request_key(ticket: Ticket, context: ContextPackage, salt: str) -> str:
    """Give a hash that is equal for two runs which must deliver the same: request, limits, papers, seed, toolkit."""
    facts = {
        "verb": ticket.verb,
        "task": context.task,
        "requirements": asdict(context.requirements),
        "references": asdict(context.reference_materials),
        "texts": context.evidence.get("texts"),
        "seed": ticket.settings.seed,
        "llm": ticket.llm.name,
        "toolkit": metadata.version("mlexpert-nb"),
        "catalogue": _catalogue_hash(),
        "salt": salt,
    }
    return "sha256:" + hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def write_records(stage: Stage, facts: Mapping[str, Any], *, plan_text: str, context: ContextPackage) -> None:
    """Write what the run was about into the state folder, for the judge to seal."""
    _write(stage.state / RUN, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    _write(stage.state / PLAN, plan_text)
    lasting = replace(context, evidence={k: v for k, v in context.evidence.items() if k in ("detection", "targets")})
    _write(stage.state / CONTEXT, json.dumps(lasting.to_json(), indent=2, ensure_ascii=False) + "\n")


def keep_waiting_plan(stage: Stage, *, is_carried_out: bool) -> None:
    """Put the record of a plan that waits back as the user has it: commands of the llm can reach it."""
    record, before = stage.state / PENDING, stage.base / STATE / PENDING
    if is_carried_out or before.is_symlink() or not before.is_file():
        record.unlink(missing_ok=True)
    else:
        record.write_bytes(before.read_bytes())


def write_cells(stage: Stage, cells: tuple[Cell, ...]) -> None:
    """Write the cells that a notebook puts under the request."""
    _write(stage.state / CELLS, json.dumps([asdict(cell) for cell in cells], indent=2, ensure_ascii=False) + "\n")


def read_cells(root: Path) -> tuple[Cell, ...]:
    """Give the cells of the workspace's last run; none where nothing was delivered.

    Raises:
        UsageError: The file was damaged since.
    """
    path = root / STATE / CELLS
    try:
        return tuple(Cell(**each) for each in json.loads(path.read_bytes())) if path.exists() else ()
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} cannot be read: {error}; run the request again") from None


def write_mirror(stage: Stage, cells: tuple[Cell, ...]) -> bool:
    """Write the cells as a script into the workspace, for people who edit files.

    Returns:
        Whether it was written: a script that the user has edited, or a file of theirs of that name, stays as it is.
    """
    if not _is_ours(stage):
        return False
    stage.write(MIRROR, render(cells))
    return True


def read_facts(root: Path) -> dict[str, Any]:
    """Give the facts of the workspace's last run; empty where nothing was delivered, or the file was damaged since."""
    try:
        facts = json.loads((root / STATE / RUN).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def with_facts(result: ResultPackage, facts: Mapping[str, Any], **more: Any) -> ResultPackage:
    """Put the facts of a run beside the judge's evidence, which wins where both speak."""
    return replace(result, evidence={**facts, **more, **result.evidence})


def planned_versus_done(outcome: Outcome, stage: Stage) -> list[str]:
    """Compare the files of the approved plan with the files that were written, one line each."""
    planned = {each.path for each in outcome.plan.files} if outcome.plan else set()
    existing, changed = set(stage.files()), {change.path for change in stage.changes()}
    return [
        *(f"done as planned: {path}" for path in sorted(planned & existing)),
        *(f"planned, not done: {path}" for path in sorted(planned - existing)),
        *(f"done, not planned: {path}" for path in sorted(changed - planned - {PLAN_FILE})),
    ]


def _is_ours(stage: Stage) -> bool:
    """Tell whether the script is not there, or is what the run before wrote."""
    before, now = stage.base / MIRROR, stage.root / MIRROR
    if MIRROR in stage.left_out or os.path.lexists(before) != os.path.lexists(now):
        return False
    if not os.path.lexists(now):
        return True
    try:
        made = render(read_cells(stage.base)).encode()
    except UsageError:
        return False
    return now.is_file() and not now.is_symlink() and now.read_bytes() == before.read_bytes() == made


def _catalogue_hash() -> str:
    root = Path(str(resources.files("mlexpert_nb").joinpath("catalogue")))
    sources = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".md", ".toml"))
    sha = hashlib.sha256()
    for path in sources:
        sha.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
