"""Find the entry that a request is about, and say why, or why none."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from mlexpert_nb.catalogue.entry import Entry, Match
from mlexpert_nb.catalogue.families.trm_titans_mag import TRM_TITANS_MAG

ENTRIES: Mapping[str, Entry] = {entry.name: entry for entry in (TRM_TITANS_MAG,)}

# Only features that tell networks apart; RoPE or GQA alone name none.
FEATURE_WORDS: Mapping[str, tuple[str, ...]] = {
    "sliding_window_attention": ("sliding window attention", "sliding window", "local attention", "window attention"),
    "long_term_memory": ("long term memory", "neural memory", "test time memory"),
    "ACT": ("act", "adaptive computation time", "adaptive computation", "adaptive halting", "ponder"),
}
ENOUGH_FEATURES = 2  # a request that names none of an entry's keywords must share this many features with it
NEGATIONS = frozenset({"not", "no", "without", "unlike", "except", "instead"})
OTHER_NETWORKS = frozenset(
    {
        *("bert", "clip", "cnn", "ddpm", "densenet", "detr", "diffusion", "dqn", "efficientnet", "gan", "gat", "gcn"),
        *("gpt", "gru", "kan", "llama", "lstm", "mamba", "mixtral", "mlp", "moe", "perceiver", "ppo", "resnet", "rnn"),
        *("t5", "unet", "vae", "vgg", "vit", "wavenet", "whisper", "xgboost", "yolo"),
    }
)
ERRORS_BY_LENGTH = ((9, 2), (5, 1))  # how many typing errors a word of at least that length may have


def find(task: str, features: Sequence[str] = ()) -> Match:
    """Give the entry that a request in free text, with the features it lists, is about.

    Names are found in any spelling of case, hyphens and `×`, and with a typing error in longer words. Features alone
    decide only when several agree and no other network is named.
    """
    words = _words(task)
    asked = {_canonical(feature) for feature in features} | _features_in(words)
    ranked = sorted(ENTRIES.values(), key=lambda entry: -_score(entry, words, asked))
    near = tuple(entry.name for entry in ranked)
    best = ranked[0]
    named = [keyword for keyword in best.keywords if _mentions(words, _words(keyword))]
    shared = [feature for feature in best.features if feature in asked and feature in FEATURE_WORDS]
    if named:
        return Match(best, f"the request names {', '.join(named)}", near)
    other = [word for word in words if word in OTHER_NETWORKS]
    if len(shared) >= ENOUGH_FEATURES and not other:
        return Match(best, f"the request asks for {', '.join(shared)}", near)
    return Match(None, _refusal(task, other, shared), near)


def _refusal(task: str, other: Sequence[str], shared: Sequence[str]) -> str:
    held = ", ".join(f"{entry.title} ({name})" for name, entry in ENTRIES.items())
    subject = f"no {other[0]}" if other else f"nothing for {' '.join(task.split())[:60]!r}"
    partly = f"; only {', '.join(shared)} is near" if shared else ""
    return f"the catalogue has {subject}{partly}; it holds {held}"


def _score(entry: Entry, words: Sequence[str], asked: set[str]) -> int:
    named = sum(_mentions(words, _words(keyword)) for keyword in entry.keywords)
    return 10 * named + sum(feature in asked for feature in entry.features)


def _features_in(words: Sequence[str]) -> set[str]:
    return {
        feature
        for feature, phrases in FEATURE_WORDS.items()
        if any(_mentions(words, _words(phrase)) for phrase in phrases)
    }


def _canonical(feature: str) -> str:
    """Give the canonical name of a feature however it is spelled; an unknown one stays as it is."""
    words = _words(feature)
    for name, phrases in FEATURE_WORDS.items():
        if any(_mentions(words, _words(phrase)) for phrase in (name, *phrases)):
            return name
    return feature


def _mentions(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Say whether the phrase occurs, each word with at most a typing error, and is not negated just before."""
    size = len(phrase)
    return any(
        all(_alike(a, b) for a, b in zip(words[start : start + size], phrase, strict=True))
        and NEGATIONS.isdisjoint(words[max(0, start - 2) : start])
        for start in range(len(words) - size + 1)
    )


def _alike(word: str, wanted: str) -> bool:
    """Say whether a word is meant; short ones must be exact, longer ones may have one error, long ones two."""
    allowed = next((errors for length, errors in ERRORS_BY_LENGTH if len(wanted) >= length), 0)
    return word == wanted or (allowed > 0 and _distance(word, wanted) <= allowed)


def _distance(a: str, b: str) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours between two words."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            options = [table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1])]
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                options.append(table[i - 2][j - 2] + 1)
            table[i][j] = min(options)
    return table[-1][-1]


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).lower()
    return re.findall(r"[a-z0-9]+", plain)
