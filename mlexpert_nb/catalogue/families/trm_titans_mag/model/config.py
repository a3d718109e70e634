"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: V vocabulary, d width, L blocks, H heads, G key/value heads, D head size, N persistent slots,
H_m memory heads, D_m memory head size, d_i = H_m D_m.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        vocab_size: Number of tokens.
        d_model: Width.
        n_layers: Memory-as-gate blocks.
        n_heads: Query heads.
        n_kv_heads: Key/value heads; divides `n_heads`.
        d_ff: Hidden size of SwiGLU in a block.
        window: Keys that a query sees, itself included.
        n_persist: Persistent key/value slots of a block.
        rope_theta: Base of the rotary frequencies.
        mem_heads: Memories side by side in a block.
        mem_head_dim: Size of a memory's keys and values.
        mem_depth: 1 is a matrix memory, 2 a two-layer network.
        mem_expand: Hidden size of the two-layer network, in units of `mem_head_dim`.
        mem_chunk: Tokens written together; changes the result only where the memory is not exact.
        mem_exact: Whether a matrix memory takes true per-token errors.
        theta_max: Upper bound of the memory's inner learning rate.
        conv_kernel: Taps of the causal convolution before the memory.
        gate: How attention and memory mix: "convex" or "product".
        core: The tiny network: "mlp" works token by token, "swa" adds causal window attention.
        core_layers: Layers of the tiny network.
        core_d_ff: Hidden size of SwiGLU in the tiny network.
        core_window: Window of the tiny network's attention.
        n_latent: Latent updates in a recursion.
        n_cycles: Recursions in a supervision step; all but the last run without gradient.
        n_sup: Supervision steps, which is also the most steps that a token may think.
        halting: What the loss makes of the halting head: "qhalt", "ponder" or "graves".
        halt_bias: First bias of the halting head; negative means go on.
        halt_init_std: Standard deviation of the halting head's first weights.
        lambda_halt: Weight of the halting target.
        lambda_div: Weight of the term that spreads the steps.
        lambda_ponder: Price of a step; for "ponder" the weight of the prior.
        halt_prior: Chance to halt at each step under the prior of "ponder".
        tie: Whether the logits use the embedding's weights.
    """

    vocab_size: int = 32000
    d_model: int = 384
    n_layers: int = 4
    n_heads: int = 6
    n_kv_heads: int = 2
    d_ff: int = 1152
    window: int = 256
    n_persist: int = 4
    rope_theta: float = 10000.0
    mem_heads: int = 6
    mem_head_dim: int = 64
    mem_depth: int = 1
    mem_expand: int = 2
    mem_chunk: int = 64
    mem_exact: bool = True
    theta_max: float = 0.1
    conv_kernel: int = 4
    gate: str = "convex"
    core: str = "mlp"
    core_layers: int = 2
    core_d_ff: int = 1152
    core_window: int = 64
    n_latent: int = 2
    n_cycles: int = 2
    n_sup: int = 3
    halting: str = "qhalt"
    halt_bias: float = -2.0
    halt_init_std: float = 0.02
    lambda_halt: float = 0.5
    lambda_div: float = 0.1
    lambda_ponder: float = 0.0
    halt_prior: float = 0.2
    tie: bool = True

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            _require(value in choices, key, value, f"must be one of {', '.join(map(repr, choices))}")
        heads = self.n_heads
        _require(self.d_model % heads == 0, "n_heads", heads, f"must divide d_model={self.d_model}")
        _require(self.d_model // heads % 2 == 0, "n_heads", heads, "must leave an even head size, which RoPE turns")
        _require(heads % self.n_kv_heads == 0, "n_kv_heads", self.n_kv_heads, f"must divide n_heads={heads}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """Make a configuration from keys and values; a key that does not exist is a ValueError that names it."""
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise ValueError(f"no configuration key {key!r}; {hint}")
        return cls(**values)

    @property
    def head_dim(self) -> int:
        """Size of an attention head."""
        return self.d_model // self.n_heads


POSITIVE = (1, 2**31)
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("d_model", "n_layers", "n_heads", "n_kv_heads", "d_ff", "window"), POSITIVE),
    **dict.fromkeys(("mem_heads", "mem_head_dim", "mem_expand", "mem_chunk", "conv_kernel"), POSITIVE),
    **dict.fromkeys(("core_layers", "core_d_ff", "core_window", "n_latent", "n_cycles", "n_sup"), POSITIVE),
    **dict.fromkeys(("halt_init_std", "lambda_halt", "lambda_div", "lambda_ponder"), (0.0, 1e6)),
    "vocab_size": (2, 2**31),
    "n_persist": (0, 2**31),
    "rope_theta": (1.0, 1e12),
    "theta_max": (1e-38, 1.0),  # unit keys: above 1 a write overshoots its target
    "halt_prior": (0.001, 0.999),
    "halt_bias": (-100.0, 100.0),
}
CHOICES: Mapping[str, tuple[object, ...]] = {
    "mem_depth": (1, 2),
    "gate": ("convex", "product"),
    "core": ("mlp", "swa"),
    "halting": ("qhalt", "ponder", "graves"),
}


def parameter_table(cfg: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every block."""
    d, inner, L = cfg.d_model, cfg.mem_heads * cfg.mem_head_dim, cfg.n_layers
    kv = cfg.n_kv_heads * cfg.head_dim
    memory = 3 * d * inner + 3 * inner * cfg.conv_kernel + 3 * cfg.mem_heads * (d + 1) + _initial_memory(cfg)
    rows = (
        ("backbone.embedding", cfg.vocab_size * d),
        ("backbone.blocks.*.attention", L * (d * d + 2 * d * kv + 2 * kv * cfg.n_persist)),
        ("backbone.blocks.*.memory", L * (memory + (inner * d if inner != d else 0))),
        ("backbone.blocks.*.gate", L * (2 * d * d + d) if cfg.gate == "convex" else 0),
        ("backbone.blocks.*.out", L * d * d),
        ("backbone.blocks.*.feed_forward", L * 3 * d * cfg.d_ff),
        ("backbone.blocks.*.norm_*", L * 4 * d),
        ("backbone.norm", d),
        ("recursion.layers", cfg.core_layers * (3 * d * cfg.core_d_ff + (4 * d * d if cfg.core == "swa" else 0))),
        ("halting", d + 1),
        ("unembedding", 0 if cfg.tie else cfg.vocab_size * d),
    )
    return tuple((name, count) for name, count in rows if count)


