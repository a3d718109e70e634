"""The way of a request: detect, gather, plan, approve, write on a stage, judge, mend, commit."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeAlias

from mlexpert_nb.agent import Meter, Outcome, Plan, digest
from mlexpert_nb.api.conversation import Conversation, answers_of, converse, documents, end, tell_cost
from mlexpert_nb.api.options import Ticket
from mlexpert_nb.api.proof import (
    Job,
    allows,
    breaks,
    cells_of,
    commit,
    kept,
    listed,
    prove,
    replaceable,
    unproven,
    what_failed,
)
from mlexpert_nb.api.records import (
    keep_waiting_plan,
    planned_versus_done,
    read_facts,
    request_key,
    with_facts,
    write_cells,
    write_records,
)
from mlexpert_nb.errors import ConflictError
from mlexpert_nb.packages import Event, Proposal, ResultPackage, Status
from mlexpert_nb.skill import detect, gather, read_papers, targets
from mlexpert_nb.verify import read_result, tests_that_ran, verify
from mlexpert_nb.workspace import Draft, Stage, Workspace

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
    "clarify": ("needs_clarification", "the specialist needs your answer before it goes on"),
    "references": ("needs_references", "the specialist needs these papers or this code before it goes on"),
    "out_of_scope": ("escalated", "{text}"),
    "budget": ("partial", "{text}; nothing was changed; the work so far is kept; raise --budget-usd"),
    "circles": ("escalated", "the specialist went in circles: {text}; nothing was changed"),
    "context": ("partial", "{text}; nothing was changed; hand over fewer or shorter files"),
}
UNFINISHED = frozenset({"max_turns", "budget", "context", "circles", "max_tokens"})  # judged anyway, if there is a plan
OVER = frozenset({"no_plan", "refusal", "out_of_scope"})  # nothing that could go on

Decide: TypeAlias = Callable[[str, Stage], str | None]
"""Given a plan's text and the stage, gives the text as approved (perhaps edited), or None."""


def run(
    ticket: Ticket, decide: Decide | None = None, *, salt: str = "", takes: frozenset[str] = frozenset()
) -> ResultPackage:
    """Carry out one request.

    Args:
        ticket: The request.
        decide: Decides on the plan in place of the ticket's settings; a run that has it always runs anew.
        salt: Tells this run from another one of the same request, such as the hash of an edited plan.
        takes: Files of the user that it may take away.

    Raises:
        MLExpertError: The request, the workspace or the machine cannot be used as they are.
    """
    job = prepare(ticket, salt)
    if isinstance(job, ResultPackage):
        return job
    if decide is not None:
        return _deliver(replace(job, takes=takes), decide)
    return unchanged(job) or _deliver(job, lambda text, stage: _ask(job, text, stage))


def prepare(ticket: Ticket, salt: str = "") -> Job | ResultPackage:
    """Detect what is asked, and gather what the specialist is told; a request for somebody else is answered at once."""
    ticket.on_event(Event("phase", "plan"))
    detection = detect(ticket.text, ticket.verb or None)
    if detection.redirect:
        facts = {"message": detection.redirect, "detection": asdict(detection), "request": ticket.text}
        return ResultPackage("escalated", evidence=facts)
    context = gather(ticket.text, ticket.asked, namespace=ticket.namespace)
    evidence = {**context.evidence, "detection": asdict(detection), "targets": asdict(targets(context))}
    papers = read_papers(evidence.get("texts", ()), context.reference_materials.papers)
    if detection.verb == "paper" and papers:
        evidence["paper"] = papers
    context = replace(context, evidence=evidence)
    ticket = replace(ticket, verb=detection.verb)
    return Job(ticket, context, Workspace.open(ticket.settings.workspace), request_key(ticket, context, salt))


