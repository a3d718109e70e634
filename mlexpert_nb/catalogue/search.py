"""Find the entry that a request is about: say why, or ask between candidates, or say why none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.entry import Entry, Match
from mlexpert_nb.catalogue.option_reading import read_options, read_preset, spoken
from mlexpert_nb.catalogue.traits import BROADER, EVERYDAY, HAS, OTHER_NETWORKS, OTHER_PHRASES, TASKS, TRAITS
from mlexpert_nb.catalogue.words import Span, mentioned, spans, words_of

ENCODER = "bert"  # what reads both ways
MOST_CANDIDATES = 6  # of a question
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class _Said:
    """What a request says.

    Attributes:
        named: For each entry that is named, the words that name it.
        refused: Entries that are named and negated.
        traits: For each trait that is mentioned, the words.
        other: The words for a network that the catalogue does not hold.
    """

    named: Mapping[str, str]
    refused: frozenset[str]
    traits: Mapping[str, str]
    other: str


def find(task: str, features: Sequence[str] = ()) -> Match:
    """Give the entry that a request in free text, with the features it lists, is about.

    Names decide, whatever their spelling; where none is named, the entry that alone has every trait mentioned. Two
    that fit, or a name that does not go with what it is for, are a question; nothing is guessed.
    """
    text = " ".join([task, *map(spoken, features)])
    said = _read(text)
    match = _decide(task, said)
    if match.entry is None:
        return match
    preset = read_preset(match.entry, text)
    return Match(match.entry, match.reason, match.near, options=read_options(match.entry, text), preset=preset)


def _read(text: str) -> _Said:
    words = words_of(text)
    found = [
        (name, keyword, span)
        for name, entry in ENTRIES.items()
        for keyword in entry.keywords
        for span in spans(words, keyword)
    ]
    found += [("", phrase, span) for phrase in EVERYDAY for span in spans(words, phrase)]
    exact = [span for _, _, span in found if span.exact]
    found = [each for each in found if each[2].exact or not any(each[2].overlaps(span) for span in exact)]
    outer = [each for each in found if not any(each[2].inside(other[2]) for other in found)]
    named = _longest_words([each for each in outer if each[0] and not each[2].negated])
    refused = frozenset(name for name, _, span in outer if name and span.negated) - set(named)
    taken = [span for _, _, span in outer]
    traits = {trait: word for trait, phrases in TRAITS.items() if (word := _trait(words, phrases, taken))}
    other = next((word for word in words if word in OTHER_NETWORKS), "") or mentioned(words, OTHER_PHRASES)
    return _Said(named, refused, traits, "" if any(other in words_of(word) for word in named.values()) else other)


def _longest_words(found: Sequence[tuple[str, str, Span]]) -> dict[str, str]:
    named: dict[str, str] = {}
    for name, keyword, _ in found:
        if len(keyword) > len(named.get(name, "")):
            named[name] = keyword
    return named


def _trait(words: Sequence[str], phrases: Sequence[str], taken: Sequence[Span]) -> str:
    """Give the words for a trait; as part of a network's name, "graph" in "graph attention network", they are none."""
    for phrase in sorted(phrases, key=len, reverse=True):
        for span in spans(words, phrase):
            if not span.negated and not any(span.inside(other) for other in taken):
                return phrase
    return ""


def _decide(task: str, said: _Said) -> Match:
    candidates = _one_of_each_family(said)
    near = _near(said)
    if said.other:
        return _other(said, near)
    if len(candidates) > 1:
        return _question(candidates, f"the request names {_and(said.named[name] for name in candidates)}", near)
    if candidates:
        return _named(candidates[0], said, near)
    return _by_traits(task, said, near)


def _one_of_each_family(said: _Said) -> list[str]:
    """Give what is named; of entries that are options of one family the last, which is the most special."""
    families: dict[str, str] = {}
    for name in said.named:
        families[ENTRIES[name].family] = name
    kept = list(families.values())
    inner = {name for name in kept for other in kept if other != name and said.named[name] in _choices(ENTRIES[other])}
    return [name for name in kept if name not in inner or len(inner) == len(kept)]


def _choices(entry: Entry) -> frozenset[str]:
    """Give the words that choose an option of an entry: "resnet" is one of the entry for tables."""
    return frozenset(word for values in entry.options.values() for words in values.values() for word in words)


