"""One function a command: what the magics and the command line call, and what scripts import.

A request is detected, its context gathered, a plan proposed and approved, files written on a staged copy, judged from
outside, and put into the workspace in one step, or not at all (`run.py` reads top to bottom).
"""

from pathlib import Path
from typing import Unpack

from mlexpert_nb import catalogue
from mlexpert_nb import verify as judge
from mlexpert_nb.api.defaults import Configuration, SettingNow, config, defaults
from mlexpert_nb.api.doctor import doctor
from mlexpert_nb.api.drift import SIDES, Carry, CellDrift, Drift, Shown, Side, carry
from mlexpert_nb.api.health import Health, Row
from mlexpert_nb.api.init import Started, create_model_skeleton, init
from mlexpert_nb.api.installed import extension_in
from mlexpert_nb.api.llms import AskKey
from mlexpert_nb.api.mirror import MIRROR
from mlexpert_nb.api.options import Options, ticket
from mlexpert_nb.api.pending import carry_out, propose
from mlexpert_nb.api.preview import Preview, preview
from mlexpert_nb.api.profile import benchmark_model, profile_target
from mlexpert_nb.api.records import read_cells
from mlexpert_nb.api.resume import go_on, unfinished
from mlexpert_nb.api.run import run
from mlexpert_nb.api.sides import carry_to_files, read_base, read_drift
from mlexpert_nb.api.testing import TestsWritten, add_tests, check_module, check_target
from mlexpert_nb.api.validate import validate_target
from mlexpert_nb.config import DEFAULT_WORKSPACE
from mlexpert_nb.packages import Cell, OnEvent, ResultPackage
from mlexpert_nb.skill import parse_duration
from mlexpert_nb.workspace import Commit, Undone, Workspace


def request(text: str, verb: str = "", **options: Unpack[Options]) -> ResultPackage:
    """Carry out a request in plain words; detection chooses the command where `verb` is empty.

    Raises:
        MLExpertError: The request, the workspace or the machine cannot be used as they are; one line says what to do.
    """
    asked = ticket(text, verb, options)
    return propose(asked) if asked.settings.approve == "plan" else run(asked)


def implement(text: str, **options: Unpack[Options]) -> ResultPackage:
    """Implement an architecture: plan, code, tests, proof."""
    return request(text, "implement", **options)


def fix(text: str, **options: Unpack[Options]) -> ResultPackage:
    """Find and mend a bug in training code."""
    return request(text, "fix", **options)


def optimize(text: str, **options: Unpack[Options]) -> ResultPackage:
    """Make a model faster or smaller, proven equivalent."""
    return request(text, "optimize", **options)


def paper(text: str, **options: Unpack[Options]) -> ResultPackage:
    """Implement what a paper describes."""
    return request(text, "paper", **options)


def pipeline(text: str, **options: Unpack[Options]) -> ResultPackage:
    """Build a training pipeline."""
    return request(text, "pipeline", **options)


def plan(text: str, **options: Unpack[Options]) -> ResultPackage:
    """Stop at the plan: it is put into the workspace as an editable file."""
    return propose(ticket(text, "", {**options, "approve": "plan"}))


def approve(workspace: str | Path, *, on_event: OnEvent | None = None, ask_key: AskKey | None = None) -> ResultPackage:
    """Carry out the plan that waits in a workspace, exactly as its file stands now."""
    given: Options = {}
    if on_event is not None:
        given["on_event"] = on_event
    if ask_key is not None:
        given["ask_key"] = ask_key
    return carry_out(Path(workspace).expanduser(), given)


def resume(workspace: str | Path = "", answers: str = "", options: Options | None = None) -> ResultPackage:
    """Go on with the run of a workspace that did not end: interrupted, cut off, out of money, or with a question.

    Args:
        workspace: The folder.
        answers: What you say to the specialist's questions.
        options: What is to be different from here on, such as `budget_usd` or `max_turns`.
    """
    return go_on(Path(workspace or DEFAULT_WORKSPACE).expanduser(), answers, options or {})


def is_unfinished(workspace: str | Path, text: str = "") -> bool:
    """Tell whether `resume` has something to go on with: the run of a certain request, if one is given."""
    said = unfinished(Path(workspace).expanduser())
    return bool(said) and (not text or said.strip() == text.strip())


def show_context(text: str, verb: str = "", **options: Unpack[Options]) -> Preview:
    """Give exactly what the first call of a request would send, and to whom; nothing is sent."""
    return preview(ticket(text, verb, options, sends=False))


def verify(workspace: str | Path, receipt: str | None = None) -> judge.Verification:
    """Check a workspace against its receipt, and the receipt against one that you kept, if given."""
    return judge.verify(Path(workspace).expanduser(), receipt)


def undo(workspace: str | Path, *, force: bool = False, receipt: str | None = None) -> Undone:
    """Take the last run back: the workspace holds the bytes from before it.

    Args:
        workspace: The folder.
        force: Also where files were edited since; the edits are lost.
        receipt: Receipt that the run must have; a later run is not taken back in its place.
    """
    return Workspace.open(Path(workspace)).undo(force=force, receipt=receipt)


def history(workspace: str | Path) -> tuple[Commit, ...]:
    """List the runs that changed a workspace, oldest first."""
    return Workspace.open(Path(workspace)).history()


def generated_cells(workspace: str | Path) -> tuple[Cell, ...]:
    """Give the notebook cells of a workspace's last run."""
    return read_cells(Path(workspace).expanduser())


def catalogue_entries() -> tuple[catalogue.Entry, ...]:
    """List what the offline specialist can build."""
    return tuple(catalogue.ENTRIES.values())


__all__ = [
    "MIRROR",
    "SIDES",
    "Carry",
    "CellDrift",
    "Configuration",
    "Drift",
    "Health",
    "Options",
    "Preview",
    "Row",
    "SettingNow",
    "Shown",
    "Side",
    "Started",
    "TestsWritten",
    "add_tests",
    "approve",
    "benchmark_model",
    "carry",
    "carry_to_files",
    "catalogue_entries",
    "check_module",
    "check_target",
    "config",
    "create_model_skeleton",
    "defaults",
    "doctor",
    "extension_in",
    "fix",
    "generated_cells",
    "history",
    "implement",
    "init",
    "is_unfinished",
    "optimize",
    "paper",
    "parse_duration",
    "pipeline",
    "plan",
    "profile_target",
    "read_base",
    "read_drift",
    "request",
    "resume",
    "show_context",
    "undo",
    "validate_target",
    "verify",
]
