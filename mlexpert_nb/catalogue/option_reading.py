"""Options of an entry that a request states: choices by their words, numbers by the words beside them."""

import re
from collections.abc import Mapping

from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.words import spans, words_of
from mlexpert_nb.packages import Json

_NUMBER = r"(?P<number>\d[\d,_]*)(?P<unit>k)?"
_JOINT = r"(?:\s+(?:of|is|size|sizes|von|de|a|mit|with|about)|\s*[=:]|-)*\s*"
_SQUARE = re.compile(r"\b(?P<number>\d+)\s*[x×]\s*(?P=number)\b")
_SQUARE_KEY = "image_size"
_SPOKEN = {"act": "act halting"}  # features whose name alone is an everyday word


def spoken(feature: str) -> str:
    """Give the words of a feature as a request would say them."""
    return _SPOKEN.get(feature.casefold(), feature.replace("_", " "))


def is_chosen(entry: Entry, feature: str, options: Mapping[str, Json]) -> bool:
    """Say whether a feature is an option of an entry that was chosen."""
    named = read_options(entry, spoken(feature))
    return bool(named) and named.items() <= options.items()


def read_options(entry: Entry, text: str) -> dict[str, Json]:
    """Read the configuration keys that a request states; what is negated or not stated is left out."""
    words = words_of(text)
    found: dict[str, Json] = {}
    for key, values in entry.options.items():
        stated = {value: _longest(words, phrases) for value, phrases in values.items()}
        best = max(stated, key=lambda value: stated[value])
        if stated[best]:
            found[key] = _value(best)
    for key, names in entry.numbers.items():
        number = _number(key, names, text)
        if number is not None:
            found[key] = number
    return found


def read_preset(entry: Entry, text: str) -> str:
    """Give the name of the published size that a request names, or an empty string."""
    words = words_of(text)
    lengths = {name: _longest(words, (name,)) for name in entry.presets}
    best = max(lengths, key=lambda name: lengths[name], default="")
    return best if best and lengths[best] else ""


def _longest(words: tuple[str, ...], phrases: tuple[str, ...]) -> int:
    """Give the number of letters of the longest phrase that is meant."""
    said = [each for each in phrases if any(span.exact and not span.negated for span in spans(words, each))]
    return max((len(phrase) for phrase in said), default=0)


def _value(text: str) -> Json:
    """Give a choice as the configuration has it: a name, or a whole number or a truth value written as one."""
    named: Mapping[str, Json] = {"true": True, "false": False}
    return int(text) if text.isdigit() else named.get(text, text)


def _number(key: str, names: tuple[str, ...], text: str) -> int | None:
    plain = text.casefold()
    if key == _SQUARE_KEY and (square := _SQUARE.search(plain)):
        return int(square["number"])
    for name in sorted(names, key=len, reverse=True):
        word = re.escape(name.casefold()).replace(r"\ ", r"[\s-]+")
        found = re.search(rf"\b{_NUMBER}[\s-]*{word}\b", plain) or re.search(rf"\b{word}{_JOINT}{_NUMBER}\b", plain)
        if found:
            return int(re.sub(r"[,_]", "", found["number"])) * (1000 if found["unit"] else 1)
    return None
