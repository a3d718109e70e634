"""Find the entry that a request is about: say why, or ask between candidates, or say why none."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.entry import Entry, Match
from mlexpert_nb.catalogue.option_reading import read_options, read_preset, spoken
from mlexpert_nb.catalogue.traits import BROADER, DOMAINS, EVERYDAY, HAS, NAMES, OTHERS, PARTS, TASKS, TRAITS
from mlexpert_nb.catalogue.words import Span, is_ruled_out, spans, words_of

ENCODER = "bert"  # what reads both ways
MOST_CANDIDATES = 8  # of a question
_NEAREST = 3
_LONG_TITLE = 4  # words
_TITLES = re.compile(  # with digits, as written
    "|".join(
        r"\W+".join(map(re.escape, words))
        for names in NAMES.values()
        for words in map(words_of, names)
        if len(words) >= _LONG_TITLE and any(map(str.isdigit, "".join(words)))
    ),
    re.IGNORECASE,
)
_ADAPTED = {"adapter", "fine-tuning"}  # together they stand for one entry
_A_NETWORK = frozenset(  # words without which "pictures" asks for no network
    {
        *("model", "models", "network", "networks", "net", "netz", "modell", "modele", "reseau", "modelo", "red"),
        *("modello", "rete", "rede", "siec", "classifier", "learn", "train", "ai", "nn", "模", "网"),
    }
)
_VERSION = re.compile(r"v?\d+$")  # of a name such as "yolov8"
_SHORTEST_NAME = 3  # letters before a version


@dataclass(frozen=True, slots=True)
class _Said:
    """What a request says.

    Attributes:
        named: For each entry that is named, the words that name it.
        refused: Entries that are named and negated.
        traits: For each trait that is mentioned, the words.
        domains: For each domain that is mentioned, the words.
        denied: For each part that is ruled out, the words.
        other: The words for a network that the catalogue does not hold.
    """

    named: Mapping[str, str]
    refused: frozenset[str]
    traits: Mapping[str, str]
    domains: Mapping[str, str]
    denied: Mapping[str, str]
    other: str

    def rules_out(self, name: str) -> str:
        """Give the words that rule an entry out by one of its parts."""
        return next((word for part, word in self.denied.items() if part in HAS[name]), "")


def find(task: str, features: Sequence[str] = ()) -> Match:
    """Give the entry that a request in free text, with the features it lists, is about.

    Names decide, whatever their spelling; where none is named, the entry that alone has every trait mentioned. Two
    that fit, a name that does not go with what it is for, or one whose own parts are ruled out, are a question;
    nothing is guessed.
    """
    text = " ".join([task, *map(spoken, features)])
    said = _read(text)
    match = _decide(task, said)
    if match.entry is None:
        return match
    text = without_titles(text)
    preset = read_preset(match.entry, text)
    return Match(match.entry, match.reason, match.near, options=read_options(match.entry, text), preset=preset)


def without_titles(text: str) -> str:
    """Take the titles of papers out of a text: the numbers in them are no wishes."""
    return _TITLES.sub(" ", text)


def _read(text: str) -> _Said:
    words = words_of(text)
    everyday = [span for phrase in EVERYDAY for span in spans(words, phrase) if span.exact]
    others = [each for each in _others(words) if not any(each[1].inside(span) for span in everyday)]
    aside = [*everyday, *(span for _, span in others)]
    outer = _outermost(words, aside)
    named = _longest_words(words, [each for each in outer if not each[2].negated])
    taken = [*everyday, *(span for _, _, span in outer)]
    own = [span for _, _, span in outer if not span.negated]
    foreign = [phrase for phrase, span in others if not span.negated and not any(span.inside(each) for each in own)]
    return _Said(
        named=named,
        refused=frozenset(name for name, _, span in outer if span.negated) - set(named),
        traits={trait: word for trait, phrases in TRAITS.items() if (word := _trait(words, phrases, taken))},
        domains={domain: word for domain, phrases in DOMAINS.items() if (word := _domain(words, phrases, everyday))},
        denied={part: word for part, phrases in PARTS.items() if (word := _denied(words, phrases))},
        other=max(foreign, key=len, default=""),
    )


def _outermost(words: Sequence[str], aside: Sequence[Span]) -> list[tuple[str, str, Span]]:
    """Give where entries are named, in the longest words; what stands inside another phrase names nothing."""
    found = [
        (name, keyword, span)
        for name, entry in ENTRIES.items()
        for keyword in (*entry.keywords, *NAMES[name])
        for span in spans(words, keyword)
    ]
    exact = [span for _, _, span in found if span.exact]
    exact += [span for span in aside if span.exact]
    found = [each for each in found if each[2].exact or not any(each[2].overlaps(span) for span in exact)]
    found = [each for each in found if not any(each[2].covered(span) for span in aside)]
    return [each for each in found if not any(each[2].inside(other[2]) for other in found)]


def _others(words: Sequence[str]) -> list[tuple[str, Span]]:
    """Give where something is named that the catalogue does not hold, spelled right but for its version."""
    plain = [_without_version(word) for word in words]
    found = [
        (phrase, span) for text in {tuple(words), tuple(plain)} for phrase in OTHERS for span in spans(text, phrase)
    ]
    return [each for each in found if each[1].exact]


def _without_version(word: str) -> str:
    base = _VERSION.sub("", word)
    return base if len(base) >= _SHORTEST_NAME and base in OTHERS else word


def _longest_words(words: Sequence[str], found: Sequence[tuple[str, str, Span]]) -> dict[str, str]:
    """Give the words that name each entry, in the spelling of the request, the longest where there are several."""
    named: dict[str, str] = {}
    for name, _, span in found:
        said = _as_said(words, span)
        if len(said) > len(named.get(name, "")):
            named[name] = said
    return named


def _trait(words: Sequence[str], phrases: Sequence[str], taken: Sequence[Span]) -> str:
    """Give the words for a trait; as part of a network's name, "graph" in "graph attention network", they are none."""
    said = [
        span
        for phrase in sorted(phrases, key=len, reverse=True)
        for span in spans(words, phrase)
        if not span.negated and not any(span.inside(other) for other in taken)
    ]
    return _as_said(words, said[0]) if said else ""


