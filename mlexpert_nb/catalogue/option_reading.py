"""Options of an entry that a request states: choices by their words, numbers by the words beside them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mlexpert_nb.catalogue.datasets import DATA_SETS, as_json, read_facts
from mlexpert_nb.catalogue.entries import ENTRIES
from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.names import SHARED
from mlexpert_nb.catalogue.numbers import Stated, plain, read_numbers
from mlexpert_nb.catalogue.techniques import OFF, TECHNIQUES
from mlexpert_nb.catalogue.words import Span, spans, words_of
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Json

_SPOKEN = {"act": "act halting"}  # features whose name alone is an everyday word
_OFF = ("none", "false")  # values that leave a part out
SIZE_WORDS = frozenset({"nano", "tiny", "mini", "small", "base", "medium", "large", "huge", "giant", "xl", "xxl"})
_NEEDS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (  # a key, by these words (or any), needs an option's value
    ("max_length", (), "position", "learned"),
    ("num_steps", ("step",), "recursion", "trm"),
    ("num_train_timesteps", ("steps",), "sampler", "ddpm"),
)
_CHAIN = ("in_features", "out_features", "hidden_size", "num_layers")  # keys that a list of widths gives
_SHORTEST_CHAIN = 3  # widths: of the inputs, of one layer, of the outputs


@dataclass(frozen=True, slots=True)
class Held:
    """One number of a request and the key that takes it.

    Attributes:
        stated: The number.
        key: Key of the configuration; empty if none takes it.
        value: As the configuration has it.
    """

    stated: Stated
    key: str
    value: Json


def spoken(feature: str) -> str:
    """Give the words of a feature as a request would say them."""
    return _SPOKEN.get(feature.casefold(), feature.replace("_", " "))


def is_chosen(entry: Entry, feature: str, options: Mapping[str, Json]) -> bool:
    """Say whether a feature is an option of an entry that was chosen."""
    named = read_options(entry, spoken(feature))
    return bool(named) and named.items() <= options.items()


def read_options(entry: Entry, text: str) -> dict[str, Json]:
    """Read the configuration keys that a request states; what is negated or not stated is left out."""
    choices = read_choices(entry, text)
    held = read_held(entry, text, choices)
    numbers: dict[str, Json] = {}
    for each in held:
        if each.key:
            numbers.setdefault(each.key, each.value)
    widths = widths_of(entry, held)
    return {**as_json(told_facts(entry, text)), **choices, **widths, **numbers}


def read_preset(entry: Entry, text: str) -> str:
    """Give the name of the published size that a request names, or an empty string.

    A bare size, "small", counts only directly after the name of the network, or before it with a hyphen. Letters may
    have a typing error, digits may not.
    """
    words = words_of(re.sub(r"(?<=[a-zA-Z])(?=\d)", " ", text)), words_of(text)
    named = [name for name in entry.presets if any(_is_named(entry, name, said, text) for said in words)]
    return max(named, key=lambda name: (not _is_size(name), len(words_of(name)), len(name)), default="")


def read_choices(entry: Entry, text: str) -> dict[str, Json]:
    """Read the choices that a request states in words; a part that is negated is left out where that is a choice."""
    words = words_of(text)
    negated = negated_spans(words)
    refused = [*negated, *_foreign(entry, words)]
    found: dict[str, Json] = {}
    defaults = entry.solve(None)
    for key, values in entry.options.items():
        stated = {value: _longest(words, phrases, refused) for value, phrases in values.items()}
        best = max(stated, key=lambda value: (stated[value], value_of(value) != defaults.get(key)))
        if stated[best]:
            found[key] = value_of(best)
        elif other := _other(values, words, negated, defaults.get(key)):
            found[key] = value_of(other)
    return {**_switched_off(words, negated, defaults), **found}


def read_held(entry: Entry, text: str, choices: Mapping[str, Json]) -> list[Held]:
    """Give every number of a request, with the key that takes it; a key takes one."""
    table = _names(entry)
    defaults = _with(entry, choices)
    stated = read_numbers(text, tuple(table), lambda name: bool(table[name]), _reserved())
    held: list[Held] = []
    taken: dict[str, Json] = {}
    for each in stated:
        key = table.get(each.name, "")
        value = _fitting(each.value, defaults.get(key, 0)) if key and _may(key, each.name, defaults) else None
        is_taken = value is not None and taken.setdefault(key, value) == value
        held.append(Held(each, key, value) if is_taken else Held(each, "", None))
    return held


def negated_spans(words: Sequence[str]) -> list[Span]:
    """Give every place where something is negated, so that a word of it is not taken as meant."""
    return [span for phrase in _phrases() for span in spans(words, phrase) if span.negated]


def is_refused(span: Span, refused: Sequence[Span]) -> bool:
    """Say whether a phrase is negated, or is part of one that is."""
    return span.negated or any(span.overlaps(other) and not other.inside(span) for other in refused)


def told_facts(entry: Entry, text: str) -> dict[str, tuple[int, str]]:
    """Give what follows from the data sets that a request names: configuration key, value and data set."""
    return read_facts(text, keys_of(entry))


def keys_of(entry: Entry) -> frozenset[str]:
    """Give every key that an entry can be given."""
    return frozenset({*entry.solve(None), *entry.numbers})


def value_of(text: str) -> Json:
    """Give a choice as the configuration has it: a name, or what a text like `true`, `8` or `["fc1"]` stands for."""
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return value


def _longest(words: Sequence[str], phrases: Sequence[str], refused: Sequence[Span]) -> int:
    """Give the number of letters of the longest phrase that is meant."""
    said = [
        each for each in phrases if any(span.exact and not is_refused(span, refused) for span in spans(words, each))
    ]
    return max((len(phrase) for phrase in said), default=0)


def _foreign(entry: Entry, words: Sequence[str]) -> list[Span]:
    """Give where a technique is named whose words have those of an option in them: "max pooling aggregator"."""
    own = {each for values in entry.options.values() for phrases in values.values() for each in phrases}
    return [
        Span(span.start, span.end, negated=True)
        for phrases in TECHNIQUES.values()
        if not own & {*phrases}
        for phrase in phrases
        for span in spans(words, phrase)
        if span.exact and span.end - span.start > 1
    ]


def _other(values: Mapping[str, tuple[str, ...]], words: Sequence[str], refused: Sequence[Span], default: Json) -> str:
    """Give the value to choose where the usual one is negated: the one without it, or the only other one."""
    usual = next((value for value in values if value_of(value) == default), "")
    is_negated = any(is_refused(span, refused) for phrase in values.get(usual, ()) for span in spans(words, phrase))
    others = [value for value in values if value != usual]
    off = [value for value in others if value in _OFF]
    return (off or others)[0] if is_negated and (off or len(others) == 1) else ""


def _switched_off(words: Sequence[str], refused: Sequence[Span], defaults: Mapping[str, Json]) -> dict[str, Json]:
    """Give the numbers and switches that are zero where their part is negated: "no dropout"."""
    off: dict[str, Json] = {}
    for title, keys in OFF.items():
        said = [span for phrase in TECHNIQUES[title] for span in spans(words, phrase) if span.exact]
        if said and all(is_refused(span, refused) for span in said):
            for key in keys:
                if isinstance(defaults.get(key), bool | float):
                    off[key] = False if isinstance(defaults[key], bool) else 0.0
    return off


def _is_named(entry: Entry, preset: str, words: Sequence[str], text: str) -> bool:
    found = [span for span in spans(words, preset) if not span.negated]
    *head, size = words_of(preset)
    if head and size in SIZE_WORDS and " ".join(head) == entry.name:  # "Vision Transformer small" is vit-small
        return bool(found) or any(words[span.end : span.end + 1] == (size,) for span in named_spans(entry, words))
    if not _is_size(preset):
        return bool(found)
    names = named_spans(entry, words)
    ends, starts = {span.end for span in names}, {span.start for span in names}
    before = any(re.search(rf"\b{re.escape(preset)}-{re.escape(word)}", plain(text)) for word in _first_words(entry))
    return before or any(span.start in ends and span.end not in starts for span in found)


def named_spans(entry: Entry, words: Sequence[str]) -> list[Span]:
    """Give where a request names the network."""
    return [span for keyword in entry.keywords for span in spans(words, keyword) if not span.negated]


def _first_words(entry: Entry) -> set[str]:
    return {words_of(keyword)[0] for keyword in entry.keywords}


def _is_size(preset: str) -> bool:
    return set(words_of(preset)) <= SIZE_WORDS


def _names(entry: Entry) -> dict[str, str]:
    """Give every name of a number with the key that an entry has for it, or an empty string."""
    defaults = entry.solve(None)
    keys = keys_of(entry)
    names = {word: next((key for key in of if key in keys), "") for of, words in reversed(SHARED) for word in words}
    names |= {of_key.replace("_", " "): names[words[0]] for of, words in SHARED for of_key in of if names[words[0]]}
    own = {key.replace("_", " "): key for key, value in defaults.items() if not isinstance(value, bool | str)}
    return {**names, **own, **{word: key for key, words in entry.numbers.items() for word in words}}


def _with(entry: Entry, choices: Mapping[str, Json]) -> Mapping[str, Json]:
    """Give the configuration that the choices lead to; the usual one where they exclude each other."""
    try:
        return entry.solve(None, choices)
    except UsageError:
        return {**entry.solve(None), **choices}


def _may(key: str, name: str, configuration: Mapping[str, Json]) -> bool:
    return all(
        configuration.get(option, value) == value
        for needing, words, option, value in _NEEDS
        if needing == key and (not words or name.removesuffix("s") in {word.removesuffix("s") for word in words})
    )


def _fitting(value: float | tuple[int, ...] | None, usual: Json) -> Json:
    """Give a number in the kind that a key has; none if it is of another kind."""
    if isinstance(value, tuple) or isinstance(usual, list | tuple):
        return list(value) if isinstance(value, tuple) and isinstance(usual, list | tuple) else None
    if value is None or isinstance(usual, bool | str):
        return None
    if isinstance(usual, float):
        return value
    return int(value) if value.is_integer() else None


def widths_of(entry: Entry, held: Sequence[Held]) -> dict[str, Json]:
    """Read a list of widths, from the inputs to the outputs, where the layers between are equally wide."""
    keys = keys_of(entry)
    lists = [each.stated.value for each in held if isinstance(each.stated.value, tuple) and not each.key]
    for widths in lists:
        inner = widths[1:-1]
        if set(_CHAIN) <= keys and len(widths) >= _SHORTEST_CHAIN and len(set(inner)) == 1:
            return dict(zip(_CHAIN, (widths[0], widths[-1], inner[0], len(widths) - 1), strict=True))
        if {"num_observations", "hidden_size"} <= keys and len(set(widths)) == 1:
            return {"hidden_size": widths[0], "num_layers": len(widths)}
    return {}


@cache
def _phrases() -> tuple[str, ...]:
    """Give every phrase that may be negated."""
    return tuple(dict.fromkeys(_every_phrase()))


def _every_phrase() -> Iterator[str]:
    for entry in ENTRIES.values():
        yield from entry.keywords
        for values in entry.options.values():
            for phrases in values.values():
                yield from phrases
    for phrases in TECHNIQUES.values():
        yield from phrases


@cache
def _reserved() -> re.Pattern[str]:
    """Give what finds names with digits, of networks, published sizes, choices and data sets."""
    names = {*_every_phrase(), *(name for entry in ENTRIES.values() for name in entry.presets)}
    names |= {name for data in DATA_SETS for name in data.names}
    numbered = sorted((words_of(name) for name in names if re.search(r"\d", name)), key=len, reverse=True)
    gap = r"[\s._/-]*"
    return re.compile("|".join(rf"\b{gap.join(map(re.escape, words))}\b" for words in numbered))
