"""The way of a request: detect, gather, plan, approve, write on a stage, judge, commit."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

from mlexpert_nb import catalogue
from mlexpert_nb.agent import Approve, Loop, Outcome, Plan, Transcript, digest
from mlexpert_nb.api.mirror import MIRROR
from mlexpert_nb.api.options import Ticket
from mlexpert_nb.api.records import (
    planned_versus_done,
    read_facts,
    request_key,
    with_facts,
    write_cells,
    write_mirror,
    write_records,
)
from mlexpert_nb.errors import ConflictError
from mlexpert_nb.packages import Cell, ContextPackage, Event, Proposal, ResultPackage, Status
from mlexpert_nb.skill import detect, gather, targets
from mlexpert_nb.verify import JudgeSpec, delivered_files, judge, read_result, verify
from mlexpert_nb.workspace import Stage, Workspace

PLAN_FILE = "mlexpert_plan.md"
ENDINGS: Mapping[str, tuple[Status, str]] = {
    "no_plan": ("escalated", "{text}"),
    "not_approved": (
        "plan_ready",
        (
            "the plan was not approved; nothing was changed; --approve auto goes ahead without asking, "
            "--approve plan writes the plan to a file that `mlexpert approve` carries out"
        ),
    ),
    "stuck": ("partial", "{text}; nothing was changed"),
    "max_turns": ("partial", "{text}; nothing was changed; raise --max-turns"),
    "max_tokens": ("partial", "the answer was cut off by its length limit; nothing was changed"),
    "refusal": ("escalated", "the specialist declined: {text}"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """A request with its context, on the way to its workspace."""

    ticket: Ticket
    context: ContextPackage
    workspace: Workspace
    key: str


Decide: TypeAlias = Callable[[str, Stage], str | None]
"""Given a plan's text and the stage, gives the text as approved (perhaps edited), or None."""


def run(ticket: Ticket, decide: Decide | None = None, *, salt: str = "") -> ResultPackage:
    """Carry out one request.

    Args:
        ticket: The request.
        decide: Decides on the plan in place of the ticket's settings; a run that has it always runs anew.
        salt: Tells this run from another one of the same request, such as the hash of an edited plan.

    Raises:
        MLExpertError: The request, the workspace or the machine cannot be used as they are.
    """
    ticket.on_event(Event("phase", "plan"))
    detection = detect(ticket.text, ticket.verb or None)
    if detection.redirect:
        facts = {"message": detection.redirect, "detection": asdict(detection), "request": ticket.text}
        return ResultPackage("escalated", evidence=facts)
    context = gather(ticket.text, ticket.asked, namespace=ticket.namespace)
    evidence = {**context.evidence, "detection": asdict(detection), "targets": asdict(targets(context))}
    context = replace(context, evidence=evidence)
    ticket = replace(ticket, verb=detection.verb)
    job = Job(ticket, context, Workspace.open(ticket.settings.workspace), request_key(ticket, context, salt))
    if decide is not None:
        return _deliver(job, decide)
    return unchanged(job) or _deliver(job, lambda text, stage: _ask(job, text, stage))


def unchanged(job: Job) -> ResultPackage | None:
    """Give the result that the workspace already holds for this very request, if it is proven and untouched."""
    facts = read_facts(job.workspace.root)
    if facts.get("key") != job.key or not verify(job.workspace.root).passed:
        return None
    return with_facts(read_result(job.workspace.root), facts, unchanged=True)


def _deliver(job: Job, decide: Decide) -> ResultPackage:
    with job.workspace.stage() as stage:

        def approve(text: str) -> str | None:
            _refuse_to_replace(job, Plan.from_text(text), stage)
            approved = decide(text, stage)
            if approved is not None:
                job.ticket.on_event(Event("phase", "write"))
            return approved

        outcome = _converse(job, stage, approve)
        facts = _facts(job, outcome, stage)
        if outcome.reason != "done" or outcome.plan is None:
            return _ended(outcome, facts)
        write_records(stage, facts, plan_text=outcome.plan_text, context=job.context)
        write_cells(stage, _cells(job, outcome.plan))
        return with_facts(_prove_and_commit(job, outcome.plan, stage), facts)


