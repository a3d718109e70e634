"""The table of `patterns.tsv`, read once: what requests look like, and how much each sign weighs."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

OURS = ("architecture", "fix", "optimize", "paper", "pipeline", "feature", "speed")  # of equals, the first wins
NOT_OURS = ("eda", "etl", "research", "rules", "other")
THRESHOLD = 2  # a request is recognised from this score on

# Words worth spelling right: a token one slip away from one of these (two slips from eight letters on) is read as it.
WORDS: tuple[str, ...] = (
    "accuracy",
    "analysis",
    "architecture",
    "attention",
    "build",
    "classifier",
    "convergence",
    "converging",
    "create",
    "debug",
    "embeddings",
    "error",
    "exploratory",
    "faster",
    "feature",
    "generation",
    "gradient",
    "implement",
    "improve",
    "inference",
    "integrate",
    "language",
    "latency",
    "learning",
    "memory",
    "model",
    "network",
    "optimize",
    "paper",
    "performance",
    "pipeline",
    "quantize",
    "reproduce",
    "replicate",
    "speed",
    "statistics",
    "technique",
    "throughput",
    "training",
    "transformer",
    "vision",
)

# Openings that say nothing about the request; taken off the front as long as one fits.
POLITE: tuple[str, ...] = (
    "please",
    "pls",
    "pleas",
    "plase",
    "hi",
    "hello,",
    "hey",
    "can you",
    "could you",
    "would you",
    "will you",
    "can we",
    "can i ask you to",
    "help me",
    "how to",
    "how can i",
    "how can we",
    "how do i",
    "how do we",
    "how should i",
    "is there a way to",
    "what is the best way to",
    "best way to",
    "can you explain",
    "feature request:",
    "i want to",
    "i want you to",
    "i need you to",
    "i need to",
    "i would like to",
    "i would like you to",
    "i'd like to",
    "i'd like you to",
    "we need to",
    "let's",
    "lets",
    "bitte",
    "kannst du",
    "konnen sie",
    "peux-tu",
    "pouvez-vous",
    "s'il te plait",
    "s'il vous plait",
    "por favor",
    "puedes",
    "podrias",
)


class Row(NamedTuple):
    """One row of the table; of the rows of a topic with the same sign, one counts."""

    topic: str
    sign: str
    weight: int
    pattern: re.Pattern[str]


@cache
def rows() -> tuple[Row, ...]:
    """Give every row of the table that scores, its pattern compiled and its fragments filled in."""
    table = [line.split("\t") for line in _lines()]
    fragments: dict[str, str] = {}
    for name, _, _, pattern in (row for row in table if row[0].startswith("<")):
        fragments[name] = f"{fragments[name]}|{pattern}" if name in fragments else pattern
    scoring = (row for row in table if not row[0].startswith("<"))
    return tuple(Row(topic, sign, int(weight), _compiled(text, fragments)) for topic, sign, weight, text in scoring)


def _lines() -> list[str]:
    text = resources.files("mlexpert_nb.skill").joinpath("patterns.tsv").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _compiled(pattern: str, fragments: Mapping[str, str]) -> re.Pattern[str]:
    for name, alternatives in fragments.items():
        pattern = pattern.replace(name, f"(?:{alternatives})")
    return re.compile(pattern)
