"""Whose value it is: a paper speaks of its own model, of others, of what was tried, and of what is not so."""

import re
from collections.abc import Iterator

OTHER = "it is said of another model"
TRIED = "it was searched, varied or tried, not chosen"
DENIED = "the paper says that it is not so"
OF_A_PART = "it may be said of a part of the network alone"
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9$(\[])|\s{0,3};\s{0,3}")
_PIECE = re.compile(r"\S.{0,1200}(?!\S)|\S{1201,}", re.DOTALL)  # of a sentence without an end
_CLAUSE = re.compile(r",\s+|\s(?=(?:but|while|whereas|although|and\s(?:we|it|they|the|our))\s)")
_OTHERS = re.compile(
    r"\b(?:teachers?|baselines?|prior|previous|earlier|existing|competing|competitors?|counterparts?|predecessors?|"
    r"state.of.the.art|original|et al|others?|related work)\b",
    re.IGNORECASE,
)
_TRIED = re.compile(
    r"\b(?:ablat\w{1,6}|sweep\w{0,4}|swept|search\w{0,4}|tried|try|trying|grid|var(?:y|ied|ying)|candidates?|rang(?:e|es|ed|ing)|"
    r"explor\w{1,4}|sensitivity|would|could)\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:we|our|ours|this (?:paper|work|model|network)|(?:the|a) proposed|the (?:model|network|encoder|decoder))\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|without|instead of|rather than|unlike|nor|neither)\b(?! only)[^,;]{0,40}$", re.IGNORECASE
)
_PART = re.compile(
    r"\b(?:the|a|an|its|each|every)\s(?:[\w-]{1,20}\s){0,2}(?:head|MLP|projector|projection|stem|classifier|predictor|"
    r"router|discriminator|critic|tokeni[sz]er|feed-forward network)"
    r"\s(?:has|have|uses|with|of|is|consists|contains)\b[^,;]{0,40}$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^(?:(?:and|but|while|whereas|although|the|a|an|prior)\s){0,3}"
    r"(?P<name>[A-Z][\w+]{0,30}(?:[-/.][\w+]{1,20}){0,4}"
    r"(?P<size>\s(?:XX?L|[Ll]arge|[Bb]ase|[Ss]mall|[Tt]iny|[Hh]uge|\d{1,4}(?:\.\d)?[BMK])\b)?)"
    r"\s?(?:\[[\d, ]{1,20}\])?\s?"
    r"(?:$|(?:has|have|had|uses?|used|employs?|contains?|consists?|comes|with|was|were|trains?)\b)",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(  # parts, methods and data sets, whose names are written as models' are
    r"(?:MLP|FFN|CNN|RNN|SSM|LN|GELU|SiLU|ReLU|ELU|RoPE|LayerNorm|RMSNorm|GroupNorm|AdamW?|SGD|MSA|MHA|MHSA|KV|BPE|"
    r"GQA|CIFAR.*|ImageNet.*|MNIST.*|SVHN|STL.*|COCO.*|WikiText.*|WMT.*)"
)
_COMPARED = re.compile(
    r"\b(?:outperform\w{0,3}|beats?|surpass\w{0,3}|exceeds?|compared? (?:with|to)|comparisons?|versus|vs|than|"
    r"baselines?|in contrast to|on par with|competitive with|existing|prior|previous|related)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_OPENING = re.compile(r"^(?:unlike|in contrast to|compared (?:with|to)|whereas|while)\b[^,]{0,300},", re.IGNORECASE)
_SAID_OF = re.compile(
    r"\b(?:others?|prior|previous|related|baselines?|ablations?|references|bibliography)\b", re.IGNORECASE
)


def sentences(text: str) -> list[str]:
    """Split running text into sentences; items of a list are some."""
    whole = [each for each in _SENTENCE.split(text) if each.strip()]
    return [part for each in whole for part in _PIECE.findall(each)]


def doubts(sentence: str, title: str) -> list[tuple[int, str]]:
    """Give where each clause of a sentence ends, and why its values are not the paper's own; empty if they are."""
    found, start, state = [], 0, ""
    for end in [*(each.start() for each in _CLAUSE.finditer(sentence)), len(sentence)]:
        clause = sentence[start:end].strip(" ,")
        state = _doubt(clause, title, state)
        found.append((end, state))
        start = end
    return found


def is_denied(before: str) -> bool:
    """Say whether what stands before a value denies it."""
    return bool(_DENIED.search(before[-80:]))


def is_of_a_part(before: str) -> bool:
    """Say whether what stands before a value speaks of one part of the network: "the classification head has"."""
    return bool(_PART.search(before[-80:]))


def doubt_of_section(heading: str) -> str:
    """Give why nothing in a section is the paper's own, by its heading; empty if it may be."""
    if not _SAID_OF.search(heading):
        return ""
    return TRIED if re.search(r"\bablation", heading, re.IGNORECASE) else OTHER


def is_own_sentence(sentence: str) -> bool:
    """Say whether a sentence speaks of the paper's own model by "we", "our" or "the model"."""
    return bool(_OWN.search(sentence))


def own_part(text: str, title: str) -> str:
    """Give what a text says of the paper's own model: comparisons and what is said of others are left out."""
    return " ".join(" ".join("".join(_own_parts(each, title)) for each in sentences(text)).split())


def _own_parts(sentence: str, title: str) -> Iterator[str]:
    rest, start = _COMPARED.sub("", _OPENING.sub("", sentence.strip())), 0
    for end, doubt in doubts(rest, title):
        if not doubt:
            yield rest[start:end]
        start = end


def _doubt(clause: str, title: str, before: str) -> str:
    if _OTHERS.search(clause) or _is_another(clause, title):
        return OTHER
    if _TRIED.search(clause):
        return TRIED
    return "" if _OWN.search(clause) or _is_named(clause, title) else before


def _is_another(clause: str, title: str) -> bool:
    found = _SUBJECT.match(clause)
    if found is None or _NO_MODEL.fullmatch(found["name"]) or found["name"].casefold() in title.casefold():
        return False
    name = found["name"]
    return bool(found["size"]) or sum(letter.isupper() or letter.isdigit() for letter in name) > 1


def _is_named(clause: str, title: str) -> bool:
    found = _SUBJECT.match(clause)
    return bool(found) and found is not None and found["name"].casefold() in title.casefold()
