"""A paper without a language model: which entry it is about, and which of its values the entry can be given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlexpert_nb.catalogue import Entry, Match, find
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
_FILE = re.compile(r"\S+\.(?:pdf|tex)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)(?:\s?[x×]\s?\1)?(k|%)?")


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
    """Find the entry: the words of the user decide, then the title, then the abstract, then the headings.

    Where the title names one, the abstract may name others that it is compared with; what is refused in the title
    stays refused.
    """
    title = paper["title"]
    asked = find(_FILE.sub(" ", context.task), context.requirements.features)
    if asked.entry or asked.candidates:
        return asked
    match, text = asked, ""
    for name, more in (("title", title), ("abstract", paper["abstract"]), ("headings", "; ".join(paper["sections"]))):
        text = f"{text} {more}".strip()
        match = find(text)
        if match.entry or match.candidates:
            told = match.reason.removeprefix("the request ")
            return replace(match, reason=f"the paper {one_line(title)!r}, by its {name}, {told}", options={}, preset="")
    return replace(match, reason=f"the paper {one_line(title)!r}: {match.reason.partition(';')[0]}")


def read_values(paper: Mapping[str, Any], entry: Entry) -> Reading:
    """Hold every value of a paper against the keys of an entry; tables count before running text."""
    defaults = entry.solve(None)
    choices = {key: value for key, value in find(_words(paper, entry)).options.items() if key in entry.options}
    found = [_held(each, entry, defaults) for each in paper["hyperparameters"]]
    in_tables = {each.key for each, _ in found if each.where.startswith("Table") and each.key}
    options: dict[str, Json] = dict(choices)
    stated = [Stated(key, str(value), "abstract", key) for key, value in choices.items()]
    for each, value in found:
        values = {other for one, other in found if one.key == each.key and _counts(one, in_tables)}
        if not each.key or each.reason:
            stated.append(each)
        elif not _counts(each, in_tables):
            stated += [] if value in values else [replace(each, reason="the table says otherwise, and counts")]
        elif len(values) > 1:
            stated.append(replace(each, reason=f"the paper states {len(values)} values; choose one in the plan"))
        else:
            options[each.key] = value
            stated.append(each)
    return Reading(options, tuple(dict.fromkeys(stated)))


def planned(plan: Mapping[str, Any], reading: Reading, paper: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add to a plan what the paper gives, what it leaves open, and the file that traces both."""
    read = [f"{each.key} = {each.value} ({each.where})" for each in reading.stated if not each.reason and each.key]
    left = [key for key in plan["configuration"] if key not in reading.options]
    unread = [f"{one_line(each.name)} = {one_line(each.value)}" for each in reading.stated if each.reason]
    lines = [
        f"Paper: {one_line(paper['title'])} ({len(paper['equations'])} equations).",
        f"From the paper: {one_line(', '.join(read)) or 'no value that the network has'}.",
        f"Left open by the paper, published defaults kept: {', '.join(left) or 'nothing'}.",
        *([f"Not taken over: {', '.join(unread)}."] if unread else []),
    ]
    trace = {"path": TRACEABILITY, "action": "create", "description": "what the paper says, line by line in the code"}
    return {
        **plan,
        "summary": "\n".join([plan["summary"], *lines]),
        "steps": [*plan["steps"][:2], "trace every equation and value of the paper to a line", *plan["steps"][2:]],
        "files": [*plan["files"], trace],
    }


def one_line(text: str) -> str:
    """Give words of a paper so that they cannot become structure of a plan."""
    return " ".join(text.replace("`", "'").split())


def _words(paper: Mapping[str, Any], entry: Entry) -> str:
    """Give the text that may choose an option of the entry, in a form that is found as this entry."""
    rows = "; ".join(f"{each['name']} {each['value']}" for each in paper["hyperparameters"])
    return f"{entry.keywords[0]}: {paper['title']}; {paper['abstract']}; {rows}"


def _counts(each: Stated, in_tables: set[str]) -> bool:
    return not each.reason and (each.where.startswith("Table") or each.key not in in_tables)


def _held(told: Mapping[str, str], entry: Entry, defaults: Mapping[str, Json]) -> tuple[Stated, Json]:
    """Give what becomes of a value, and the value as the configuration has it."""
    each = Stated(told["name"], told["value"], told["where"], "")
    if told["concept"] == "training":
        return replace(each, reason=TRAINING), None
    key = next(_keys(told, defaults), "")
    if not key:
        chosen = set(find(f"{entry.keywords[0]}: {told['name']} {told['value']}").options) & set(entry.options)
        reason = "is read as a choice" if chosen else f"{entry.title} has nothing of that name"
        return replace(each, reason="" if chosen else reason, key=""), None
    value = _number(told["value"], defaults[key])
    if value is None:
        return replace(each, reason=f"{key} cannot be {one_line(told['value'])!r}", key=key), None
    return replace(each, key=key), value


def _keys(told: Mapping[str, str], defaults: Mapping[str, Json]) -> Iterator[str]:
    own = re.sub(r"[\s-]+", "_", told["name"].strip().casefold())
    names: Sequence[str] = (own, *KEYS.get(told["concept"], ()))
    return (key for key in names if key in defaults and not isinstance(defaults[key], bool | str | list | tuple))


def _number(text: str, default: Json) -> Json:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    value = float(found[1].replace(",", "")) * {"k": 1000, "%": 0.01}.get(found[2], 1)
    if isinstance(default, float):
        return value
    return int(value) if value.is_integer() else None
