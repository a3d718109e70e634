"""From a ContextPackage to a plan out of the catalogue, or to the words why there is none."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlexpert_nb.agent.llm import OnText
from mlexpert_nb.agent.offline.limits import Limits, fit
from mlexpert_nb.agent.offline.paper import find_paper, one_line, paper_of, planned, read_values
from mlexpert_nb.catalogue import (
    ENTRIES,
    Entry,
    Match,
    find,
    is_chosen,
    read_options,
    read_preset,
    told_facts,
    unread,
    without_titles,
)
from mlexpert_nb.packages import ContextPackage, Json

NEEDS_LANGUAGE_MODEL: Mapping[str, str] = {
    "fix": "finding a bug in your training code",
    "optimize": "optimising your model",
    "speed": "making your model faster",
    "feature": "adding a feature to your model",
    "pipeline": "building a training pipeline",
}
WAY_OUT = "A language model does more: --llm claude with a key, or --base-url of an endpoint of yours"
_AT_MOST = re.compile(
    r"(?:\b(?:under|below|at most|less than|fewer than|no more than|not more than|up to|max(?:imum)?(?: of)?|unter"
    r"|hochstens|höchstens|weniger als|maximal|moins de|au plus|menos de)|<=?|≤)\s*~?\s*\d[\d.,]*\s*[kmb]\b",
    re.IGNORECASE,
)
_BELOW = 0.985  # of a size that is an upper limit; what is solved for is met within less than the rest
WAY = (
    "write the source, the docs and the example",
    "write the test-suite",
    "count the parameters without allocating them",
    "hand over to the judge: ruff, tests with coverage, behaviour, latency, memory",
    "put everything into the workspace in one step if the judge passes it, or nothing",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A question between entries, which only the user can answer."""

    question: str
    options: tuple[str, ...]


def propose(
    context: ContextPackage, answer: str = "", on_text: OnText | None = None
) -> Mapping[str, Any] | Choice | str:
    """Give the input of `propose_plan`, a question, or a sentence for the user.

    Args:
        context: The request.
        answer: What the user said to the question, if there was one.
        on_text: Told of sizes that are tried and do not keep a limit.

    Raises:
        UsageError: The number of parameters cannot be reached by the entry, options of the request exclude others, or
            a limit of memory or time cannot be kept.
    """
    kind = context.evidence.get("detection", {}).get("kind", "architecture")
    if kind in NEEDS_LANGUAGE_MODEL:
        offline = "offline it implements what `mlexpert catalogue` lists"
        return f"{NEEDS_LANGUAGE_MODEL[kind]} needs a language model; {offline}. {WAY_OUT}"
    paper = paper_of(context)
    found = find_paper(context, paper) if paper else find(context.task, context.requirements.features)
    match = _answered(found, answer, context.task)
    if match.candidates:
        options = tuple(_option(name) for name in match.candidates)
        asks = "Which one?" if len(options) > 1 else "Is this what you want?"
        return Choice(f"{asks} {_sentence(match.reason)}.", options)
    if match.entry is None:
        near = f" (nearest: {', '.join(match.near)})" if match.near else ""
        return f"not in the offline catalogue: {match.reason}{near}; `mlexpert catalogue` lists what is. {WAY_OUT}"
    missing = [name for name in context.requirements.features if not _has(match, name)]
    if missing:
        return (
            f"{match.entry.title} has no {', '.join(missing)}; ask for features among "
            f"{', '.join(match.entry.features)}, or leave --features out"
        )
    reading = read_values(paper, match.entry) if paper else None
    plan = _plan(match.entry, match, context, reading.options if reading else {}, on_text or _unheard)
    plan = _with_unread(plan, match, "" if paper else f"{context.task}\n{answer}")
    return planned(plan, reading, paper) if paper and reading else plan