def _named(name: str, said: _Said, near: tuple[str, ...]) -> Match:
    if _is_turned_around(name, said):
        why = f"{ENTRIES[name].title} is causal, so that it can stream; the catalogue's encoder is {ENCODER}"
        return _question([ENCODER, name], f"the request names {said.named[name]}, but as an encoder: {why}", near)
    foreign = [trait for trait in said.traits if trait in TASKS and trait not in HAS.get(name, frozenset())]
    others = [other for other, traits in HAS.items() if other in ENTRIES and other != name and traits & set(foreign)]
    if foreign and not _goes_with(name, foreign):
        reason = f"the request names {said.named[name]}, but also {_and(said.traits[trait] for trait in foreign)}"
        return _question([name, *others], reason, near)
    return Match(ENTRIES[name], f"the request names {said.named[name]}", near)


def _is_turned_around(name: str, said: _Said) -> bool:
    """Say whether a decoder is asked for as an encoder."""
    kinds = HAS.get(name, frozenset())
    return "encoder" in said.traits and "decoder" in kinds and not kinds & {"encoder", "encoder-decoder"}


def _goes_with(name: str, foreign: Sequence[str]) -> bool:
    """Say whether an entry serves tasks that are not its own: an adapter serves any, features of images are general."""
    general = {"lora": {*TASKS}, "kan": {"tabular"}, "neural-ode": {"image classification", "forecasting"}}
    images = {"diffusion", "vae", "wgan-gp", "contrastive", "unet", "detr", "perceiver"}
    allowed = general.get(name, set()) | ({"image classification", "generation"} if name in images else set())
    return set(foreign) <= allowed


def _by_traits(task: str, said: _Said, near: tuple[str, ...]) -> Match:
    if not said.traits:
        return Match(None, _nothing(task), near)
    wanted = set(said.traits)
    fitting = [name for name in ENTRIES if wanted <= HAS.get(name, frozenset()) and name not in said.refused]
    reason = f"the request speaks of {_and(said.traits.values())}"
    if not fitting:
        partly = [name for name in near if wanted & HAS.get(name, frozenset())]
        return _question(partly, f"no entry has all of {_and(said.traits.values())}", near)
    plainest = _plainest(fitting, wanted)
    if plainest and not wanted <= BROADER:
        return Match(ENTRIES[plainest], f"{reason}; {ENTRIES[plainest].title} alone is that", near)
    return _question(fitting, reason, near)


def _plainest(fitting: Sequence[str], wanted: set[str]) -> str:
    """Give the one entry that fits, or the one of a family that has nothing beyond what was asked for."""
    if len(fitting) == 1:
        return fitting[0]
    families = {ENTRIES[name].family for name in fitting}
    special = wanted & {"local attention", "linear attention", "experts", "masked language model", "decoder"}
    if not special or (len(families) > 1 and special == {"decoder"} and "transformer" not in wanted):
        return ""
    fewest = sorted(fitting, key=lambda name: len(HAS[name] - wanted))
    return fewest[0] if len(HAS[fewest[0]] - wanted) < len(HAS[fewest[1]] - wanted) else ""


def _question(candidates: Sequence[str], reason: str, near: tuple[str, ...]) -> Match:
    return Match(None, reason, near, candidates=tuple(candidates[:MOST_CANDIDATES]))


def _other(said: _Said, near: tuple[str, ...]) -> Match:
    if said.named:
        reason = (
            f"the request names {_and(said.named.values())}, but also {said.other}, which the catalogue does not hold"
        )
        return _question(list(said.named), reason, near)
    return Match(None, f"the catalogue has no {said.other}", near)


def _near(said: _Said) -> tuple[str, ...]:
    """Give the entries that come nearest: the named, then those that share most traits."""
    shared = {name: len(set(said.traits) & HAS.get(name, frozenset())) for name in ENTRIES}
    ranked = sorted(ENTRIES, key=lambda name: (name not in said.named, -shared[name]))
    return tuple(name for name in ranked if name in said.named or shared[name])[: max(_NEAREST, len(said.named))]


def _nothing(task: str) -> str:
    subject = " ".join(task.split())[:60]
    return (
        f"the catalogue has nothing for {subject!r}; it holds {len(ENTRIES)} entries: `mlexpert catalogue` lists them"
    )


def _and(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