def _as_said(words: Sequence[str], span: Span) -> str:
    said = words[span.start : span.end]
    return " ".join(said) if "".join(said).isascii() or max(map(len, said)) > 1 else "".join(said)


def _domain(words: Sequence[str], phrases: Sequence[str], everyday: Sequence[Span]) -> str:
    """Give the word for what is read, spelled right: "tests" are no texts."""
    said = [phrase for phrase in phrases if any(span.exact for span in spans(words, phrase))]
    return _trait(words, said, everyday)


def _denied(words: Sequence[str], phrases: Sequence[str]) -> str:
    ruled_out = (phrase for phrase in phrases for span in spans(words, phrase) if is_ruled_out(words, span))
    return next((f"no {phrase}" for phrase in ruled_out), "")


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
    if "diffusion" in kept and "diffusion" not in said.named["diffusion"]:
        inner.add("unet")  # the network inside, where a way of sampling is named
    return [name for name in kept if name not in inner or len(inner) == len(kept)]


def _choices(entry: Entry) -> frozenset[str]:
    """Give the words that choose an option of an entry: "resnet" is one of the entry for tables."""
    return frozenset(word for values in entry.options.values() for words in values.values() for word in words)


def _named(name: str, said: _Said, near: tuple[str, ...]) -> Match:
    says = f"the request names {said.named[name]}"
    if _is_turned_around(name, said):
        why = f"{ENTRIES[name].title} is causal, so that it can stream; the catalogue's encoder is {ENCODER}"
        return _question([ENCODER, name], f"{says}, but as an encoder: {why}", near)
    if ruled_out := said.rules_out(name):
        return _question([name], f"{says}, but says {ruled_out}, and {ENTRIES[name].title} is built on that", near)
    foreign = [trait for trait in said.traits if trait in TASKS and trait not in HAS[name]]
    others = [other for other, traits in HAS.items() if other != name and traits & set(foreign)]
    if foreign and not _goes_with(name, foreign):
        return _question([name, *others], f"{says}, but also {_and(said.traits[trait] for trait in foreign)}", near)
    reads = HAS[name] & DOMAINS.keys()
    if reads and said.domains and not reads & said.domains.keys() and not foreign:
        also = [other for other, traits in HAS.items() if traits & said.domains.keys()]
        return _question([name, *also], f"{says}, but also {_and(said.domains.values())}", near)
    return Match(ENTRIES[name], says, near)


