"""The entries of the catalogue that are options of one decoder."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mlexpert_nb.catalogue.entry import Config
from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_HEAD_DIMS = ((256, 64), (64, 32), (16, 16), (0, 8))  # from this width on, heads of this size
_GROUP = 3  # query heads that share keys and values, about
_IMPLIED: Mapping[tuple[str, Json], Keys] = {  # what an option needs, where nothing else is said
    ("attention", "sliding"): {"window": 256},
    ("attention", "linear"): {"position": "none"},
    ("position", "learned"): {"max_length": 1024},
    ("ffn", "moe"): {"num_experts": 8, "top_k": 2},
    ("memory", "titans"): {"memory_depth": 1, "memory_chunk": 64},
    ("halting", "act"): {"num_steps": 3},
    ("recursion", "trm"): {"num_latent": 2, "num_cycles": 2, "num_steps": 2, "num_layers": 2},
}
_GENERAL = {"position", "num_layers"}  # every decoder has these
_OWNERS: Mapping[str, tuple[str, Json]] = {  # a number that is meaningless without its option chooses it
    "window": ("attention", "sliding"),
    "num_experts": ("ffn", "moe"),
    "memory_depth": ("memory", "titans"),
    "num_latent": ("recursion", "trm"),
    "num_cycles": ("recursion", "trm"),
    "num_steps": ("recursion", "trm"),
}


def _consistent(keys: Keys, stated: Keys) -> Keys:
    """Add what the options need; a window or experts that were not asked for go with the option that had them."""
    found = dict(keys)
    needed = {need: owner for owner, needs in _IMPLIED.items() for need in needs if need not in _GENERAL}
    for need, (key, value) in needed.items():
        if found.get(key, value if need in stated else None) != value and need not in stated:
            found.pop(need, None)
    for need, (key, value) in _OWNERS.items():
        if need in stated and key not in stated:
            found[key] = value
    for (key, value), needs in _IMPLIED.items():
        if found.get(key) == value:
            found = {**needs, **found}
    if "num_heads" in stated and "num_kv_heads" not in stated:
        heads = _whole(found["num_heads"])
        is_plain = found.get("attention") == "linear" or found.get("norm") == "layernorm"
        found["num_kv_heads"] = heads if is_plain else _groups(heads)
    return found


def _complete(keys: Keys) -> Keys:
    """Give the heads and the hidden size that go with a width."""
    width = _whole(keys["hidden_size"])
    head_dim = next(size for least, size in _HEAD_DIMS if width >= least)
    while width % head_dim or head_dim % 2:
        head_dim //= 2
    heads = width // head_dim
    is_plain = keys["attention"] == "linear" or keys["norm"] == "layernorm"
    return {
        "num_heads": heads,
        "num_kv_heads": heads if is_plain else _groups(heads),
        "intermediate_size": {"gelu": 4 * width, "moe": width, "swiglu": 8 * width // 3}[str(keys["ffn"])],
    }


def _groups(heads: int) -> int:
    """Give the key/value heads that go with the query heads."""
    wanted = max(1, heads // _GROUP)
    return max((count for count in range(1, wanted + 1) if heads % count == 0), default=1)


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _derived(config: ModelConfig) -> dict[str, object]:
    attention = {
        "full": f"{config.num_heads} heads, {config.num_kv_heads} key/value heads",
        "sliding": f"{config.num_heads} heads, {config.num_kv_heads} key/value heads, the last {config.window} tokens",
        "linear": f"gated delta rule, {config.num_heads} memories of {config.head_dim} x {config.head_dim}",
    }[config.attention]
    ffn = f"{config.ffn} {config.intermediate_size}"
    if config.ffn == "moe":
        ffn = f"{config.top_k} of {config.num_experts} experts of SwiGLU {config.intermediate_size}"
    calls = config.num_steps * config.num_cycles * (config.num_latent + 1)
    return {
        "calls": calls,
        "memory_said": "a matrix a head" if config.memory_depth == 1 else "a network of two layers a head",
        "attention_said": attention,
        "ffn_said": ffn,
        "head_dim": config.head_dim,
        "head_said": "tied to the embedding" if config.tie_embeddings else "weights of its own",
    }


def _sizes(base: Keys, presets: Mapping[str, Keys]) -> Sizes:
    return Sizes(
        presets={label: {**base, **keys} for label, keys in presets.items()},
        grid={
            "num_layers": (1, 2, 3, 4, 6, 8, 10, 12, 16, 22, 24, 32),
            "hidden_size": (16, 32, 64, 96, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 1536, 2048, 3072, 4096),
            "vocab_size": (256, 2048, 8192, 32000),
        },
        complete=_complete,
        fine="intermediate_size",
    )


_GPT2: Keys = {
    "vocab_size": 50257,
    "position": "learned",
    "max_length": 1024,
    "norm": "layernorm",
    "norm_eps": 1e-5,
    "ffn": "gelu",
    "bias": True,
}


def _gpt2(width: int, layers: int) -> Keys:
    heads = width // 64
    sizes = {"num_layers": layers, "num_heads": heads, "num_kv_heads": heads, "intermediate_size": 4 * width}
    return {**_GPT2, "hidden_size": width, **sizes}


def _llama(vocabulary: int, width: int, layers: int, heads: tuple[int, int], hidden: int, **more: Json) -> Keys:
    sizes: Keys = {"vocab_size": vocabulary, "hidden_size": width, "num_layers": layers, "intermediate_size": hidden}
    return {**sizes, "num_heads": heads[0], "num_kv_heads": heads[1], **more}


_OPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "attention": {
        "full": ("full attention", "dense attention"),
        "sliding": (
            "sliding window",
            "sliding window attention",
            "local attention",
            "window attention",
            "swa",
            "look back",
            "looks back",
            "only looks back",
        ),
        "linear": ("linear attention", "delta rule", "deltanet", "gated deltanet", "delta net"),
    },
    "position": {
        "rope": ("rope", "rotary", "rotary embeddings", "rotary position embeddings"),
        "alibi": ("alibi",),
        "learned": ("learned positions", "learned position embeddings", "gpt 2", "gpt2"),
        "none": ("nope", "no positions", "no position embeddings", "without positions", "without position embeddings"),
    },
    "num_kv_heads": {"1": ("multi query attention", "multi query", "mqa")},
    "norm": {"rmsnorm": ("rmsnorm", "rms norm"), "layernorm": ("layernorm", "layer norm", "gpt 2", "gpt2")},
    "ffn": {
        "swiglu": ("swiglu",),
        "gelu": ("gelu", "gpt 2", "gpt2"),
        "moe": ("moe", "mixture of experts", "experts", "mixtral"),
    },
    "memory": {
        "titans": (
            *(
                "titans",
                "titan",
                "titans mag",
                "titans memory",
                "long term memory",
                "neural memory",
                "neural long term memory",
            ),
            *("memory as gate", "memory as a gate", "mag", "test time memory", "langzeitgedachtnis"),
            *("memoire a long terme", "memoria a largo plazo"),
        ),
    },
    "recursion": {
        "trm": (
            *("trm", "recursive", "recursion", "trm recursion", "tiny recursion", "tiny recursive model"),
            *("tiny recursion model", "recursively", "rekursiv", "recursif", "recursivo"),
        ),
    },
    "halting": {
        "act": (
            *("act halting", "with act", "act head", "adaptive computation", "adaptive computation time"),
            *("adaptive halting", "halting", "halting head", "learned halting"),
        ),
    },
}
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "num_layers": ("layers", "blocks", "couches", "capas", "schichten"),
    "num_heads": ("heads", "attention heads"),
    "num_kv_heads": ("kv heads", "key value heads"),
    "hidden_size": ("hidden size", "width", "d_model", "dim"),
    "window": ("window", "fenster", "fenetre", "ventana", "looks back", "look back"),
    "num_experts": ("experts", "experten", "expertos", "experts in all"),
    "top_k": ("top",),
    "vocab_size": ("vocabulary", "vocab"),
    "max_length": ("positions", "context", "context length", "block size", "sequence length"),
    "num_cycles": ("cycles", "zyklen", "ciclos"),
    "num_steps": ("supervision steps", "recursion steps", "steps"),
}
_COMMON = ("KV_cache", "RMSNorm", "LayerNorm", "SwiGLU", "GELU", "GQA", "RoPE", "ALiBi", "weight_tying")
_USAGE = """\
ids_BT = torch.randint(model.config.vocab_size, (1, 64))
logits_BTV = model(ids_BT)
loss = model.loss(ids_BT[:, :-1], ids_BT[:, 1:])  # labels are shifted by you; -100 is ignored
logits_BTV, state = model.stream(ids_BT)  # then model.stream(next_ids, state): a token at a time
continuation_BT = model.generate(ids_BT, 20)"""


_BLOCKS: Mapping[str, tuple[str, ...]] = {
    "titans": ("memory_rule", "long_term_memory", "memory_gate"),
    "recursion": ("recursion",),
    "halting": ("halting_head",),
}
_ONLY: Mapping[str, tuple[str, Json]] = {
    "model/titans.py": ("memory", "titans"),
    "model/recursion.py": ("recursion", "trm"),
    "model/halting.py": ("halting", "act"),
    "tests/references.py": ("memory", "titans"),
    "tests/test_memory_rule.py": ("memory", "titans"),
    "tests/test_memory.py": ("memory", "titans"),
    "tests/test_recursion.py": ("recursion", "trm"),
    "tests/test_halting.py": ("halting", "act"),
}


_PAPERS: Mapping[tuple[str, Json], str] = {
    ("memory", "titans"): "Titans: Learning to Memorize at Test Time, arXiv:2501.00663",
    ("recursion", "trm"): "Less is More: Recursive Reasoning with Tiny Networks (TRM), arXiv:2510.04871",
    ("halting", "act"): "Adaptive Computation Time for Recurrent Neural Networks, arXiv:1603.08983",
}


@dataclass(frozen=True, kw_only=True)
class DecoderEntry(PlainEntry):
    """A decoder with some options set; what all of them share stands here as defaults.

    Attributes:
        base: The options.
    """

    model_type: str = "transformer"
    options: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: _OPTIONS)
    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NUMBERS)
    package: str = "decoder"
    derived: Callable[[Any], Mapping[str, object]] | None = _derived
    blocks: Mapping[str, tuple[str, ...]] | None = field(default_factory=lambda: _BLOCKS)
    only: Mapping[str, tuple[str, Json]] | None = field(default_factory=lambda: _ONLY)
    usage: str = _USAGE
    base: Keys = field(default_factory=dict)

    def sources(self, config: Mapping[str, Json]) -> tuple[str, ...]:
        """Give the papers of the decoder and of the options that a configuration has."""
        return (*self.papers, *(paper for (key, value), paper in _PAPERS.items() if config.get(key) == value))

    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration within 2 % of the target; options that need others bring them along."""
        keys = _consistent({**self.base, **(fixed or {})}, fixed or {})
        if num_parameters is None and keys.get("attention") == "linear":  # the default size shares keys between heads
            heads = keys.get("num_heads", _complete({**asdict(ModelConfig()), **keys})["num_heads"])
            keys = {"num_kv_heads": heads, **keys}
        return super().solve(num_parameters, keys)