def _converse(job: Job, stage: Stage, approve: Approve) -> Outcome:
    loop = Loop(
        job.ticket.llm,
        stage,
        approve=approve,
        on_event=job.ticket.on_event,
        transcript=Transcript(stage.state / "transcript.jsonl"),
        max_turns=job.ticket.settings.max_turns,
    )
    return loop.run(job.context)


def _prove_and_commit(job: Job, plan: Plan, stage: Stage) -> ResultPackage:
    job.ticket.on_event(Event("phase", "verify"))
    verdict = judge(stage.root, _spec(job, plan, stage), job.ticket.on_event)
    result = read_result(stage.root)
    if not verdict.passed:
        failed = ", ".join(each.check for each in verdict.findings if not each.passed)
        message = f"not proven: {failed}; nothing was changed in the workspace"
        return replace(result, evidence={**result.evidence, "message": message})
    job.ticket.on_event(Event("phase", "commit"))
    mirror = {MIRROR} if write_mirror(stage, _cells(job, plan)) else set()  # after the seal: it is the user's to edit
    label = f"{job.ticket.verb}: {job.context.task}"
    job.workspace.commit(stage, label=label, replaces=_replaceable(job, plan) | mirror, receipt=verdict.receipt)
    return result


def _ask(job: Job, text: str, stage: Stage) -> str | None:
    settings, ask = job.ticket.settings, job.ticket.ask
    if settings.approve == "auto":
        return text
    proposal = Proposal(text, digest(text), announced(Plan.from_text(text), stage))
    return text if ask is not None and ask(proposal) else None


def announced(plan: Plan, stage: Stage) -> str:
    """List what the plan would change in the workspace, in the manner of `git diff --stat`."""
    existing = set(stage.files())
    marks = {each.path: "M" if each.path in existing else "A" for each in plan.files}
    return "\n".join(f"{mark}  {path}" for path, mark in sorted(marks.items()))


def _refuse_to_replace(job: Job, plan: Plan, stage: Stage) -> None:
    """Find out now, not after minutes of work, that a planned file is the user's."""
    existing, allowed = set(stage.files()), _replaceable(job, plan)
    theirs = sorted(each.path for each in plan.files if each.path in existing and each.path not in allowed)
    if theirs:
        more = f" and {len(theirs) - 1} more" if len(theirs) > 1 else ""
        raise ConflictError(
            f"{theirs[0]}{more} in {job.ticket.settings.workspace} is yours or was changed by you, and was kept; "
            "move it away, or choose another --workspace"
        )


def _replaceable(job: Job, plan: Plan) -> frozenset[str]:
    """Give the files that may be replaced: our own, untouched since, and those that the approved plan modifies."""
    ours = delivered_files(job.workspace.root)
    return frozenset(ours) | {PLAN_FILE} | {each.path for each in plan.files if each.action == "modify"}


def _spec(job: Job, plan: Plan, stage: Stage) -> JudgeSpec:
    existing = set(stage.files())
    delivered = {each.path for each in plan.files} | {change.path for change in stage.changes()}
    limits = targets(job.context)
    return JudgeSpec(
        request=job.key,
        num_parameters=limits.num_parameters,
        vram_bytes=limits.vram_bytes,
        latency_ms=limits.latency_ms,
        delivered=tuple(sorted(delivered & existing)),
        seed=job.ticket.settings.seed,
    )


def _cells(job: Job, plan: Plan) -> tuple[Cell, ...]:
    workspace = job.ticket.settings.workspace.as_posix()
    if plan.entry in catalogue.ENTRIES:
        return catalogue.ENTRIES[plan.entry].cells(dict(plan.configuration), workspace=workspace)
    return catalogue.plain_cells(workspace)


def _facts(job: Job, outcome: Outcome, stage: Stage) -> dict[str, object]:
    return {
        "key": job.key,
        "request": job.context.task,
        "verb": job.ticket.verb,
        "llm": job.ticket.llm.statement,
        "plan_digest": digest(outcome.plan_text) if outcome.plan_text else "",
        "turns": outcome.turns,
        "planned_vs_done": planned_versus_done(outcome, stage),
    }


def _ended(outcome: Outcome, facts: dict[str, object]) -> ResultPackage:
    status, message = ENDINGS[outcome.reason]
    plan = {"plan": outcome.plan_text} if outcome.plan_text else {}
    return ResultPackage(status, evidence={**facts, **plan, "message": message.format(text=outcome.text)})