def unchanged(job: Job) -> ResultPackage | None:
    """Give the result that the workspace already holds for this very request, if it is proven and untouched."""
    facts = read_facts(job.workspace.root)
    if facts.get("key") != job.key or not verify(job.workspace.root).passed:
        return None
    return with_facts(read_result(job.workspace.root), facts, unchanged=True)


def _deliver(job: Job, decide: Decide) -> ResultPackage:
    loop: Conversation | None = None

    def approve(text: str) -> str | None:
        _refuse_to_replace(job, Plan.from_text(text), stage)
        approved = _approved_before(job, text)
        approved = decide(text, stage) if approved is None else approved
        if approved is not None:
            job.ticket.on_event(Event("phase", "write"))
        return approved

    with job.workspace.stage() as stage:
        try:
            loop = converse(job.ticket, stage, approve)
            papers = documents(job.ticket)
            tell_cost(job.ticket, loop, job.context, papers)
            outcome = loop.run(job.context, papers)
            result = _finish(job, loop, outcome, stage)
        finally:
            end(job.ticket, loop)
    if job.ticket.answerer.asks and (result.status == "implementation_complete" or not _goes_on(job, outcome)):
        Draft(job.ticket.settings.workspace).drop()
    return result


def _finish(job: Job, loop: Conversation, outcome: Outcome, stage: Stage) -> ResultPackage:
    """Judge what was written, hand failures back to a language model, and commit what passes."""
    judged: dict[str, ResultPackage] = {}  # what was on the stage -> what is wrong with it
    tests: frozenset[str] = frozenset()  # that ran in an earlier attempt
    while True:
        facts = _facts(job, outcome, stage, loop.meter)
        if outcome.plan is None or not _is_judged(job, outcome, stage):
            return _ended(job, outcome, facts)
        state = stage.diff()
        if state in judged:  # sent back, and nothing came of it
            return _not_delivered(job, outcome, judged[state])
        loop.transcript.settle()
        keep_waiting_plan(stage, is_carried_out=bool(job.takes))
        write_records(stage, facts, plan_text=outcome.plan_text, context=job.context)
        write_cells(stage, cells_of(job, outcome.plan))
        verdict, ran = prove(job, outcome.plan, stage), tests_that_ran(stage.root)
        verdict, tests = kept(verdict, ran, tests), tests | ran
        broken = breaks(stage) if verdict.passed else ()
        if verdict.passed and (not broken or allows(job, broken)):
            agreed = {"broken": listed(broken)} if broken else {}
            return with_facts(commit(job, outcome.plan, stage, verdict), {**facts, **agreed})
        judged[state] = (
            _broken(facts, listed(broken)) if verdict.passed else with_facts(unproven(stage, verdict), facts)
        )
        if len(judged) > _num_repairs(job) or outcome.reason not in ("done", "stuck"):
            return _not_delivered(job, outcome, judged[state])
        job.ticket.on_event(Event("phase", f"mend: attempt {len(judged)} of {_num_repairs(job)}"))
        outcome = loop.go_on(_BREAKS.format(names=listed(broken)) if broken else what_failed(stage, verdict))


def _num_repairs(job: Job) -> int:
    answerer = job.ticket.answerer
    return job.ticket.settings.max_repairs + answerer.recording.num_repairs if answerer.is_language_model else 0


_BREAKS = (
    "The judge passed it, but it breaks public names that other code may use, which nobody has agreed to:\n{names}\n"
    "Keep the old names and signatures working, beside the new ones if need be."
)


def _is_judged(job: Job, outcome: Outcome, stage: Stage) -> bool:
    if outcome.reason == "done":
        return True
    if not job.ticket.answerer.is_language_model:
        return False
    return outcome.reason == "stuck" or (outcome.reason in UNFINISHED and bool(stage.changes()))


