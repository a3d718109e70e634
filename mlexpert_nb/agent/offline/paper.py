"""A paper without a language model: which entry it is about, and which of its values the entry can be given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlexpert_nb.agent.offline.paper_values import VALUES_TEST, held_by_test
from mlexpert_nb.catalogue import ENTRIES, Entry, Match, find, read_options
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import ContextPackage, Json

TRACEABILITY = "docs/traceability.md"
KEYS: Mapping[str, tuple[str, ...]] = {  # what a paper states: what the entries call it, the first that one has
    "width": ("hidden_size", "d_model", "width"),
    "depth": ("num_layers", "num_hidden_layers", "n_layers"),
    "heads": ("num_heads", "num_attention_heads", "n_heads"),
    "kv heads": ("num_kv_heads", "n_kv_heads"),
    "head size": ("d_kv",),
    "mlp width": ("mlp_dim", "intermediate_size", "d_ff", "ffn_size"),
    "patch size": ("patch_size", "patch_length"),
    "patch stride": ("patch_stride",),
    "image size": ("image_size",),
    "classes": ("num_classes", "num_outputs"),
    "channels": ("num_channels",),
    "vocabulary": ("vocab_size",),
    "context": ("max_position_embeddings", "max_length", "context_length"),
    "horizon": ("prediction_length",),
    "window": ("window",),
    "rank": ("rank",),
    "alpha": ("alpha",),
    "dropout": ("dropout",),
    "attention dropout": ("attention_dropout",),
    "residual dropout": ("residual_dropout",),
    "norm epsilon": ("layer_norm_eps", "norm_eps", "layer_norm_epsilon"),
    "state size": ("state_size",),
    "kernel": ("conv_kernel", "kernel_size"),
    "experts": ("num_experts",),
    "top k": ("top_k",),
    "timesteps": ("num_train_timesteps",),
    "groups": ("num_groups",),
    "rope base": ("rope_theta",),
    "discount": ("gamma",),
    "clip range": ("clip_range",),
    "features": ("num_features", "in_features"),
}
TRAINING = "belongs to the training, not to the network; `examples/train.py` has values of its own"
CONTRADICTED = "a table of the paper says otherwise, and counts"
UNDECIDED = "choose one in the plan"
_FILE = re.compile(r"\S+\.(?:pdf|tex)\b", re.IGNORECASE)
_ON_OTHERS = re.compile(r"\b(?:related|prior|comparisons?|baselines?|ablations?|results?)\b", re.IGNORECASE)
_MOST_TOLD = 20  # values that are not taken over, in a plan


@dataclass(frozen=True, slots=True)
class Stated:
    """One value that the paper states, and what becomes of it.

    Attributes:
        name: What the paper calls it.
        value: As it is written.
        where: Table or section.
        key: Key of the configuration; empty if there is none.
        reason: Why it is not taken over; empty if it is.
    """

    name: str
    value: str
    where: str
    key: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of a paper, held against an entry."""

    options: Mapping[str, Json]
    stated: tuple[Stated, ...]


def paper_of(context: ContextPackage) -> Mapping[str, Any] | None:
    """Give the paper that a request is about: the first of those that were handed over; None if it is about none."""
    evidence = context.evidence
    papers = evidence.get("paper", ())
    return papers[0] if papers and evidence.get("detection", {}).get("kind") == "paper" else None


def find_paper(context: ContextPackage, paper: Mapping[str, Any]) -> Match:
    """Find the entry: the words of the user decide, then what the paper says of its own model.

    Its title comes first, then the abstract, the headings and the text; models that it is compared with decide nothing.
    What is refused in the title stays refused.
    """
    title = paper["title"]
    asked = find(_FILE.sub(" ", context.task), context.requirements.features)
    if asked.entry or asked.candidates:
        return asked
    match, text = asked, ""
    for name, more in _own_words(paper):
        text = f"{text} {more}".strip()
        match = find(text)
        if match.entry or match.candidates:
            told = match.reason.removeprefix("the request ")
            return replace(match, reason=f"the paper {one_line(title)!r}, by its {name}, {told}", options={}, preset="")
    return replace(match, reason=f"the paper {one_line(title)!r}: {match.reason.partition(';')[0]}")


