"""What a request states and a plan does not hold: numbers that no key took, and techniques that the network has not."""

from collections.abc import Iterator, Mapping, Sequence

from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.option_reading import (
    SIZE_WORDS,
    Held,
    is_refused,
    named_spans,
    negated_spans,
    read_choices,
    read_held,
    read_preset,
    spoken,
    value_of,
    widths_of,
)
from mlexpert_nb.catalogue.techniques import OFF, TECHNIQUES
from mlexpert_nb.catalogue.words import Span, spans, words_of
from mlexpert_nb.packages import Json

_LONG = 9  # letters; a phrase of so many, or of two words, may have a typing error
_PICTURES = "num_channels"  # a network with it and without a size takes images of any size


def unread(entry: Entry, text: str, plan: Mapping[str, Json]) -> tuple[str, ...]:
    """Give what a request states and a plan does not hold, each in the words of the request.

    Args:
        entry: The network.
        text: The request.
        plan: Every key that was read or configured, with its value.
    """
    choices = read_choices(entry, text)
    numbers = [each for each in read_held(entry, text, choices) if not _is_held(entry, each, plan)]
    said = [each.stated.said for each in numbers if each.stated.is_told]
    words = words_of(text)
    wishes = [each for each in _wishes(entry, words, plan) if not any(_is_of(each, number) for number in said)]
    return tuple(dict.fromkeys([*_sizes(entry, text), *said, *wishes]))


def _is_of(title: str, said: str) -> bool:
    """Say whether a number that is told is of a technique, which then need not be told again."""
    return any(list(spans(words_of(said), phrase)) for phrase in TECHNIQUES.get(title, ()))


def _sizes(entry: Entry, text: str) -> Iterator[str]:
    """Give sizes that stand directly after the name and are not the published one that was read: "gpt2-xl"."""
    words, preset = words_of(text), words_of(read_preset(entry, text))
    for span in named_spans(entry, words):
        after = words[span.end : span.end + 1]
        if after and after[0] in SIZE_WORDS - {*preset, "small", "tiny"}:
            yield " ".join(words[span.start : span.end + 1])


def _is_held(entry: Entry, each: Held, plan: Mapping[str, Json]) -> bool:
    if isinstance(each.stated.value, tuple) and not each.key:
        widths = widths_of(entry, [each])
        return bool(widths) and widths.items() <= plan.items()
    if each.stated.is_square and not each.key:
        return _PICTURES in plan and "image_size" not in plan
    return bool(each.key) and _same(plan.get(each.key), each.value)


def _same(a: Json, b: Json) -> bool:
    return (list(a) if isinstance(a, list | tuple) else a) == (list(b) if isinstance(b, list | tuple) else b)


def _wishes(entry: Entry, words: Sequence[str], plan: Mapping[str, Json]) -> Iterator[str]:
    """Give the techniques that are wanted and missing, and those that are not wanted and there."""
    refused = negated_spans(words)
    named = _named(entry, words)
    settled = {key for key in read_choices(entry, " ".join(words)) if key in entry.options}
    said = {title: _said(words, phrases) for title, phrases in TECHNIQUES.items()}
    every = [span for found in said.values() for span in found]
    for title, found in said.items():
        outer = [span for span in found if not any(span.inside(other) for other in [*every, *named])]
        if not outer:
            continue
        is_wanted = any(not is_refused(span, refused) for span in outer)
        if is_wanted != has_technique(entry, title, plan) and not settled & _owners(entry, title):
            yield title if is_wanted else f"without {title}"


def _owners(entry: Entry, title: str) -> set[str]:
    """Give the options of which a technique is one value."""
    phrases = {*TECHNIQUES[title]}
    return {key for key, values in entry.options.items() if any(phrases & {*words} for words in values.values())}


def has_technique(entry: Entry, title: str, plan: Mapping[str, Json]) -> bool:
    """Say whether a network, as it is planned, has a technique: by an option, by a key, or by what it always is."""
    phrases = {*TECHNIQUES[title]}
    for key, values in entry.options.items():
        owning = [value for value, words in values.items() if phrases & {*words}]
        if owning:
            return any(_same(plan.get(key), value_of(value)) for value in owning)
    keys = [key for key in OFF.get(title, ()) if key in plan]
    if keys:
        return any(plan[key] for key in keys)
    parts = [*map(spoken, entry.features), *entry.keywords, entry.title, entry.summary]
    return any(span.exact for part in parts for phrase in phrases for span in spans(words_of(part), phrase))


def _said(words: Sequence[str], phrases: Sequence[str]) -> list[Span]:
    return [
        span
        for phrase in phrases
        for span in spans(words, phrase)
        if span.exact or len(phrase) >= _LONG or " " in phrase
    ]


def _named(entry: Entry, words: Sequence[str]) -> list[Span]:
    """Give where the request names the network itself or one of its options."""
    phrases = [*entry.keywords, *(each for values in entry.options.values() for of in values.values() for each in of)]
    return [span for phrase in phrases for span in spans(words, phrase) if span.exact]
