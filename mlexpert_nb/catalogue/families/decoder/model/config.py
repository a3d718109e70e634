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
}
FEWEST = 2  # experts; one would be a dense layer
_ORDERED = (
    "does not go with attention='linear': the delta rule orders tokens by itself and keeps no keys that could be "
    "turned or biased; use position='none' or 'learned'"
)
_OWN_MEMORY = "attention='linear' needs num_kv_heads equal to num_heads: each head writes a memory of its own"
TAPS = 4  # of the causal convolution in front of linear attention


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
    rules = (
        (config.attention == "sliding" and config.window < 1, "attention='sliding' needs a window of at least 1"),
        (config.attention != "sliding" and config.window, f"window={config.window} needs attention='sliding'"),
        (config.position == "learned" and config.max_length < 1, "position='learned' needs a max_length of at least 1"),
        (config.position != "learned" and config.max_length, "max_length needs position='learned'"),
        (config.position == "rope" and config.head_dim % 2, f"position='rope' turns pairs: {config.head_dim} is odd"),
        (is_linear and config.position in {"rope", "alibi"}, f"position={config.position!r} {_ORDERED}"),
        (is_linear and config.num_kv_heads != config.num_heads, _OWN_MEMORY),
        (config.bias and (is_linear or is_moe), "bias=True goes with dense layers and full or sliding attention only"),
        (is_moe and config.num_experts < FEWEST, f"ffn='moe' needs 2 experts or more, not {config.num_experts}"),
        (is_moe and not 1 <= config.top_k <= config.num_experts, f"top_k={config.top_k} must be 1 to num_experts"),
        (not is_moe and (config.num_experts or config.top_k), "num_experts and top_k need ffn='moe'"),
        (config.balance < 0, f"balance={config.balance} must not be negative"),
    )
    return next((reason for is_broken, reason in rules if is_broken), None)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every block."""
    V, D, L = config.vocab_size, config.hidden_size, config.num_layers
    norm = D * (1 + (config.norm == "layernorm"))
    return (
        ("embedding", V * D),
        ("positions", config.max_length * D),
        ("blocks.*.attention", L * _attention(config)),
        ("blocks.*.feed_forward", L * _feed_forward(config)),
        ("blocks.*.norms", L * 2 * norm),
        ("norm", norm),
        ("head", 0 if config.tie_embeddings else V * D),
    )


def _attention(config: ModelConfig) -> int:
    D, H, G, K = config.hidden_size, config.num_heads, config.num_kv_heads, config.head_dim
    if config.attention == "linear":
        return 5 * D * D + 3 * D * TAPS + D * 2 * H + 2 * H + K
    return D * (H + 2 * G) * K + D * D + config.bias * ((H + 2 * G) * K + D)


def _feed_forward(config: ModelConfig) -> int:
    D, F, E = config.hidden_size, config.intermediate_size, config.num_experts
    if config.ffn == "moe":
        return D * E + E * 3 * D * F
    if config.ffn == "gelu":
        return 2 * D * F + config.bias * (F + D)
    return 3 * D * F + config.bias * (2 * F + D)