def count_parameters(cfg: ModelConfig | Mapping[str, Any]) -> int:
    """Count the parameters of the network in closed form, without building it."""
    config = cfg if isinstance(cfg, ModelConfig) else ModelConfig.from_mapping(cfg)
    return sum(count for _, count in parameter_table(config))


def state_bytes(cfg: ModelConfig) -> int:
    """Count the bytes that a stream carries on for each row, in float32, once its windows are full."""
    ring = 2 * (cfg.window - 1) * cfg.n_kv_heads * cfg.head_dim
    tail = 3 * cfg.mem_heads * cfg.mem_head_dim * (cfg.conv_kernel - 1)
    is_exact = cfg.mem_exact and cfg.mem_depth == 1
    memory = (2 if is_exact else 3) * _initial_memory(cfg)  # weights, momenta and, by chunks, the chunk's start
    calls = cfg.n_sup * cfg.n_cycles * (cfg.n_latent + 1) * cfg.core_layers
    core = calls * 2 * (cfg.core_window - 1) * cfg.d_model if cfg.core == "swa" else 0
    return 4 * (cfg.n_layers * (ring + tail + memory) + core)


def _initial_memory(cfg: ModelConfig) -> int:
    matrix = cfg.mem_heads * cfg.mem_head_dim**2
    return matrix if cfg.mem_depth == 1 else 2 * matrix * cfg.mem_expand


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