def _own_words(paper: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what the paper says of its own model, the plainest statement first."""
    for name in ("title", "abstract"):
        yield name, " ".join(each["text"] for each in paper["own"] if each["where"] == name)
    yield "headings", "; ".join(each for each in paper["sections"] if not _ON_OTHERS.search(each))
    yield "text", " ".join(each["text"] for each in paper["own"] if each["where"] not in {"title", "abstract"})


def read_values(paper: Mapping[str, Any], entry: Entry) -> Reading:
    """Hold every value of a paper against the keys of an entry; tables count before running text."""
    defaults = entry.solve(None)
    choices = _choices(paper, entry)
    found = [_held(each, entry, defaults) for each in paper["hyperparameters"]]
    in_tables = {each.key for each, _ in found if each.where.startswith("Table") and each.key and not each.reason}
    options: dict[str, Json] = {key: value for key, (value, _) in choices.items()}
    stated = [Stated(key, str(value), where, key) for key, (value, where) in choices.items()]
    for each, value in found:
        values = {other for one, other in found if one.key == each.key and _counts(one, in_tables)}
        if not each.key or each.reason:
            stated += [each] if each.reason else []  # what is read as a choice is told as one
        elif not _counts(each, in_tables):
            stated += [] if value in values else [replace(each, reason=CONTRADICTED)]
        elif len(values) > 1:
            stated.append(replace(each, reason=f"the paper states {len(values)} values; {UNDECIDED}"))
        else:
            options[each.key] = value
            stated.append(each)
    return _buildable(entry, options, list(dict.fromkeys(stated)))


def planned(plan: Mapping[str, Any], reading: Reading, paper: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add to a plan what the paper gives, what it leaves open, and the files that trace and hold both."""
    read = [f"{each.key} = {each.value} ({each.where})" for each in reading.stated if not each.reason and each.key]
    entry, configuration = ENTRIES[plan["entry"]], plan["configuration"]
    left = [key for key in configuration if key not in reading.options]
    unread = [_not_taken(each) for each in reading.stated if each.reason]
    more = f" and {len(unread) - _MOST_TOLD} more" if len(unread) > _MOST_TOLD else ""
    lines = [
        f"Paper: {one_line(paper['title'])} ({len(paper['equations'])} equations).",
        f"From the paper: {one_line(', '.join(read)) or 'no value that the network has'}.",
        f"Not found in the paper's text as one value, published defaults kept: {', '.join(left) or 'nothing'}.",
        *([f"Not taken over: {', '.join(unread[:_MOST_TOLD])}{more}."] if unread else []),
        *(f"How the paper was read: {one_line(each)}." for each in paper["notes"]),
    ]
    trace = {"path": TRACEABILITY, "action": "create", "description": "what the paper says, line by line in the code"}
    test = {"path": VALUES_TEST, "action": "create", "description": "the paper's values are the defaults"}
    return {
        **plan,
        "summary": "\n".join([plan["summary"], *lines]),
        "steps": [*plan["steps"][:2], "trace every equation and value of the paper to a line", *plan["steps"][2:]],
        "files": [*plan["files"], *([test] if held_by_test(reading.options, entry, configuration) else []), trace],
    }


def _buildable(entry: Entry, options: dict[str, Json], stated: list[Stated]) -> Reading:
    """Leave out, with the reason, what the network has only in another form than the paper's."""
    kept = dict(options)
    for _ in options:
        try:
            entry.solve(None, kept)
        except UsageError as error:
            why = str(error).rpartition(": ")[2]
            needing = next((key for key in kept if f"{key} needs" in why), "")
            kept.pop(needing, None)
            stated = [
                replace(each, reason=why) if each.key == needing and needing and not each.reason else each
                for each in stated
            ]
        else:
            break
    return Reading(kept, tuple(stated))


def _not_taken(each: Stated) -> str:
    said = f"{one_line(each.name)} = {one_line(each.value)}"
    return f"{said} ({each.reason})" if each.key else said


def one_line(text: str) -> str:
    """Give words of a paper so that they cannot become structure of a plan."""
    return " ".join(text.replace("`", "'").split())


def _choices(paper: Mapping[str, Any], entry: Entry) -> dict[str, tuple[Json, str]]:
    """Give the options of the entry that the paper chooses in words, each with where it does; tables come first."""
    rows = [each for each in paper["hyperparameters"] if not each["number"] and not each["doubt"]]
    told = [(each["where"], f"{each['name']} {each['value']}") for each in rows if each["concept"] != "training"]
    told += [(each["where"], each["text"]) for each in paper["own"]]
    found: dict[str, tuple[Json, str]] = {}
    for where, text in told:
        for key, value in read_options(entry, text).items():
            if key in entry.options and isinstance(value, str | bool):
                found.setdefault(key, (value, where))
    return found


def _counts(each: Stated, in_tables: set[str]) -> bool:
    return not each.reason and (each.where.startswith("Table") or each.key not in in_tables)


def _held(told: Mapping[str, str], entry: Entry, defaults: Mapping[str, Json]) -> tuple[Stated, Json]:
    """Give what becomes of a value, and the value as the configuration has it."""
    each = Stated(told["name"], told["value"], told["where"], "")
    if told["concept"] == "training":
        return replace(each, reason=TRAINING), None
    key = next(_keys(told, defaults), "")
    if not key:
        chosen = set(read_options(entry, f"{told['name']} {told['value']}")) & set(entry.options)
        reason = "is read as a choice" if chosen else f"{entry.title} has nothing of that name"
        return replace(each, reason="" if chosen else reason), None
    value = None if told["doubt"] else _number(told["number"], defaults[key])
    if value is None:
        return replace(each, reason=told["doubt"] or f"{key} cannot be {one_line(told['value'])!r}", key=key), None
    return replace(each, key=key), value


def _keys(told: Mapping[str, str], defaults: Mapping[str, Json]) -> Iterator[str]:
    own = re.sub(r"[\s-]+", "_", told["name"].strip().casefold())
    names: Sequence[str] = (own, *KEYS.get(told["concept"], ()))
    return (key for key in names if key in defaults and not isinstance(defaults[key], bool | str | list | tuple))


def _number(number: str, default: Json) -> Json:
    """Give a number in the kind that a key has; none if it is of another kind."""
    if not number:
        return None
    value = float(number)
    if isinstance(default, float):
        return value
    return int(value) if value.is_integer() else None
