"""Formulas of papers that are known as a whole, and operations that are known by a word.

A formula counts as implemented only where all of it is accounted for: it has one of the forms below from its first
letter to its last, and the code has every line that the form asks for. A word found in it shows that much and no more.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from mlexpert_nb.packages import Json


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a formula computes: how a paper writes it, how code does, and how tests speak of it."""

    name: str
    paper: str
    code: str
    tests: str


@dataclass(frozen=True, slots=True)
class Form:
    """A whole formula, and everything that code which computes it has.

    Attributes:
        whole: All of it right of the equals sign, blanks only between two words, where they are dots.
        parts: What it is made of, and how code writes each.
        tests: How tests speak of it.
        needs: Choices of the configuration that lead the code there, as far as it has such keys.
    """

    whole: str
    parts: tuple[tuple[str, str], ...]
    tests: str
    needs: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)


_V = r"[A-Za-z]\w*'?(?:_\w+)?(?:[-+]1)?'?(?:\^\(?\w+\)?)?'?"  # a symbol with its indices
_MIXES = (
    r"(?:(?:Multi-?Head)?(?:Self-?)?Att(?:entio)?n|MSA|MHA|MHSA|SA)",
    r"(?:self\.)?\w*attention\(",
    r"\battention\(",
)
_WIDENS = (r"(?:MLP|FFN|FeedForward)", r"(?:self\.)?(?:mlp|ffn|feed_forward)\(", r"\bmlp\(|\bffn\(|feed_forward\(")
_NORMS = (
    (r"(?:LN|LayerNorm)", ("LayerNorm", r"nn\.LayerNorm\(|layer_norm\("), {"norm": ("layer", "layernorm")}),
    (r"RMSNorm", ("RMSNorm", r"nn\.RMSNorm\b|rms_norm\("), {"norm": ("rms", "rmsnorm")}),
)
_DENSE = r"(?:\+b_?\w)?"
_MEAN = r"(?:1/\|?\w+\|?\u00b7?)?(?:sum_[a-zA-Z](?:=1|\u00b7in\u00b7\w)?(?:\^\w)?\u00b7?)?"
_SOFTMAX = ("softmax attention", r"scaled_dot_product_attention\(")
_PATCH = r"(?:x(?:_\w+)?(?:\^\w+)?\u00b7?E;?|dots;?)+"
_MIXING: Mapping[str, tuple[Json, ...]] = {
    "attention": ("full", "sliding"),
    "kind": ("patchtst", "ft_transformer"),
}
_TOKENS = (("patches", r"patch_embedding\(patches\("), ("positions added", r"\+ self\.position_embedding"))


def _residuals() -> Iterator[Form]:
    """Give the layer with its residual, normalised before and after, for every norm and both halves of a layer."""
    for said, norm, needs in _NORMS:
        for inner, call, tests in (_MIXES, _WIDENS):
            before = rf"{inner}\({said}\((?P<x>{_V})\)\)\+(?P=x)|(?P<y>{_V})\+{inner}\({said}\((?P=y)\)\)"
            line = rf"(?:\b(\w+) = \1 \+|return x_\w+ \+) .*{call}(?:self\.)?\w*norm\w*\("
            around = ("the residual around a normalised input", line)
            yield Form(before, (norm, around), tests, {**_MIXING, **needs, "pre_norm": (True,)})
            after = rf"{said}\((?P<x>{_V})\+{inner}\((?P=x)\)\)|{said}\({inner}\((?P<y>{_V})\)\+(?P=y)\)"
            sum_of = ("the norm of the sum", rf"norm\w*\(x_\w+ \+ .*{call}")
            yield Form(after, (norm, sum_of), tests, {**_MIXING, **needs, "pre_norm": (False,)})