def _answered(match: Match, answer: str, task: str) -> Match:
    """Take the candidate that the user chose, with what the request says of it; any other answer is a request."""
    chosen = next((name for name in match.candidates if answer.strip() in {name, _option(name)}), "")
    if chosen:
        entry = ENTRIES[chosen]
        options, preset = read_options(entry, task), read_preset(entry, task)
        reason = f"you chose {chosen}"
        return replace(match, entry=entry, candidates=(), reason=reason, options=options, preset=preset)
    return find(answer) if match.candidates and answer.strip() else match


def _option(name: str) -> str:
    return f"{name}: {ENTRIES[name].title}"


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def _has(match: Match, feature: str) -> bool:
    """Say whether the network has a feature: always, as an option that was chosen, or as a key of its configuration."""
    entry = match.entry
    if entry is None or feature in entry.features or is_chosen(entry, feature, match.options):
        return entry is not None
    spelled = feature.casefold()
    chosen = {str(value).casefold() for value in match.options.values()}
    return spelled in chosen or spelled in {key.casefold() for key in entry.solve(None)}


def _plan(
    entry: Entry, match: Match, context: ContextPackage, given: Mapping[str, Json], on_text: OnText
) -> Mapping[str, Any]:
    """Plan an entry; what the user's own words state counts before what is given otherwise."""
    asked = context.evidence.get("targets", {})
    wanted = asked.get("num_parameters")
    named = {} if wanted else entry.presets.get(match.preset, {})
    fixed = {**named, **given, **match.options}
    fitted = fit(
        entry,
        _solved(entry, wanted, fixed, context.task),
        Limits(asked.get("vram_bytes"), asked.get("latency_ms")),
        None if wanted or named or given else lambda size: entry.solve(size, fixed),
        on_text,
    )
    configuration = fitted.configuration
    count = entry.count_parameters(configuration)
    reasons = [
        f"Why this: {match.reason}.",
        *_stated(match, context.task),
        *_reasons(entry.sources(configuration), count, wanted),
        *fitted.said,
    ]
    return {
        "title": f"{entry.title}, {count:,} parameters",
        "summary": "\n".join([entry.summary, "", *reasons]),
        "steps": list(WAY),
        "files": [
            {"path": path, "action": "create", "description": text} for path, text in entry.describe(configuration)
        ],
        "entry": entry.name,
        "configuration": {key: value for key, value in configuration.items() if value is not None},
    }


def _solved(entry: Entry, wanted: int | None, fixed: Mapping[str, Json], task: str) -> dict[str, Json]:
    """Give a configuration of the size that is wanted, or of less where the request says "below"."""
    config = entry.solve(wanted, fixed)
    if wanted and _AT_MOST.search(task) and entry.count_parameters(config) > wanted:
        return entry.solve(int(wanted * _BELOW), fixed)
    return config


def _with_unread(plan: Mapping[str, Any], match: Match, text: str) -> Mapping[str, Any]:
    """Add to a plan what the request states and the plan does not hold."""
    if match.entry is None:
        return plan
    left = unread(match.entry, without_titles(text), {**match.options, **plan["configuration"]})
    way = "Say it in other words, edit the plan, or use a language model"
    line = [f"Not taken from the request: {'; '.join(one_line(each) for each in left)}. {way}."] if left else []
    return {**plan, "summary": "\n".join([plan["summary"], *line])}


def _stated(match: Match, task: str) -> list[str]:
    facts = told_facts(match.entry, task) if match.entry else {}
    said = [*([f"the published size {match.preset}"] if match.preset else [])]
    for key, value in match.options.items():
        told, title = facts.get(key, (None, ""))
        said.append(f"{key} = {value}" + (f" ({title})" if told == value else ""))
    return [f"Read from the request: {', '.join(said)}."] if said else []


def _reasons(sources: Iterable[str], count: int, wanted: int | None) -> list[str]:
    reasons = [f"Sources: {'; '.join(sources)}."]
    if wanted:
        reasons.append(
            f"Size: {count:,} parameters by formula, {count / wanted - 1:+.2%} from the {wanted:,} asked for."
        )
    return reasons


def _unheard(_text: str) -> None:
    """Nobody watches."""
