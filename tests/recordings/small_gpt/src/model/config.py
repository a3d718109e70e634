"""Configuration of the decoder."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the decoder; the defaults are the delivered network.

    Attributes:
        vocab_size: Number of different tokens; one for each byte.
        dim: Width of the residual stream.
        num_layers: Number of blocks.
        num_heads: Heads of the attention; each has `dim / num_heads` channels.
        hidden_dim: Width inside SwiGLU; about 8/3 of `dim` costs what an MLP of 4 times `dim` costs.
        rope_theta: Base of the rotary frequencies.
        norm_eps: What RMSNorm adds to the mean square.
    """

    vocab_size: int = 256
    dim: int = 160
    num_layers: int = 3
    num_heads: int = 5
    hidden_dim: int = 448
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be built.

        Raises:
            ValueError: A size is not positive, or the heads do not divide the width into even parts.
        """
        for name in ("vocab_size", "dim", "num_layers", "num_heads", "hidden_dim", "rope_theta", "norm_eps"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, must be above zero")
        if self.dim % (2 * self.num_heads):
            raise ValueError(f"dim {self.dim} does not give {self.num_heads} heads of an even number of channels")

    @property
    def head_dim(self) -> int:
        """Channels of one head."""
        return self.dim // self.num_heads
