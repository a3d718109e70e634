"""Features and kinds of networks as people write them, by the names that the catalogue uses."""

import re
from collections.abc import Mapping

from mlexpert_nb.errors import UsageError

# Patterns ignore case, except between (?-i: and ), where "act" the verb is not ACT the technique.
FEATURES: Mapping[str, tuple[str, ...]] = {
    "sliding_window_attention": (
        r"sliding[\s_-]windows?(?:[\s_-]attention)?",
        r"ventana deslizante",
        r"local window attention",
        r"\bswa\b",
    ),
    "long_term_memory": (
        r"long[\s_-]term[\s_-](?:neural )?memory",
        r"langzeitged\w+chtnis",
        r"m[\u00e9e]moire [\u00e0a] long terme",
        r"memoria a largo plazo",
        r"\bneural memory\b",
        r"(?-i:\bLMM\b|\bLTM\b)",
    ),
    "ACT": (
        r"(?-i:\bACT\b)",
        r"adaptive[\s_-]comput(?:ation|e)(?:[\s_-]time)?",
        r"adaptive[\s_-]halting",
        r"\bponder(?:net|ing)\b",
    ),
    "persistent_memory": (r"persistent[\s_-](?:memory|tokens?)",),
    "RoPE": (r"\brope\b", r"rotary(?:[\s_-]position(?:al)?)?(?:[\s_-]embeddings?)?"),
    "GQA": (r"\bgqa\b", r"group(?:ed)?[\s_-]query(?:[\s_-]attention)?"),
    "SwiGLU": (r"\bswiglu\b",),
    "RMSNorm": (r"\brms[\s_-]?norm\b",),
    "KV_cache": (r"\bkv[\s_-]?cache\b", r"key[\s_-]value cache"),
    "weight_tying": (r"\bweight[\s_-]tying\b", r"\btied (?:weights|embeddings)\b", r"\bweights? tied\b"),
    "mixture_of_experts": (r"mixture[\s_-]of[\s_-]experts", r"(?-i:\bMo?E\b)"),
    "flash_attention": (r"\bflash[\s_-]?attention\b",),
    "linear_attention": (r"\blinear[\s_-]attention\b",),
    "LoRA": (r"\blora\b",),
    "dropout": (r"\bdropout\b",),
}
MODEL_TYPES: Mapping[str, str] = {  # the first that a text names
    "diffusion": r"\bdiffusion|\bddpm\b|\bddim\b",
    "gan": r"\bw?gans?\b|generative adversarial",
    "vae": r"\bvae\b|variational auto-?encoder|autoencodeur variationnel",
    "graph": r"\bgnn\b|\bgcn\b|\bgraph (?:attention|neural|convolution)",
    "state_space": r"\bmamba\b|\bssm\b|state[\s-]space",
    "recurrent": r"\blstm\b|\bgru\b|\brnn\b|\brecurrent\b",
    "transformer": r"transformer|\b(?:titans|trm|gpt|llama|bert|vit|llm)\b|attention|language model",
    "convolutional": r"\bcnn\b|\bconv(?:olution\w*|net)|\bresnet|\bu-?net\b|\bwavenet\b",
    "mlp": r"\bmlp\b|multi-?layer perceptron",
}
_NOT = re.compile(
    r"\b(?:without|no|not|omit|drop|remove|instead of|ohne|kein\w*|sans|sin)(?:\s+(?:any|the|an?|use|using))*\s*$",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z][\w+.-]{0,63}")


def find_features(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find the features a text asks for, and those it rules out ("without RoPE"); each in the order of the table."""
    wanted, excluded = [], []
    for name, patterns in FEATURES.items():
        starts = [match.start() for each in patterns for match in re.finditer(each, text, re.IGNORECASE)]
        asked = [start for start in starts if not _NOT.search(text[max(0, start - 40) : start])]
        if asked:
            wanted.append(name)
        elif starts:
            excluded.append(name)
    return tuple(wanted), tuple(excluded)


def find_model_type(text: str) -> str:
    """Name the kind of network that a text is about; empty when it names none."""
    return next((kind for kind, pattern in MODEL_TYPES.items() if re.search(pattern, text, re.IGNORECASE)), "")


def parse_features(options: tuple[str, ...]) -> tuple[str, ...]:
    """Read `--features a,b`: known features by their catalogue name, others as they are written, each once.

    Raises:
        UsageError: An item is no name.
    """
    items = [item.strip() for option in options for item in option.split(",")]
    return tuple(dict.fromkeys(_canonical(item) for item in items if item))


def _canonical(item: str) -> str:
    by_name = {name.casefold(): name for name in FEATURES}
    name = re.sub(r"\s+", "_", item)
    if name.casefold() in by_name:
        return by_name[name.casefold()]
    known = (name for name, patterns in FEATURES.items() if any(_is(each, item) for each in patterns))
    found = next(known, None)
    if found is None and not _NAME.fullmatch(name):
        raise UsageError(f"{item[:40]!r} is no name of a feature; type e.g. --features long_term_memory,ACT")
    return found or name


def _is(pattern: str, item: str) -> bool:
    return re.fullmatch(pattern, item, re.IGNORECASE) is not None
