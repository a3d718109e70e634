"""Configuration of the decoder, checked when it is made, and its parameter count in closed form.

Letters of the count: V vocabulary, D width, L blocks, H heads, G key/value heads, K head size, F hidden size, E
experts.
"""

from dataclasses import dataclass

CHOICES = {
    "attention": ("full", "sliding", "linear"),
    "position": ("rope", "alibi", "learned", "none"),
    "norm": ("rmsnorm", "layernorm"),
    "ffn": ("swiglu", "gelu", "moe"),
    "memory": ("none", "titans"),  # only memory=titans
    "recursion": ("none", "trm"),  # only recursion=trm
    "halting": ("none", "act"),  # only halting=act
}
FEWEST = 2  # experts; one would be a dense layer
_ORDERED = (
    "does not go with attention='linear': the delta rule orders tokens by itself and keeps no keys that could be "
    "turned or biased; use position='none' or 'learned'"
)
_PAIRS = "turns pairs of channels: hidden_size / num_heads"
_OWN_MEMORY = "attention='linear' needs num_kv_heads equal to num_heads: each head writes a memory of its own"
TAPS = 4  # of the causal convolution in front of linear attention
MIN_STEPS = 2  # of which a halting head chooses one  # only halting=act
DEPTHS = (1, 2)  # of a long-term memory: a matrix, or a network of two layers  # only memory=titans
_NO_STEPS = "halting='act' needs recursion='trm': without steps there is nothing to halt"  # only halting=act


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        vocab_size: Number of tokens.
        hidden_size: Width.
        num_layers: Blocks.
        num_heads: Query heads.
        num_kv_heads: Key/value heads; divides `num_heads`.
        intermediate_size: Hidden size of the feed-forward layer, or of each expert.
        attention: "full", "sliding" (the last `window` tokens) or "linear" (the gated delta rule).
        window: Keys that a query sees, itself included; 0 unless attention is "sliding".
        position: "rope", "alibi", "learned" or "none".
        rope_theta: Base of the rotary frequencies.
        max_length: Longest sequence of learned positions; 0 unless position is "learned".
        norm: "rmsnorm" or "layernorm".
        norm_eps: What keeps a norm from dividing by zero.
        ffn: "swiglu", "gelu" or "moe" (experts of SwiGLU).
        num_experts: Experts of a block; 0 unless ffn is "moe".
        top_k: Experts that a token visits; 0 unless ffn is "moe".
        balance: Weight of the loss that spreads tokens over the experts.
        bias: Whether linear layers have a bias.
        tie_embeddings: Whether the logits use the embedding's weights.
        memory: "none" or "titans", a long-term memory beside attention.  # only memory=titans
        memory_depth: 1 is a matrix a head, 2 a network of two layers; 0 without a memory.  # only memory=titans
        memory_chunk: Tokens that are written together; 0 without a memory.  # only memory=titans
        recursion: "none" or "trm", which applies all blocks again and again.  # only recursion=trm
        num_latent: Updates of the latent before one of the answer; 0 without recursion.  # only recursion=trm
        num_cycles: Rounds of such updates in a step; the last has a gradient.  # only recursion=trm
        num_steps: Supervised steps; each gives an answer and starts from the last.  # only recursion=trm
        halting: "none" or "act", a head that says at which step a token is done.  # only halting=act
    """

    vocab_size: int = 32000
    hidden_size: int = 384
    num_layers: int = 8
    num_heads: int = 6
    num_kv_heads: int = 2
    intermediate_size: int = 1024
    attention: str = "full"
    window: int = 0
    position: str = "rope"
    rope_theta: float = 10000.0
    max_length: int = 0
    norm: str = "rmsnorm"
    norm_eps: float = 1e-6
    ffn: str = "swiglu"
    num_experts: int = 0
    top_k: int = 0
    balance: float = 0.02
    bias: bool = False
    tie_embeddings: bool = True
    memory: str = "none"  # only memory=titans
    memory_depth: int = 0  # only memory=titans
    memory_chunk: int = 0  # only memory=titans
    recursion: str = "none"  # only recursion=trm
    num_latent: int = 0  # only recursion=trm
    num_cycles: int = 0  # only recursion=trm
    num_steps: int = 0  # only recursion=trm
    halting: str = "none"  # only halting=act

    def __post_init__(self) -> None:
        """Check every key, and that the options go together.

        Raises:
            ValueError: A value is impossible, or options exclude each other; the message names the keys.
        """
        for key in ("hidden_size", "num_layers", "num_heads", "num_kv_heads", "intermediate_size", "vocab_size"):
            if getattr(self, key) < 1 + (key == "vocab_size"):
                raise ValueError(f"{key}={getattr(self, key)} must be at least {1 + (key == 'vocab_size')}")
        for key, values in CHOICES.items():
            if getattr(self, key) not in values:
                raise ValueError(f"{key}={getattr(self, key)!r} must be one of {', '.join(values)}")
        if self.hidden_size % self.num_heads:
            raise ValueError(f"hidden_size={self.hidden_size} must be a multiple of num_heads={self.num_heads}")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(f"num_heads={self.num_heads} must be a multiple of num_kv_heads={self.num_kv_heads}")
        if (reason := refusal(self)) is not None:
            raise ValueError(reason)

    @property
    def head_dim(self) -> int:
        """Size of a head."""
        return self.hidden_size // self.num_heads


def refusal(config: ModelConfig) -> str | None:
    """Say why options exclude each other, or None if they go together."""
    is_moe, is_linear = config.ffn == "moe", config.attention == "linear"
    rules: tuple[tuple[object, str], ...] = (
        (config.attention == "sliding" and config.window < 1, "attention='sliding' needs a window of at least 1"),
        (config.attention != "sliding" and config.window, f"window={config.window} needs attention='sliding'"),
        (config.position == "learned" and config.max_length < 1, "position='learned' needs a max_length of at least 1"),
        (config.position != "learned" and config.max_length, "max_length needs position='learned'"),
        (config.position == "rope" and config.head_dim % 2, f"position='rope' {_PAIRS} = {config.head_dim} is odd"),
        (is_linear and config.position in {"rope", "alibi"}, f"position={config.position!r} {_ORDERED}"),
        (is_linear and config.num_kv_heads != config.num_heads, _OWN_MEMORY),
        (config.bias and is_linear, "bias=True does not go with attention='linear', whose layers have none"),
        (config.bias and is_moe, "bias=True does not go with ffn='moe', whose experts have none"),
        (is_moe and config.num_experts < FEWEST, f"ffn='moe' needs 2 experts or more, not {config.num_experts}"),
        (is_moe and not 1 <= config.top_k <= config.num_experts, f"top_k={config.top_k} must be 1 to num_experts"),
        (not is_moe and (config.num_experts or config.top_k), "num_experts and top_k need ffn='moe'"),
        (config.balance < 0, f"balance={config.balance} must not be negative"),
    )
    rules += _memory_rules(config)  # only memory=titans
    rules += _halting_rules(config)  # only halting=act
    rules += _recursion_rules(config)  # only recursion=trm
    return next((reason for is_broken, reason in rules if is_broken), None)


def _memory_rules(config: ModelConfig) -> tuple[tuple[object, str], ...]:  # only memory=titans
    depth, chunk, has_memory = config.memory_depth, config.memory_chunk, config.memory == "titans"
    return (
        (has_memory and depth not in DEPTHS, f"memory_depth={depth} must be 1 or 2 with memory='titans'"),
        (has_memory and chunk < 1, f"memory_chunk={chunk} must be at least 1 with memory='titans'"),
        (not has_memory and (depth or chunk), "memory_depth and memory_chunk need memory='titans'"),
    )


def _recursion_rules(config: ModelConfig) -> tuple[tuple[object, str], ...]:  # only recursion=trm
    counts = (config.num_latent, config.num_cycles, config.num_steps)
    names, is_recursive = "num_latent, num_cycles and num_steps", config.recursion == "trm"
    return (
        (is_recursive and min(counts) < 1, f"recursion='trm' needs {names} of at least 1, not {counts}"),
        (not is_recursive and any(counts), f"{names} need recursion='trm'"),
    )


def _halting_rules(config: ModelConfig) -> tuple[tuple[object, str], ...]:  # only halting=act
    steps, halts = config.num_steps, config.halting == "act"
    return (
        (halts and config.recursion != "trm", _NO_STEPS),
        (halts and steps < MIN_STEPS, f"num_steps={steps} leaves nothing to decide with halting='act'; use 2 or more"),
    )


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every block."""
    V, D, L = config.vocab_size, config.hidden_size, config.num_layers
    norm = D * (1 + (config.norm == "layernorm"))
    table: tuple[tuple[str, int], ...] = (
        ("embedding", V * D),
        ("positions", config.max_length * D),
        ("blocks.*.attention", L * _attention(config)),
        ("blocks.*.feed_forward", L * _feed_forward(config)),
        ("blocks.*.norms", L * 2 * norm),
        ("norm", norm),
        ("head", 0 if config.tie_embeddings else V * D),
    )
    if config.memory == "titans":  # only memory=titans
        table += (("blocks.*.attention.memory", L * _memory(config)),)
        table += (("blocks.*.attention.gate", L * (2 * norm + 3 * D * D + D)),)
    if config.halting == "act":  # only halting=act
        table += (("halting", D + 1),)
    return table


def _attention(config: ModelConfig) -> int:
    D, H, G, K = config.hidden_size, config.num_heads, config.num_kv_heads, config.head_dim
    if config.attention == "linear":
        return 5 * D * D + 3 * D * TAPS + D * 2 * H + 2 * H + K
    return D * (H + 2 * G) * K + D * D + config.bias * ((H + 2 * G) * K + D)


def _memory(config: ModelConfig) -> int:  # only memory=titans
    D, H, K = config.hidden_size, config.num_heads, config.head_dim
    start = H * K * K if config.memory_depth == 1 else 2 * H * K * 2 * K
    return 3 * D * D + 3 * D * TAPS + 3 * H * (D + 1) + start


def _feed_forward(config: ModelConfig) -> int:
    D, F, E = config.hidden_size, config.intermediate_size, config.num_experts
    if config.ffn == "moe":
        return D * E + E * 3 * D * F
    if config.ffn == "gelu":
        return 2 * D * F + config.bias * (F + D)
    return 3 * D * F + config.bias * (2 * F + D)