_FORMS = (
    *_residuals(),
    Form(
        r"softmax\(?\(Q\u00b7?K(?:\^\(?T\)?|T)/(?:sqrt|\u221a)\(?\w+\)?\)\)?V",
        (_SOFTMAX,),
        r"\battention\(",
        _MIXING,
    ),
    Form(
        rf"W_?2\u00b7?GELU\(W_?1\u00b7?x{_DENSE}\){_DENSE}|GELU\(x\u00b7?W_?1{_DENSE}\)W_?2{_DENSE}",
        (("GELU", r"GELU\(\)|gelu\("),),
        r"\bmlp\(|gelu|\berf\b",
        {"ffn": ("gelu",)},
    ),
    Form(
        r"W_?2\(SiLU\(W_?1\u00b7?x\)\u2299W_?3\u00b7?x\)|\(SiLU\(x\u00b7?W_?1\)\u2299x\u00b7?W_?3\)W_?2",
        (("SiLU gate", r"silu\([^)]*\)+ \* "),),
        r"silu|sigmoid|mlp\(",
        {"ffn": ("swiglu",)},
    ),
    Form(
        rf"-{_MEAN}(?:y_\w\u00b7?)?log\u00b7?p(?:_\w|\([^()]*\))",
        (("cross entropy", r"cross_entropy\("),),
        r"cross.?entropy",
    ),
    Form(
        rf"\[x_\(?class\)?;{_PATCH}\]\+E_\(?pos\)?",
        (*_TOKENS, ("class token first", r"cat\(\[self\.class_token")),
        r"\bembedded\(",
        {"pool": ("cls",)},
    ),
    Form(rf"\[{_PATCH}\]\+E_\(?pos\)?", _TOKENS, r"\bembedded\(", {"pool": ("mean",)}),
)
OPERATIONS = tuple(
    Operation(*each)
    for each in (
        (
            "softmax attention",
            r"softmax\(?\s?\(?\s?Q|\bMH?S?A\b|Att(?:entio)?n\(",
            r"scaled_dot_product_attention\(|softmax\(",
            r"\battention\(",
        ),
        ("softmax", r"softmax", r"scaled_dot_product_attention\(|softmax\(", r"\battention\(|\.exp\(\) /"),
        ("LayerNorm", r"\bLN\b|LayerNorm|layer norm", r"nn\.LayerNorm\(|layer_norm\(", r"layer_?norm|\bnorm\w*\("),
        ("RMSNorm", r"RMSNorm|\bRMS\b", r"nn\.RMSNorm\b|rms_norm\(", r"rms_?norm"),
        ("MLP", r"\bMLP\b|\bFFN\b", r"self\.(?:mlp|ffn|feed_forward)\b", r"\.(?:mlp|ffn|feed_forward)\b|mlp\("),
        ("GELU", r"(?<!not )GELU", r"GELU\(|gelu\(", r"gelu|\berf\b"),
        ("SiLU", r"SiLU|SwiGLU|Swish", r"SiLU\(|silu\(", r"silu|swiglu|sigmoid"),
        ("ReLU", r"\bReLU|max\(0", r"\bReLU\(|\brelu\(", r"relu|clamp\("),
        ("LeakyReLU", r"LeakyReLU", r"leaky_relu\(|LeakyReLU\(", r"leaky_?relu"),
        ("cross entropy", r"cross.?entropy|log p", r"cross_entropy\(", r"cross.?entropy"),
        ("position embedding", r"E_pos|\bPE\b", r"position_embedding\b", r"position"),
        ("class token", r"x_class|\[CLS\]", r"class_token\b", r"class_token"),
        ("rotary positions", r"RoPE|rotary", r"rope|rotary", r"rope|rotary"),
        ("squared error", r"\|\|.*\|\|(?:_2)?\s?\^2|\bMSE", r"mse_loss\(|\.square\(\)|\.pow\(2\)", r"mse|square"),
        ("Kullback-Leibler divergence", r"\bD?_?KL\b|D_KL", r"\bkl_\w*\(|kl_div\(", r"\bkl\w*"),
        ("softplus", r"softplus", r"softplus\(", r"softplus|scan"),
        (
            "state recurrence",
            r"\bh_t\s?=.*\bh_t-1\b|C_?\w*\s?h_t\b|exp\(\s?Delta\s?_?\w*\s?A",
            r"selective_scan\(|torch\.exp\(step",
            r"scan",
        ),
        ("cumulative product of alphas", r"prod_.*alpha", r"cumprod\(", r"cumprod|abar"),
        ("convolution", r"\bConv[12]?[dD]?\b|\bconv[12]d\b|convolution", r"Conv[12]d\(|conv[12]d\(", r"conv"),
        ("low-rank update", r"\bB\s?A\s?x\b|low.?rank", r"lora_\w+", r"lora"),
        ("sigmoid", r"\bsigmoid\b", r"sigmoid\(", r"sigmoid"),
        ("tanh", r"\btanh\b", r"tanh\(", r"tanh"),
    )
)
_KNOWN_NAMES = re.compile(  # symbols and words of notation, which compute nothing by themselves
    r"(?:[A-Za-z]|sum|prod|frac|sqrt|dots|in|exp|log|text|class|pos|T|cdot|where|"
    r"alpha|beta|gamma|delta|epsilon|theta|phi|psi|lambda|mu|nu|pi|rho|sigma|omega|ell|eta|xi|zeta|chi|kappa|tau|"
    r"Gamma|Delta|Theta|Phi|Psi|Lambda|Sigma|Omega)"
)


_LONGEST, _LONGEST_LEFT = 2000, 80  # characters of a formula, and left of its equals sign


@cache
def form_of(text: str) -> Form | None:
    """Give the known form of all of what stands right of the first equals sign in a formula; None if it has none."""
    left, equals, right = text[:_LONGEST].partition("=")
    shown = right if equals and len(left) <= _LONGEST_LEFT else text[:_LONGEST]
    bare = re.sub(r"\s+", "", re.sub(r"(?<=\w)\s+(?=\w)", "\u00b7", shown.strip()))
    bare = re.sub(r",\w+=1\W?dots.*$|[.,]$", "", bare)
    return next((form for form in _FORMS if re.fullmatch(form.whole, bare)), None)


def operations_of(text: str) -> Iterator[Operation]:
    """Give the operations whose words are in a text."""
    return (each for each in OPERATIONS if re.search(each.paper, text[:_LONGEST]))


def words_beyond(text: str) -> tuple[str, ...]:
    """Give the names in a formula that no operation and no notation accounts for."""
    rest = text.partition("=")[2] or text
    for each in OPERATIONS:
        rest = re.sub(each.paper, lambda found: " " if len(found[0]) < _LONGEST_LEFT else found[0], rest)
    names = re.findall(r"[A-Za-z]{2,20}(?=\s?\()", rest)
    return tuple(dict.fromkeys(name for name in names if not _KNOWN_NAMES.fullmatch(name)))[:5]
