"""Configuration of the generator and its critic, checked when it is made, and their parameter count in closed form.

Letters of the count: C channels of an image, S side of the grid, Z latent size.
"""

from dataclasses import dataclass
from itertools import pairwise

CRITIC_NORMS = ("none", "layer")
WINDOW = 5  # side of the convolutions that halve and double the resolution


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob; the defaults are the delivered configuration.

    Attributes:
        num_channels: Channels of an image.
        image_size: Its height and width.
        num_levels: How often the generator doubles the resolution, and the critic halves it.
        latent_size: Numbers of the noise that an image is made of.
        generator_hidden_size: Channels of the generator at its lowest resolution; each doubling halves them.
        critic_hidden_size: Channels of the critic at its lowest resolution.
        critic_norm: "none", or "layer" for layer normalisation of every convolution of the critic but the first.
        penalty_weight: Weight of the gradient penalty.
        num_critic_steps: Steps of the critic for each step of the generator.
    """

    num_channels: int = 3
    image_size: int = 32
    num_levels: int = 3
    latent_size: int = 128
    generator_hidden_size: int = 512
    critic_hidden_size: int = 512
    critic_norm: str = "none"
    penalty_weight: float = 10.0
    num_critic_steps: int = 5

    def __post_init__(self) -> None:
        """Check every key.

        Raises:
            ValueError: A value is impossible; the message names its key.
        """
        if self.critic_norm not in CRITIC_NORMS:
            raise ValueError(
                f"critic_norm={self.critic_norm!r} must be one of {', '.join(CRITIC_NORMS)}: "
                "the penalty is that of single images, which batch normalisation would mix"
            )
        for key in ("num_channels", "image_size", "num_levels", "latent_size", "num_critic_steps"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key}={getattr(self, key)} must be at least 1")
        if self.penalty_weight < 0:
            raise ValueError(f"penalty_weight={self.penalty_weight} must be at least 0")
        if self.image_size % 2**self.num_levels:
            raise ValueError(
                f"image_size={self.image_size} must be a multiple of {2**self.num_levels}, "
                f"because num_levels={self.num_levels} halves it as often"
            )
        for key in ("generator_hidden_size", "critic_hidden_size"):
            if getattr(self, key) < 2 ** (self.num_levels - 1):
                raise ValueError(
                    f"{key}={getattr(self, key)} must be at least {2 ** (self.num_levels - 1)}, "
                    f"because num_levels={self.num_levels} halves it all but once"
                )

    @property
    def grid_size(self) -> int:
        """Height and width at the lowest resolution."""
        return self.image_size // 2**self.num_levels

    @property
    def generator_widths(self) -> tuple[int, ...]:
        """Channels of the generator's levels, from the lowest resolution to the highest."""
        return _halved(self.generator_hidden_size, self.num_levels)

    @property
    def critic_widths(self) -> tuple[int, ...]:
        """Channels of the critic's levels, from the highest resolution to the lowest."""
        return _halved(self.critic_hidden_size, self.num_levels)[::-1]


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters."""
    return sum(count for _, count in parameter_table(config))


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Give the parameters of each part; `*` stands for every layer."""
    C, S, Z = config.num_channels, config.grid_size, config.latent_size
    up, down = config.generator_widths, config.critic_widths
    num_norms = 2 if config.critic_norm == "layer" else 0
    generator = Z * up[0] * S**2 + 2 * sum(up) + _convolutions((*up, C)) + C
    critic = _convolutions((C, *down)) + sum(down) + num_norms * sum(down[1:]) + down[-1] * S**2
    return (("generator.*", generator), ("critic.*", critic))


def _halved(size: int, times: int) -> tuple[int, ...]:
    return tuple(size // 2**level for level in range(times))


def _convolutions(widths: tuple[int, ...]) -> int:
    """Count the weights of convolutions from each width to the next."""
    return sum(WINDOW**2 * before * after for before, after in pairwise(widths))