LLAMA_DECODER = DecoderEntry(
    name="llama-decoder",
    title="LLaMA/GPT decoder",
    summary=(
        "Causal language model of the GPT and LLaMA kind, with grouped heads, rotary positions and a cache"
        " to stream from"
    ),
    base={},
    features=_COMMON,
    keywords=(
        *("llama", "llama decoder", "gpt", "gpt 2", "gpt2", "nanogpt", "minigpt", "decoder only transformer"),
        *("causal language model", "autoregressive transformer", "transformer decoder", "decoder only"),
        *("decodeur llama", "smollm", "tinyllama"),
    ),
    papers=(
        "Language Models are Unsupervised Multitask Learners (GPT-2), Radford et al. 2019",
        "LLaMA: Open and Efficient Foundation Language Models, arXiv:2302.13971",
        "RoFormer: Enhanced Transformer with Rotary Position Embedding, arXiv:2104.09864",
    ),
    default_parameters=24_877_440,
    request="Implement a LLaMA-style decoder",
    sizes=_sizes(
        {},
        {
            "small": {},
            "gpt-2": _gpt2(768, 12),
            "gpt-2 medium": _gpt2(1024, 24),
            "gpt-2 large": _gpt2(1280, 36),
            "smollm-135m": _llama(49152, 576, 30, (9, 3), 1536),
            "tinyllama-1.1b": _llama(32000, 2048, 22, (32, 4), 5632, tie_embeddings=False),
            "llama-3.2-1b": _llama(128256, 2048, 16, (32, 8), 8192, rope_theta=500000.0),
            "llama-7b": _llama(32000, 4096, 32, (32, 32), 11008, tie_embeddings=False),
        },
    ),
)
SLIDING_WINDOW_DECODER = DecoderEntry(
    name="sliding-window-decoder",
    title="Sliding-window decoder",
    summary=(
        "Causal language model whose tokens see a window of the past, as Mistral: work and cache do not grow"
        " with the text"
    ),
    base={"attention": "sliding", "window": 256},
    features=("sliding_window_attention", *_COMMON),
    keywords=("mistral", "sliding window decoder", "sliding window transformer", "local attention transformer"),
    papers=("Mistral 7B, arXiv:2310.06825", "Longformer: The Long-Document Transformer, arXiv:2004.05150"),
    default_parameters=24_877_440,
    request="Implement a Mistral-style sliding-window decoder",
    sizes=_sizes(
        {"attention": "sliding", "window": 256},
        {
            "small": {},
            "mistral-7b": _llama(32000, 4096, 32, (32, 8), 14336, tie_embeddings=False, window=4096),
        },
    ),
)
DELTA_RULE_DECODER = DecoderEntry(
    name="delta-rule-decoder",
    title="Delta-rule decoder",
    summary="Causal language model with linear attention: each head keeps a matrix that forgets and corrects itself",
    base={"attention": "linear", "position": "none"},
    features=("linear_attention", "delta_rule", *_COMMON),
    keywords=(
        *("deltanet", "delta net", "gated deltanet", "gated delta net", "delta rule", "gated delta rule"),
        *("linear attention", "linear attention transformer", "linear transformer", "fast weights"),
    ),
    papers=(
        "Gated Delta Networks: Improving Mamba2 with Delta Rule, arXiv:2412.06464",
        "Parallelizing Linear Transformers with the Delta Rule over Sequence Length, arXiv:2406.06484",
    ),
    default_parameters=27_704_288,
    request="Implement a linear-attention decoder with the gated delta rule",
    sizes=_sizes(
        {"attention": "linear", "position": "none"},
        {"small": {"num_kv_heads": 6}},
    ),
)
MOE_DECODER = DecoderEntry(
    name="moe-decoder",
    title="Mixture-of-experts decoder",
    summary=(
        "Causal language model whose tokens each visit a few of many experts, as Mixtral, with a loss that spreads them"
    ),
    base={"ffn": "moe", "num_experts": 8, "top_k": 2},
    features=("mixture_of_experts", *_COMMON),
    keywords=(
        *("mixtral", "mixture of experts", "moe", "sparse moe", "moe transformer", "switch transformer"),
        *("melange d experts", "mezcla de expertos", "top 2 routing"),
    ),
    papers=("Mixtral of Experts, arXiv:2401.04088", "Switch Transformers, arXiv:2101.03961"),
    default_parameters=28_032_384,
    request="Implement a mixture-of-experts decoder",
    sizes=_sizes(
        {"ffn": "moe", "num_experts": 8, "top_k": 2},
        {
            "small": {"num_layers": 4, "intermediate_size": 384},
            "mixtral-8x7b": _llama(32000, 4096, 32, (32, 8), 14336, tie_embeddings=False, rope_theta=1e6),
        },
    ),
)
