"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: I channels in, O channels out, T width of the time embedding, K classes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        task: "segmentation" gives each pixel the logits of its class, "diffusion" the noise in it at a given step.
        num_channels: Channels of an image.
        num_classes: Classes of a pixel; segmentation alone.
        width: Channels at full resolution.
        channel_multipliers: Channels of each resolution, in units of `width`; each one halves the image of the last.
        num_blocks: Convolutions (segmentation) or residual blocks (diffusion) at each resolution on the way down.
        norm: After a convolution of segmentation: "batch", or "none" as in the paper.
        attention_levels: Resolutions with self-attention, 0 the full one; diffusion alone.
        num_heads: Heads of the self-attention.
        num_groups: Groups of GroupNorm, at most; channels that it does not divide have fewer. Diffusion alone.
        dropout: Share that training drops: at the lowest resolution (segmentation), in each block (diffusion).
    """

    task: str = "segmentation"
    num_channels: int = 3
    num_classes: int = 2
    width: int = 64
    channel_multipliers: tuple[int, ...] = (1, 2, 4, 8, 16)
    num_blocks: int = 2
    norm: str = "batch"
    attention_levels: tuple[int, ...] = ()
    num_heads: int = 1
    num_groups: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            if field.name not in TUPLES:
                _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            _require(value in choices, key, value, f"must be one of {', '.join(map(repr, choices))}")
        self._check_levels()
        if self.task == "diffusion":
            _require(
                self.width % 2 == 0, "width", self.width, "must be even: half is sines and half is cosines of time"
            )

    def _check_levels(self) -> None:
        multipliers, attention = self.channel_multipliers, self.attention_levels
        rule = f"must be a tuple of 2 to {MOST_LEVELS} positive numbers"
        _require(_is_tuple(multipliers, 1), "channel_multipliers", multipliers, rule)
        _require(2 <= len(multipliers) <= MOST_LEVELS, "channel_multipliers", multipliers, rule)  # noqa: PLR2004 - one level has no way down
        rule = f"must be a tuple of levels from 0 to {len(multipliers) - 1}"
        is_level = _is_tuple(attention, 0) and all(level < len(multipliers) for level in attention)
        _require(is_level, "attention_levels", attention, rule)
        is_wanted = self.task == "diffusion" or not attention
        _require(
            is_wanted, "attention_levels", attention, "needs task='diffusion'; segmentation has convolutions alone"
        )
        if self.task == "diffusion":
            for level in {*attention, len(multipliers) - 1}:  # the lowest one always attends
                rule = f"must divide the {self.channels[level]} channels of level {level}, which attends"
                _require(self.channels[level] % self.num_heads == 0, "num_heads", self.num_heads, rule)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each resolution, the full one first."""
        return tuple(self.width * each for each in self.channel_multipliers)

    @property
    def stride(self) -> int:
        """Pixels of the image, each way, that become one place of the lowest resolution."""
        return int(2 ** (len(self.channel_multipliers) - 1))


MOST_LEVELS = 8
TUPLES = ("channel_multipliers", "attention_levels")
CHOICES: Mapping[str, tuple[str, ...]] = {"task": ("segmentation", "diffusion"), "norm": ("batch", "none")}
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("num_channels", "width", "num_heads", "num_groups"), (1, 2**16)),
    "num_classes": (2, 2**16),
    "num_blocks": (1, 100),
    "dropout": (0.0, 0.99),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part."""
    return _segmentation_table(config) if config.task == "segmentation" else _diffusion_table(config)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _segmentation_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    channels, n = config.channels, config.num_blocks
    extra = 2 if config.norm == "batch" else 1  # scale and shift of a norm, or a bias

    def convolutions(I: int, O: int) -> int:
        return 9 * I * O + (n - 1) * 9 * O * O + n * extra * O

    down = pairwise((config.num_channels, *channels))
    up = reversed(tuple(pairwise(channels)))
    return (
        *((f"down.{level}", convolutions(I, O)) for level, (I, O) in enumerate(down)),
        *((f"up.{step}", 4 * below * O + O + convolutions(2 * O, O)) for step, (O, below) in enumerate(up)),
        ("head", channels[0] * config.num_classes + config.num_classes),
    )


def _diffusion_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    channels, n, T = config.channels, config.num_blocks, 4 * config.width
    last, num_levels = channels[-1], len(channels)
    down, up, skips, width = [], [], [channels[0]], channels[0]
    for level, O in enumerate(channels):
        attention = _attention(O) if level in config.attention_levels else 0
        resize = 9 * O * O + O if level < num_levels - 1 else 0
        down.append(_residual((width, *[O] * (n - 1)), O, T) + n * attention + resize)
        skips += [O] * (n + (resize > 0))
        width = O
    for level in reversed(range(num_levels)):
        O = channels[level]
        attention = _attention(O) if level in config.attention_levels else 0
        inputs = [before + skips.pop() for before in (width, *[O] * n)]
        up.append(_residual(inputs, O, T) + (n + 1) * attention + (9 * O * O + O if level else 0))
        width = O
    return (
        ("time_embedding", config.width * T + T + T * T + T),
        ("stem", 9 * config.num_channels * channels[0] + channels[0]),
        *((f"down.{level}", count) for level, count in enumerate(down)),
        ("middle", _residual((last, last), last, T) + _attention(last)),
        *((f"up.{step}", count) for step, count in enumerate(up)),
        ("head", 2 * channels[0] + 9 * channels[0] * config.num_channels + config.num_channels),
    )


def _residual(inputs: Sequence[int], O: int, T: int) -> int:
    """Count residual blocks with these channels in and O out: norm, convolution, time, norm, convolution, shortcut."""
    each = T * O + O + 2 * O + 9 * O * O + O
    return sum(2 * I + 9 * I * O + O + each + (I * O + O if I != O else 0) for I in inputs)


def _attention(channels: int) -> int:
    return 2 * channels + 4 * (channels * channels + channels)


def _is_tuple(value: object, least: int) -> bool:
    return isinstance(value, tuple) and all(type(each) is int and each >= least for each in value)


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