def _not_delivered(job: Job, outcome: Outcome, result: ResultPackage) -> ResultPackage:
    """Say why the user's folder is as it was: what is not proven, or what would break, and why it ended there."""
    status, message = ENDINGS.get(outcome.reason, (result.status, result.message))
    if outcome.reason in UNFINISHED:
        said = f"{message.format(text=outcome.text)}; {result.message}"
        result = replace(result, status=status, evidence={**result.evidence, "message": said})
    return _with_way_on(job, outcome, result)


def _broken(facts: Mapping[str, Any], broken: str) -> ResultPackage:
    message = (
        "this would break public names, and nobody has agreed to that; nothing was changed; --approve ask asks you"
    )
    return ResultPackage("escalated", evidence={**facts, "message": message, "broken": broken})


def _ask(job: Job, text: str, stage: Stage) -> str | None:
    settings, ask = job.ticket.settings, job.ticket.ask
    if settings.approve == "auto":
        return text
    proposal = Proposal(text, digest(text), announced(Plan.from_text(text), stage))
    return text if ask is not None and ask(proposal) else None


def _approved_before(job: Job, text: str) -> str | None:
    """Give the plan as the user approved it earlier in this run; None where nobody has yet.

    The approval in somebody's recording counts only for those who ask for no approval: it may be another person's.
    """
    answerer = job.ticket.answerer
    is_own = answerer.is_live or job.ticket.settings.approve == "auto"
    return answerer.recording.approvals.get(digest(text)) if is_own else None


def announced(plan: Plan, stage: Stage) -> str:
    """List what the plan would change in the workspace, in the manner of `git diff --stat`."""
    existing = set(stage.files())
    marks = {each.path: "M" if each.path in existing else "A" for each in plan.files}
    return "\n".join(f"{mark}  {path}" for path, mark in sorted(marks.items()))


def _refuse_to_replace(job: Job, plan: Plan, stage: Stage) -> None:
    """Find out now, not after minutes of work, that a planned file is the user's."""
    existing, allowed = set(stage.files()), replaceable(job, plan)
    theirs = sorted(each.path for each in plan.files if each.path in existing and each.path not in allowed)
    if theirs:
        more = f" and {len(theirs) - 1} more" if len(theirs) > 1 else ""
        raise ConflictError(
            f"{theirs[0]}{more} in {job.ticket.settings.workspace} is yours or was changed by you, and was kept; "
            "move it away, or choose another --workspace"
        )


def _facts(job: Job, outcome: Outcome, stage: Stage, meter: Meter | None) -> dict[str, object]:
    return {
        "key": job.key,
        "request": job.context.task,
        "verb": job.ticket.verb,
        "llm": job.ticket.answerer.statement,
        "plan_digest": digest(outcome.plan_text) if outcome.plan_text else "",
        "turns": outcome.turns,
        **({"answers": said} if (said := answers_of(job.ticket)) else {}),
        "planned_vs_done": planned_versus_done(outcome, stage),
        **({"cost": meter.told()} if meter is not None and meter.usage.read else {}),
    }


def _ended(job: Job, outcome: Outcome, facts: dict[str, object]) -> ResultPackage:
    status, message = ENDINGS[outcome.reason]
    plan = {"plan": outcome.plan_text} if outcome.plan_text else {}
    asked = {"questions": json.loads(outcome.text)} if outcome.reason in ("clarify", "references") else {}
    told = message.format(text=outcome.text)
    return _with_way_on(job, outcome, ResultPackage(status, evidence={**facts, **plan, **asked, "message": told}))


def _with_way_on(job: Job, outcome: Outcome, result: ResultPackage) -> ResultPackage:
    """Say that the run can go on, where it was kept."""
    if not job.ticket.answerer.asks or not _goes_on(job, outcome):
        return result
    return replace(result, evidence={**result.evidence, "resumable": True})


def _goes_on(job: Job, outcome: Outcome) -> bool:
    """Say whether a run that ended like this is worth keeping; without a language model only its question is."""
    return outcome.reason not in OVER if job.ticket.answerer.is_live else outcome.reason == "clarify"
