"""From a ContextPackage to a plan out of the catalogue, or to the words why there is none."""

from collections.abc import Mapping
from typing import Any

from mlexpert_nb.catalogue import Entry, find
from mlexpert_nb.packages import ContextPackage

NEEDS_LANGUAGE_MODEL: Mapping[str, str] = {
    "fix": "finding a bug in your training code",
    "optimize": "optimising your model",
    "speed": "making your model faster",
    "feature": "adding a feature to your model",
    "pipeline": "building a training pipeline",
}
WAY_OUT = "A language model does more: --llm claude with a key, or --base-url of an endpoint of yours"
WAY = (
    "write the source, the docs and the example",
    "write the test-suite",
    "count the parameters without allocating them",
    "hand over to the judge: ruff, tests with coverage, behaviour, latency, memory",
    "put everything into the workspace in one step if the judge passes it, or nothing",
)


def propose(context: ContextPackage) -> Mapping[str, Any] | str:
    """Give the input of `propose_plan`, or a sentence for the user.

    Raises:
        UsageError: The number of parameters cannot be reached by the entry.
    """
    kind = context.evidence.get("detection", {}).get("kind", "architecture")
    if kind in NEEDS_LANGUAGE_MODEL:
        offline = "offline it implements what `mlexpert catalogue` lists"
        return f"{NEEDS_LANGUAGE_MODEL[kind]} needs a language model; {offline}. {WAY_OUT}"
    match = find(context.task, context.requirements.features)
    if match.entry is None:
        near = f" (nearest: {', '.join(match.near)})" if match.near else ""
        return f"not in the offline catalogue: {match.reason}{near}; `mlexpert catalogue` lists what is. {WAY_OUT}"
    missing = [name for name in context.requirements.features if name not in match.entry.features]
    if missing:
        return (
            f"{match.entry.title} has no {', '.join(missing)}; ask for features among "
            f"{', '.join(match.entry.features)}, or leave --features out"
        )
    return _plan(match.entry, context)


def _plan(entry: Entry, context: ContextPackage) -> Mapping[str, Any]:
    wanted = context.evidence.get("targets", {}).get("num_parameters")
    configuration = entry.solve(wanted)
    count = entry.count_parameters(configuration)
    return {
        "title": f"{entry.title}, {count:,} parameters",
        "summary": "\n".join([entry.summary, "", *_reasons(entry, context, count, wanted)]),
        "steps": list(WAY),
        "files": [
            {"path": path, "action": "create", "description": text} for path, text in entry.describe(configuration)
        ],
        "entry": entry.name,
        "configuration": {key: value for key, value in configuration.items() if value is not None},
    }


def _reasons(entry: Entry, context: ContextPackage, count: int, wanted: int | None) -> list[str]:
    limits = context.requirements.constraints
    reasons = [f"Sources: {'; '.join(entry.papers)}."]
    if wanted:
        reasons.append(
            f"Size: {count:,} parameters by formula, {count / wanted - 1:+.2%} from the {wanted:,} asked for."
        )
    if limits.vram:
        reasons.append(f"Memory: the judge holds it to {limits.vram}.")
    if limits.inference_speed:
        reasons.append(f"Speed: the judge holds inference to {limits.inference_speed}.")
    return reasons
