"""The matrix from a paper to the code: equation or value, line, test, status; then what is open and what is missing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlexpert_nb.agent.offline.lines import place_of_key, place_of_test, places_of
from mlexpert_nb.agent.offline.paper import Reading, one_line, read_values
from mlexpert_nb.catalogue import ENTRIES
from mlexpert_nb.packages import Json

_NONE = "none"
_INTRODUCTION = """# Traceability: {title}

Network: {entry}. A value is traced to the line that sets it. An equation is traced by its words (softmax, LayerNorm,
GELU, ...) to the lines that compute the same operations; that the formula itself is the paper's, letter by letter, is
for a reader to say: the delivered tests prove the code equal to the equations in `docs/architecture.md`.

| paper | where | line | test | status |
|---|---|---|---|---|
"""


_OPEN = """
## What the paper leaves open

The paper does not state these, or not as one value.

| key | value | line | why this value |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class _Operation:
    """What an equation may compute: how a paper writes it, how code does, and how tests speak of it."""

    name: str
    paper: str
    code: str
    tests: str


_OPERATIONS = tuple(
    _Operation(*each)
    for each in (
        (
            "softmax attention",
            r"softmax|\bMSA\b|Attention\(",
            r"scaled_dot_product_attention\(|softmax\(",
            r"attention|(?<!log_)softmax\(",
        ),
        (
            "LayerNorm",
            r"\bLN\b|LayerNorm|layer norm",
            r"LayerNorm\(|layer_norm\(",
            r"layer_?norm|_normed\b|\bnorm\w*\(",
        ),
        ("RMSNorm", r"RMSNorm|\bRMS\b", r"RMSNorm\(|rms_norm\(", r"rms_?norm"),
        (
            "residual connection",
            r"\)\s*\+\s*(?!b\b|b_)[a-z]['\w\-]*\s*$",
            r"(\b\w+) = \1 \+ |return x_?\w* \+ ",
            r"residual|(\b\w+) = \1 \+ |x_?\w* \+ ",
        ),
        ("MLP", r"\bMLP\b|\bFFN\b", r"self\.(?:mlp|ffn|feed_forward)\b", r"\.(?:mlp|ffn|feed_forward)\b|_mlp\b|mlp\("),
        ("GELU", r"GELU", r"GELU\(|gelu\(", r"gelu|\berf\b"),
        ("SiLU", r"SiLU|SwiGLU|Swish", r"SiLU\(|silu\(", r"silu|swiglu|sigmoid"),
        ("ReLU", r"\bReLU", r"\bReLU\(|relu\(", r"relu|clamp\("),
        (
            "cross entropy",
            r"cross.?entropy|(?:-|\u2212|sum).*log\s*p",
            r"cross_entropy\(",
            r"cross.?entropy|log_softmax",
        ),
        ("position embedding", r"E_pos|\bPE\b|position", r"position_embedding\b", r"position"),
        ("class token", r"x_class|\[CLS\]", r"class_token\b", r"class_token"),
        ("rotary positions", r"RoPE|rotary", r"rope|rotary", r"rope|rotary"),
        ("squared error", r"\|\|.*\|\|\^?2|MSE", r"mse_loss\(|\.square\(\)|\.pow\(2\)", r"mse|square|pow\(2\)|\*\* 2"),
        ("Kullback-Leibler divergence", r"\bKL\b|D_KL", r"\bkl\w*", r"\bkl\w*"),
        ("convolution", r"\b[Cc]onv\w*", r"Conv[12]d\(|conv[12]d\(", r"conv"),
        ("low-rank update", r"\bB\s*A\b|low.?rank", r"lora_\w+|rank", r"lora|rank"),
        ("sigmoid", r"sigmoid|sigma\(", r"sigmoid\(", r"sigmoid"),
        ("tanh", r"tanh", r"tanh\(", r"tanh"),
    )
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the matrix; `missing` says what is not implemented, empty if it is."""

    subject: str
    where: str
    line: str
    test: str
    status: str
    missing: str = ""

    def to_text(self) -> str:
        cells = (_cell(self.subject), _cell(self.where), self.line, self.test, self.status)
        return f"| {' | '.join(cells)} |\n"


def traceability(paper: Mapping[str, Any], entry_name: str, configuration: Mapping[str, Json]) -> str:
    """Give the text of the matrix for a delivery of an entry with a configuration, as the plan was approved."""
    entry = ENTRIES[entry_name]
    reading, defaults = read_values(paper, entry), entry.solve(None)
    files = {**entry.skeleton(configuration), **entry.tests(configuration)}
    values = {**defaults, **configuration}
    rows = [*_values(reading, values, files), *_formulas(paper, files)]
    open_rows = [_open(key, values[key], defaults[key], files) for key in values if key not in reading.options]
    missing = [
        f"- {_cell(each.subject)} ({_cell(each.where)}): {_cell(each.missing)}\n" for each in rows if each.missing
    ]
    return "".join(
        [
            _INTRODUCTION.format(title=_cell(paper["title"]), entry=entry.title),
            *(row.to_text() for row in rows),
            _OPEN,
            *(open_rows or ["| nothing | | | |\n"]),
            "\n## Not implemented\n\n",
            *(missing or ["Nothing: every equation, algorithm and value that was found has a line.\n"]),
        ]
    )


def _values(reading: Reading, values: Mapping[str, Json], files: Mapping[str, str]) -> Iterator[_Row]:
    for each in reading.stated:
        subject = f"{each.name} = {each.value}"
        line = str(place_of_key(each.key, files)) if each.key else _NONE
        if each.reason or not each.key:
            yield _Row(subject, each.where, line, _NONE, "default kept" if each.key else "not mapped", each.reason)
            continue
        changed = values[each.key] != reading.options[each.key]
        note = f"the plan says {values[each.key]}" if changed else ""
        test = str(place_of_test([rf"\b{re.escape(each.key)}\b"], files, itself=True) or _NONE)
        yield _Row(subject, each.where, line, test, "changed in the plan" if changed else "implemented", note)


def _formulas(paper: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[_Row]:
    for each in paper["equations"]:
        name = f"Equation ({each['number']})" if each["number"] else "Equation without a number"
        yield _traced(f"{name}: {each['text']}", each["section"], each["text"], files)
    for each in paper["algorithms"]:
        yield _traced(f"Algorithm {each['number']}: {each['title']}", "algorithm box", each["text"], files)


def _traced(subject: str, where: str, text: str, files: Mapping[str, str]) -> _Row:
    """Trace what an equation computes; one operation without a line, and the whole equation is not mapped."""
    operations = [each for each in _OPERATIONS if re.search(each.paper, text)]
    if not operations:
        return _Row(subject, where, _NONE, _NONE, "not mapped", "no operation in it is known; it may be new")
    places = places_of([each.code for each in operations], files)
    found = [(each.name, at) for each, at in zip(operations, places, strict=True)]
    lines = "; ".join(f"{at} ({name})" for name, at in found if at)
    lost = [name for name, at in found if at is None]
    if lost:
        return _Row(subject, where, lines or _NONE, _NONE, "not mapped", f"the code has no {', '.join(lost)}")
    test = str(place_of_test([each.tests for each in operations], files) or _NONE)
    return _Row(subject, where, lines, test, "implemented")


def _open(key: str, value: Json, default: Json, files: Mapping[str, str]) -> str:
    why = "published default" if value == default else "follows from the other values, or was set in the plan"
    return f"| `{key}` | {_cell(str(value))} | {place_of_key(key, files)} | {why} |\n"


def _cell(text: str) -> str:
    """Give text so that it stays inside its cell, and is neither markup nor a link."""
    return re.sub(r"([\\*_\[\]<>#|])", r"\\\1", one_line(text)) or " "
