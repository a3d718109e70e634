"""Context gathering: everything the specialist is told about a request, as a ContextPackage.

An explicit option wins over the text of the request; where the two differ, that is noted under `evidence`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from mlexpert_nb.packages import Constraints, ContextPackage, ReferenceMaterials, Requirements
from mlexpert_nb.skill.detect import request_text
from mlexpert_nb.skill.documents import Document, read_documents, within_limit
from mlexpert_nb.skill.existing import judge_existing
from mlexpert_nb.skill.features import find_features, find_model_type, parse_features
from mlexpert_nb.skill.machine import hardware, versions
from mlexpert_nb.skill.mentions import Mentions, find_quantities
from mlexpert_nb.skill.quantities import (
    REAL_TIME,
    REAL_TIME_MS,
    parse_count,
    parse_duration,
    parse_size,
    spell_count,
    spell_duration,
    spell_size,
)
from mlexpert_nb.skill.variables import describe_variables

_Value = TypeVar("_Value", int, float)
_SPELL: Mapping[str, Callable[[Any], str]] = {
    "--params": spell_count,
    "--vram": spell_size,
    "--latency": spell_duration,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a request as they were typed; empty where none was given."""

    params: str = ""
    vram: str = ""
    latency: str = ""
    features: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    paper: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Targets:
    """The limits of a request as numbers; None where there is no limit."""

    num_parameters: int | None
    vram_bytes: int | None
    latency_ms: float | None


@dataclass(slots=True)
class _Found:
    """What the options and the text come to, and how the two agree."""

    requirements: Requirements
    contradictions: list[str] = field(default_factory=list)
    excluded: tuple[str, ...] = ()


def gather(text: str, asked: Asked, *, namespace: Mapping[str, object] | None = None) -> ContextPackage:
    """Gather what the specialist is told.

    Args:
        text: The request, in the user's words.
        asked: The options that came with it.
        namespace: Variables of the notebook; their names, types, shapes and dtypes are told, never their values.

    Raises:
        UsageError: The text is empty, an option cannot be read, or a file cannot be.
    """
    task = request_text(text)
    found = _requirements(task, asked)
    context, papers = read_documents(asked.context), read_documents(asked.paper)
    existing, open_ends = judge_existing(context)
    variables, left_out = describe_variables(namespace or {})
    facts: dict[str, Any] = {
        "contradictions": found.contradictions,
        "excluded_features": list(found.excluded),
        "texts": [asdict(each) for each in within_limit((*papers, *context))],
        "unfinished_code": [verdict._asdict() for verdict in open_ends],
        "variables": list(variables),
        "variables_left_out": left_out,
        "versions": versions(),
        "hardware": hardware(),
    }
    return ContextPackage(
        task=task,
        requirements=found.requirements,
        existing_code=existing,
        reference_materials=_materials(papers, context),
        evidence={key: value for key, value in facts.items() if value},
    )


def targets(context: ContextPackage) -> Targets:
    """Read the limits of a request as numbers.

    Raises:
        UsageError: A limit in the package is not one.
    """
    wanted = context.requirements
    return Targets(
        num_parameters=parse_count(wanted.parameters) if wanted.parameters else None,
        vram_bytes=parse_size(wanted.constraints.vram) if wanted.constraints.vram else None,
        latency_ms=parse_duration(wanted.constraints.inference_speed) if wanted.constraints.inference_speed else None,
    )


def _requirements(task: str, asked: Asked) -> _Found:
    said = find_quantities(task)
    notes = list(said.conflicts)
    count = _chosen("--params", parse_count(asked.params) if asked.params else None, said.num_parameters, notes)
    size = _chosen("--vram", parse_size(asked.vram) if asked.vram else None, said.vram_bytes, notes)
    features, excluded = find_features(task)
    constraints = Constraints(vram=spell_size(size) if size else "", inference_speed=_speed(asked, said, notes))
    requirements = Requirements(
        model_type=find_model_type(task),
        parameters=f"{spell_count(count)} target" if count else "",
        features=_features(asked, features, notes),
        constraints=constraints,
    )
    return _Found(requirements, notes, excluded)


def _speed(asked: Asked, said: Mentions, notes: list[str]) -> str:
    in_text = REAL_TIME_MS if said.real_time and said.latency_ms is None else said.latency_ms
    chosen = _chosen("--latency", parse_duration(asked.latency) if asked.latency else None, in_text, notes)
    if chosen is None:
        return ""
    in_words = "real" in asked.latency.lower() if asked.latency else said.latency_ms is None
    return REAL_TIME if in_words else spell_duration(chosen)


def _features(asked: Asked, in_text: Sequence[str], notes: list[str]) -> tuple[str, ...]:
    typed = parse_features(asked.features)
    others = [name for name in in_text if name not in typed]
    if typed and others:
        notes.append(f"--features leaves out {', '.join(others)}, which the text names; --features was used")
    return typed or tuple(in_text)


def _chosen(option: str, typed: _Value | None, in_text: _Value | None, notes: list[str]) -> _Value | None:
    if typed is not None and in_text is not None and typed != in_text:
        notes.append(
            f"{option} says {_SPELL[option](typed)}, the text says {_SPELL[option](in_text)}; {option} was used"
        )
    return in_text if typed is None else typed


def _materials(papers: Sequence[Document], context: Sequence[Document]) -> ReferenceMaterials:
    """Sort the files: code under --paper is a reference implementation, a PDF under --context is a paper."""
    code = ("code", "notebook")
    return ReferenceMaterials(
        papers=tuple(
            [each.file for each in papers if each.kind not in code]
            + [each.file for each in context if each.kind == "paper"],
        ),
        implementations=tuple(each.file for each in papers if each.kind in code),
    )
