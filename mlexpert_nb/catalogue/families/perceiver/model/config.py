"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: C channels of a pixel, M of its embedding and of its position, S pixels, I = 2 M channels of an
input, L latents, D their width, F hidden width of an MLP, K classes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        image_size: Height and width of an image, in pixels.
        num_channels: Channels of an image.
        num_classes: Classes.
        d_model: Channels of the embedding of a pixel, and as many of its position.
        num_latents: Latents.
        d_latents: Width of a latent.
        mlp_dim: Hidden width of the MLP after every attention.
        num_blocks: How often the self-attention layers are run; all runs share their weights.
        num_self_attends_per_block: Self-attention layers.
        num_self_attention_heads: Heads of self-attention; divides `d_latents`.
        num_cross_attention_heads: Heads with which the latents read the pixels; divides `2 * d_model`.
        dropout: Share of attention that training drops.
    """

    image_size: int = 32
    num_channels: int = 3
    num_classes: int = 10
    d_model: int = 64
    num_latents: int = 64
    d_latents: int = 256
    mlp_dim: int = 256
    num_blocks: int = 2
    num_self_attends_per_block: int = 4
    num_self_attention_heads: int = 8
    num_cross_attention_heads: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        for key in self.__dataclass_fields__:
            smallest = {"dropout": 0, "num_classes": 2}.get(key, 1)
            if getattr(self, key) < smallest:
                raise ValueError(f"{key}={getattr(self, key)} must be at least {smallest}")
        if self.dropout >= 1:
            raise ValueError(f"dropout={self.dropout} must be below 1")
        if self.d_latents % self.num_self_attention_heads:
            raise ValueError(f"num_self_attention_heads={self.num_self_attention_heads} must divide {self.d_latents=}")
        if 2 * self.d_model % self.num_cross_attention_heads:
            wide = f"2 * d_model={2 * self.d_model}"
            raise ValueError(f"num_cross_attention_heads={self.num_cross_attention_heads} must divide {wide}")

    @property
    def num_pixels(self) -> int:
        """Inputs that the latents read."""
        return self.image_size**2


def count_parameters(config: ModelConfig) -> int:
    """Count all parameters without building the network."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every layer."""
    M, D, K = config.d_model, config.d_latents, config.num_classes
    I, norm, mlp = 2 * M, 2 * D, 2 * D * config.mlp_dim + config.mlp_dim + D
    return (
        ("pixel_embedding", (config.num_channels + 1) * M),
        ("positions", config.num_pixels * M),
        ("position_projection", (M + 1) * M),
        ("latents", config.num_latents * D),
        ("read", 2 * norm + 2 * I + _attention(D, I, I) + mlp),
        ("layers.*", config.num_self_attends_per_block * (2 * norm + _attention(D, D, D) + mlp)),
        ("query", D),
        ("answer", 3 * norm + _attention(D, D, D) + mlp),
        ("head", (D + 1) * K),
    )


def _attention(num_query: int, num_input: int, width: int) -> int:
    """Count queries, keys and values, and the output."""
    return (num_query + 1) * width + 2 * (num_input + 1) * width + (width + 1) * num_query
