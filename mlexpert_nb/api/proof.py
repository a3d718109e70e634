"""From a finished stage to the user's folder: judged, and put there in one step, or not at all."""

from dataclasses import dataclass, replace

from mlexpert_nb import catalogue
from mlexpert_nb.agent import Plan, demanded_claims, digest
from mlexpert_nb.api.mirror import MIRROR
from mlexpert_nb.api.options import Ticket
from mlexpert_nb.api.records import write_mirror
from mlexpert_nb.packages import Cell, ContextPackage, Event, Proposal, ResultPackage
from mlexpert_nb.skill import targets
from mlexpert_nb.verify import (
    Break,
    Finding,
    JudgeSpec,
    Verdict,
    broken_names,
    delivered_files,
    failures,
    judge,
    read_result,
)
from mlexpert_nb.workspace import Stage, Workspace

_NAMED = 5  # tests that a message names before it says how many more there are


@dataclass(frozen=True, slots=True)
class Job:
    """A request with its context, on the way to its workspace.

    Attributes:
        ticket: The request.
        context: What was gathered.
        workspace: Where to.
        key: Tells runs apart that must deliver something else.
        takes: Files of the user that the run may take away, such as the plan that it carries out.
    """

    ticket: Ticket
    context: ContextPackage
    workspace: Workspace
    key: str
    takes: frozenset[str] = frozenset()


def prove(job: Job, plan: Plan, stage: Stage) -> Verdict:
    """Let the judge decide."""
    job.ticket.on_event(Event("phase", "verify"))
    return judge(stage.root, _spec(job, plan, stage), job.ticket.on_event)


def commit(job: Job, plan: Plan, stage: Stage, verdict: Verdict) -> ResultPackage:
    """Put what was proven into the user's folder."""
    result = read_result(stage.root)
    job.ticket.on_event(Event("phase", "commit"))
    mirror = {MIRROR} if write_mirror(stage, cells_of(job, plan)) else set()  # after the seal: it is the user's to edit
    label = f"{job.ticket.verb}: {job.context.task}"
    job.workspace.commit(stage, label=label, replaces=replaceable(job, plan) | mirror, receipt=verdict.receipt)
    return result


def unproven(stage: Stage, verdict: Verdict) -> ResultPackage:
    """Give the result of what the judge did not pass."""
    result = read_result(stage.root)
    failed = ", ".join(each.check for each in verdict.findings if not each.passed)
    message = f"not proven: {failed}; nothing was changed in the workspace"
    return replace(result, status="verification_failed", evidence={**result.evidence, "message": message})


def kept(verdict: Verdict, tests: frozenset[str], before: frozenset[str]) -> Verdict:
    """Hold a mended delivery to the tests of the attempts before it: to take one away mends nothing."""
    gone = sorted(before - tests)
    if not verdict.passed or not gone:
        return verdict
    more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
    finding = Finding(
        check="tests_kept",
        passed=False,
        measured=f"gone since an earlier attempt: {', '.join(gone[:_NAMED])}{more}",
        limit="every test of an earlier attempt still runs",
        fix="put them back and mend the code; a test that is wrong is mended, not taken away",
        command="mlexpert verify",
    )
    return replace(verdict, passed=False, findings=(*verdict.findings, finding))


def what_failed(stage: Stage, verdict: Verdict) -> str:
    """Tell the specialist what to mend."""
    return failures(stage.root, verdict)


def breaks(stage: Stage) -> tuple[Break, ...]:
    """List the public names of the user's files that the run would break."""
    touched = [change.path for change in stage.changes() if (stage.base / change.path).is_file()]
    return broken_names(stage.base, stage.root, touched)


def allows(job: Job, broken: tuple[Break, ...]) -> bool:
    """Ask the user whether these names may break; nobody to ask means no."""
    ask = job.ticket.ask
    if ask is None or job.ticket.settings.approve == "auto":
        return False
    text = f"# This breaks code that uses it\n\n{listed(broken)}\n"
    return ask(Proposal(text, digest(text)))


def listed(broken: tuple[Break, ...]) -> str:
    """Give the names that would break, one a line."""
    return "\n".join(f"- {each.path}: {each.name}: {each.what}" for each in broken)


def cells_of(job: Job, plan: Plan) -> tuple[Cell, ...]:
    """Give the cells that a notebook puts under the request."""
    workspace = job.ticket.settings.workspace.as_posix()
    if plan.entry in catalogue.ENTRIES:
        return catalogue.ENTRIES[plan.entry].cells(dict(plan.configuration), workspace=workspace)
    return catalogue.plain_cells(workspace)


def replaceable(job: Job, plan: Plan) -> frozenset[str]:
    """Give the files that may be replaced: our own, untouched since, and those that the approved plan modifies."""
    ours = delivered_files(job.workspace.root)
    return frozenset(ours) | job.takes | {each.path for each in plan.files if each.action == "modify"}


def _spec(job: Job, plan: Plan, stage: Stage) -> JudgeSpec:
    existing = set(stage.files())
    announced = {each.path for each in plan.files}
    written = {change.path for change in stage.changes()} & existing  # else it was taken away
    limits = targets(job.context)
    return JudgeSpec(
        request=job.key,
        num_parameters=limits.num_parameters,
        vram_bytes=limits.vram_bytes,
        latency_ms=limits.latency_ms,
        delivered=tuple(sorted(announced | written)),
        seed=job.ticket.settings.seed,
        num_faults=job.ticket.settings.num_faults,
        claims=demanded_claims(job.context, plan.entry),
    )
