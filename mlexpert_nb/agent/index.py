"""The agent on one page, through claude-agent-sdk and without a notebook: a ContextPackage in, a ResultPackage out.

    python -m mlexpert_nb.agent.index CONTEXT.json --workspace DIR --approve auto

The package goes to the language model, whose plan is approved (`--approve auto`) or shown and left (`--approve plan`).
It then writes on a staged copy; the judge, which it cannot reach, proves what is there; what is not proven goes back to
it twice; and only what is proven reaches the workspace. The result is printed on standard output and nothing else.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlexpert_nb.agent.address import read_address
from mlexpert_nb.agent.claude import DEFAULT_MODEL
from mlexpert_nb.agent.demands import demanded_claims
from mlexpert_nb.agent.loop import Outcome
from mlexpert_nb.agent.plan import digest
from mlexpert_nb.agent.sdk import Endpoint, SdkConversation
from mlexpert_nb.agent.transcript import Transcript
from mlexpert_nb.errors import EnvironmentProblem, MLExpertError, UsageError
from mlexpert_nb.keys import VARIABLES, find_key, redactor
from mlexpert_nb.packages import ContextPackage, Event, ResultPackage, Status
from mlexpert_nb.verify import JudgeSpec, Verdict, delivered_files, judge, read_result
from mlexpert_nb.workspace import Stage, Workspace

REPAIRS = 2  # times that what the judge found goes back to the language model
STATUSES: Mapping[str, Status] = {
    "no_plan": "escalated",
    "not_approved": "plan_ready",
    "clarify": "needs_clarification",
    "references": "needs_references",
    "out_of_scope": "escalated",
    "refusal": "escalated",
}
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked, of whom, and where it goes."""

    context: ContextPackage
    endpoint: Endpoint
    workspace: Workspace
    approves: bool
    max_turns: int


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one ContextPackage and print its ResultPackage; give the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        result = implement(_job(arguments, os.environ))
    except MLExpertError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was changed", INTERRUPTED)
    sys.stdout.write(json.dumps(result.to_json(), indent=2, default=str) + "\n")
    return result.exit_code


def implement(job: Job) -> ResultPackage:
    """Plan, write on a stage, prove, repair what is not proven, and deliver what is."""
    with job.workspace.stage() as stage:
        transcript = Transcript(stage.state / "transcript.jsonl", redactor(job.endpoint.secret))
        with SdkConversation(
            job.endpoint,
            stage,
            approve=lambda text: text if job.approves else None,
            on_event=_tell,
            transcript=transcript,
            max_turns=job.max_turns,
        ) as conversation:
            outcome, verdict = conversation.run(job.context), None
            for attempt in range(REPAIRS + 1):
                if outcome.reason != "done":
                    break
                verdict = judge(stage.root, _spec(job, outcome, stage), _tell)
                if verdict.passed or attempt == REPAIRS:
                    break
                outcome = conversation.go_on(_feedback(verdict))
        facts = {**_facts(outcome), "llm": conversation.statement, "cost": conversation.meter.told()}
        if verdict is None:
            return _unproven(outcome, facts)
        return _delivered(job, outcome, stage, verdict, facts)


def _delivered(
    job: Job, outcome: Outcome, stage: Stage, verdict: Verdict, facts: Mapping[str, object]
) -> ResultPackage:
    result = read_result(stage.root)
    if not verdict.passed or outcome.reason != "done":
        failed = ", ".join(each.check for each in verdict.findings if not each.passed)
        message = f"not proven: {failed or outcome.text}; nothing was changed in the workspace"
        return replace(result, status="verification_failed", evidence={**result.evidence, **facts, "message": message})
    planned = {each.path for each in outcome.plan.files if each.action == "modify"} if outcome.plan else set()
    replaces = set(delivered_files(job.workspace.root)) | planned
    job.workspace.commit(stage, label=job.context.task, replaces=replaces, receipt=verdict.receipt)
    return replace(result, evidence={**result.evidence, **facts})


def _unproven(outcome: Outcome, facts: Mapping[str, object]) -> ResultPackage:
    status = STATUSES.get(outcome.reason, "partial")
    message = outcome.text or f"the conversation ended with {outcome.reason}"
    if outcome.reason == "not_approved":
        message = "the plan is in evidence.plan; --approve auto goes ahead"
    return ResultPackage(status, evidence={**facts, "message": f"{message}; nothing was changed in the workspace"})


def _facts(outcome: Outcome) -> dict[str, object]:
    plan = {"plan": outcome.plan_text, "plan_digest": digest(outcome.plan_text)} if outcome.plan_text else {}
    return {"turns": outcome.turns, **plan}


def _spec(job: Job, outcome: Outcome, stage: Stage) -> JudgeSpec:
    limits = job.context.evidence.get("targets", {})
    planned = outcome.plan.files if outcome.plan else ()
    written = {change.path for change in stage.changes()} | {each.path for each in planned}
    return JudgeSpec(
        request=hashlib.sha256(json.dumps(job.context.to_json(), sort_keys=True).encode()).hexdigest(),
        num_parameters=limits.get("num_parameters"),
        vram_bytes=limits.get("vram_bytes"),
        latency_ms=limits.get("latency_ms"),
        delivered=tuple(sorted(written & set(stage.files()))),
        claims=demanded_claims(job.context, outcome.plan.entry if outcome.plan else ""),
    )


def _feedback(verdict: Verdict) -> str:
    failed = [each for each in verdict.findings if not each.passed]
    lines = [f"- {each.check}: {each.measured}; required: {each.limit}; {each.fix}" for each in failed]
    return "The judge did not pass this. Mend the cause, not the tests, then end your turn.\n" + "\n".join(lines)


def _job(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Job:
    context = _context(arguments.context)
    address = read_address(arguments.base_url, environ)
    found = find_key(environ)
    if found is None and not address.is_local:
        raise EnvironmentProblem(f"no key for {address.host}; set {VARIABLES[1]} in the environment")
    return Job(
        context,
        Endpoint(arguments.model, address, found.secret if found else None),
        Workspace.open(arguments.workspace),
        approves=arguments.approve == "auto",
        max_turns=arguments.max_turns,
    )


def _context(path: Path) -> ContextPackage:
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; give the file of a ContextPackage") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}; give the file of a ContextPackage") from None
    return ContextPackage.from_json(data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlexpert_nb.agent.index", description=_first_line())
    parser.add_argument("context", type=Path, metavar="CONTEXT.json", help="a ContextPackage")
    parser.add_argument("--workspace", type=Path, default=Path("mlexpert_workspace"), help="where proven code goes")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="language model")
    parser.add_argument("--base-url", default="", help="another endpoint of the Messages API")
    parser.add_argument("--approve", choices=("auto", "plan"), default="plan", help="go ahead, or stop at the plan")
    parser.add_argument("--max-turns", type=int, default=50, help="turns after which it stops")
    return parser


def _first_line() -> str:
    return (__doc__ or "").partition("\n")[0]


def _tell(event: Event) -> None:
    sys.stderr.write(f"{event.kind}: {event.text}\n")


def _fail(message: str, exit_code: int) -> int:
    sys.stderr.write(f"mlexpert: {message}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
