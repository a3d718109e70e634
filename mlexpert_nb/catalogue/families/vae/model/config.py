"""Configuration of the autoencoder, checked when it is made, and its parameter count in closed form.

Letters of the count: C channels, D hidden channels, R residual channels, Z latent size, S side of the latent grid.
"""

from dataclasses import dataclass

KINDS = ("vae", "vqvae")
WINDOW = 4  # side of the convolutions that halve and double the resolution


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        kind: "vae" has a Gaussian vector as its latent, "vqvae" a grid of codes out of a codebook.
        num_channels: Channels of an image.
        image_size: Its height and width.
        num_levels: How often the encoder halves the resolution.
        hidden_size: Channels of every convolution outside the residual blocks.
        residual_size: Channels inside a residual block.
        num_residual_layers: Residual blocks of the encoder, and of the decoder.
        latent_size: Numbers of the latent vector ("vae") or of one code ("vqvae").
        num_embeddings: Codes of the codebook ("vqvae").
        beta: Weight of the KL divergence ("vae"): the variance of a pixel given its latent.
        commitment_cost: Weight of the commitment loss ("vqvae").
    """

    kind: str = "vae"
    num_channels: int = 1
    image_size: int = 32
    num_levels: int = 2
    hidden_size: int = 128
    residual_size: int = 32
    num_residual_layers: int = 2
    latent_size: int = 64
    num_embeddings: int = 512
    beta: float = 1.0
    commitment_cost: float = 0.25

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}")
        least = {
            **dict.fromkeys(("num_channels", "image_size", "num_levels", "hidden_size", "residual_size"), 1),
            **dict.fromkeys(("num_residual_layers", "beta", "commitment_cost"), 0),
            "latent_size": 1,
            "num_embeddings": 2,
        }
        for key, smallest in least.items():
            if getattr(self, key) < smallest:
                raise ValueError(f"{key}={getattr(self, key)} must be at least {smallest}")
        if self.image_size % 2**self.num_levels:
            raise ValueError(
                f"image_size={self.image_size} must be a multiple of {2**self.num_levels}, "
                f"because num_levels={self.num_levels} halves it as often"
            )

    @property
    def grid_size(self) -> int:
        """Height and width of what the encoder's convolutions give."""
        return self.image_size // 2**self.num_levels


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every layer."""
    C, D, R, Z = config.num_channels, config.hidden_size, config.residual_size, config.latent_size
    area, places = WINDOW**2, config.grid_size**2
    inner = (config.num_levels - 1) * (area * D + 1) * D
    residual = config.num_residual_layers * ((9 * D + 1) * R + (R + 1) * D)
    encoder = (("encoder.*", (area * C + 1) * D + inner + residual),)
    decoder = (("decoder.*", residual + inner + area * D * C + C),)
    if config.kind == "vae":
        latent: tuple[tuple[str, int], ...] = (
            ("to_latent", (D * places + 1) * 2 * Z),
            ("from_latent", (Z + 1) * D * places),
        )
    else:
        latent = (("to_latent", (D + 1) * Z), ("codebook", config.num_embeddings * Z), ("from_latent", (9 * Z + 1) * D))
    return (*encoder, *latent, *decoder)