def _is_turned_around(name: str, said: _Said) -> bool:
    """Say whether a decoder is asked for as an encoder."""
    kinds = HAS[name]
    return "encoder" in said.traits and "decoder" in kinds and not kinds & {"encoder", "encoder-decoder"}


def _goes_with(name: str, foreign: Sequence[str]) -> bool:
    """Say whether an entry serves tasks that are not its own: an adapter serves any, features of images are general."""
    general = {"lora": {*TASKS}, "kan": {"tabular"}, "neural-ode": {"image classification", "forecasting"}}
    images = {"diffusion", "vae", "wgan-gp", "contrastive", "unet", "detr", "perceiver"}
    allowed = general.get(name, set()) | ({"image classification", "generation"} if name in images else set())
    return set(foreign) <= allowed


def _by_traits(task: str, said: _Said, near: tuple[str, ...]) -> Match:
    wanted = set(said.traits)
    words = _and([*said.traits.values(), *said.denied.values()])
    if not wanted:
        return _by_domain(task, said, near)
    having = [name for name in ENTRIES if wanted <= HAS[name]]
    fitting = [name for name in having if name not in said.refused and not said.rules_out(name)]
    if having and not fitting:
        held = f"has {_and(said.traits.values())} only as {_and(ENTRIES[name].title for name in having)}"
        return Match(None, f"the catalogue {held}, and the request rules that out", tuple(having), other=words)
    if not fitting:
        partly = [name for name in near if wanted & HAS[name] and not said.rules_out(name)]
        return _question(partly, f"no entry has all of {words}", near)
    fitting = [name for name in fitting if HAS[name] & said.domains.keys()] or fitting
    plainest = _plainest(fitting, wanted)
    if plainest and (not wanted <= BROADER or wanted >= _ADAPTED):
        return Match(ENTRIES[plainest], f"the request speaks of {words}; {ENTRIES[plainest].title} alone is that", near)
    plainest_first = sorted(fitting, key=lambda name: len(HAS[name] - wanted))
    return _question(plainest_first, f"the request speaks of {words}", near)


def _by_domain(task: str, said: _Said, near: tuple[str, ...]) -> Match:
    """Ask between all entries that read what the request speaks of, if it asks for a network at all."""
    fitting = [name for name in ENTRIES if HAS[name] & said.domains.keys() and not said.rules_out(name)]
    if not fitting or not _A_NETWORK & {*words_of(task)}:
        return Match(None, _nothing(task), near)
    return _question(fitting, f"the request speaks of {_and(said.domains.values())}, and says no more", near)


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
    return Match(None, reason, near, candidates=tuple(dict.fromkeys(candidates))[:MOST_CANDIDATES])


def _other(said: _Said, near: tuple[str, ...]) -> Match:
    if said.named:
        reason = (
            f"the request names {_and(said.named.values())}, but also {said.other}, which the catalogue does not hold"
        )
        return _question([*said.named, *OTHERS.get(said.other, ())], reason, near)
    return Match(None, f"the catalogue has no {said.other}", near, other=said.other)


def _near(said: _Said) -> tuple[str, ...]:
    """Give the entries that come nearest: the named, those known to be near, then those that share most traits."""
    known = [*said.named, *OTHERS.get(said.other, ())]
    shared = {name: len(set(said.traits) & HAS[name]) for name in ENTRIES}
    ranked = sorted(ENTRIES, key=lambda name: (name not in known, -shared[name]))
    return tuple(name for name in ranked if name in known or shared[name])[: max(_NEAREST, len(known))]


def _nothing(task: str) -> str:
    subject = " ".join(task.split())[:60]
    return f"the catalogue has nothing for {subject!r} among its {len(ENTRIES)} entries"


def _and(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
