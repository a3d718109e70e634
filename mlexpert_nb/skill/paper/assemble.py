"""From the parts of a paper to a paper: what tables and running text state, and what is said of its own model."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlexpert_nb.skill.paper import whose
from mlexpert_nb.skill.paper.paper import Algorithm, Equation, Figure, Hyperparameter, Paper, Section
from mlexpert_nb.skill.paper.prose import stated_in_prose
from mlexpert_nb.skill.paper.table import Read, Table, Whole, read_table

_REFERENCES = re.compile(r"(?:references|bibliography|acknowledge?ments?)\b", re.IGNORECASE)
_TRAINING = re.compile(
    r"\b(?:learning rate|optimi[sz]er|schedule[rsd]?|warm-?up|epochs|anneal\w*|adamw?|batch(?:es)?|augment\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A paper taken apart; the first section is what stands before the first heading."""

    title: str
    abstract: str
    sections: tuple[Section, ...]
    equations: tuple[Equation, ...] = ()
    tables: tuple[Table, ...] = ()
    algorithms: tuple[Algorithm, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


def assemble(parts: Parts) -> Paper:
    """Read the values of a paper; one that a table states too is told once."""
    own = tuple(_own(parts))
    said = " ".join(each.text for each in own)
    read = Read()
    for table in parts.tables:
        read_table(table, Whole(parts.title, said), read)
    prose = [
        each
        for section in parts.sections
        if not _REFERENCES.match(section.title)
        for each in stated_in_prose(section.text, section.title, parts.title)
    ]
    return Paper(
        title=parts.title,
        abstract=parts.abstract,
        sections=parts.sections[1:],
        equations=parts.equations,
        hyperparameters=(*read.values, *_not_said_before(prose, read.values)),
        algorithms=parts.algorithms,
        figures=parts.figures,
        own=own,
        notes=(*parts.notes, *read.notes),
    )


def _not_said_before(prose: Sequence[Hyperparameter], tables: Sequence[Hyperparameter]) -> Iterator[Hyperparameter]:
    told = {(each.concept, each.number) for each in tables if each.number and each.concept}
    return (each for each in prose if each.doubt or (each.concept, each.number) not in told)


def _own(parts: Parts) -> Iterator[Section]:
    """Give what the title, the abstract and each section say of the paper's own model."""
    for where, text in (("title", parts.title), ("abstract", parts.abstract)):
        if own := whose.own_part(text, parts.title):
            yield Section(where, own)
    for section in parts.sections[1:]:
        if whose.doubt_of_section(section.title) or _REFERENCES.match(section.title):
            continue
        spoken = [
            each for each in whose.sentences(section.text) if whose.is_own_sentence(each) and not _TRAINING.search(each)
        ]
        text = whose.own_part(" ".join(spoken), parts.title)
        if text:
            yield Section(section.title, text)
