"""Configuration of the model, checked when it is made, and its parameter count in closed form.

Letters of the count: C image channels, D first width, E width of the time.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import get_origin


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the model; the defaults are the delivered configuration.

    Attributes:
        image_size: Height and width of an image, in pixels; every level but the last halves it.
        num_channels: Channels of an image.
        hidden_size: Channels at full resolution.
        channel_mults: Channels of each level, as multiples of `hidden_size`.
        layers_per_block: Residual blocks of a level on the way down; one more on the way up.
        attention_resolutions: Sizes of an image, in pixels, at which every residual block is followed by attention.
        time_size: Width of the time embedding.
        num_groups: Groups of GroupNorm; divides the channels of every level.
        dropout: Share of activations that training drops in a residual block.
        prediction_type: What the network gives: "epsilon" the noise, "sample" the image, "v_prediction" the mixture of
            both, "flow" the velocity of flow matching.
        beta_schedule: How fast diffusion adds noise: "linear" in its variance, or "cosine"; flow matching has neither.
        sampler: How noise becomes an image: "ddpm" step by step with new noise, "ddim" in few steps, "euler" along a
            flow.
        num_train_timesteps: Steps of diffusion, and the unit of time.
        beta_start: Variance that the first step adds ("linear").
        beta_end: Variance that the last step adds ("linear").
        clip_sample: Whether samplers of a diffusion keep the predicted image between -1 and 1.
    """

    image_size: int = 32
    num_channels: int = 3
    hidden_size: int = 32
    channel_mults: tuple[int, ...] = (1, 2, 2)
    layers_per_block: int = 2
    attention_resolutions: tuple[int, ...] = (16,)
    time_size: int = 128
    num_groups: int = 8
    dropout: float = 0.1
    prediction_type: str = "epsilon"
    beta_schedule: str = "linear"
    sampler: str = "ddpm"
    num_train_timesteps: int = 1000
    beta_start: float = 1e-4
    beta_end: float = 0.02
    clip_sample: bool = True

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            _require(getattr(self, key) in choices, key, getattr(self, key), f"must be one of {', '.join(choices)}")
        for key in ("channel_mults", "attention_resolutions"):
            value = getattr(self, key)
            _require(all(type(each) is int and each > 0 for each in value), key, value, "must be whole numbers above 0")
        self._check_shapes()
        is_flow, is_euler = self.prediction_type == "flow", self.sampler == "euler"
        rule = f"cannot go with prediction_type={self.prediction_type!r}: 'euler' follows a flow, and nothing else does"
        _require(is_flow == is_euler, "sampler", self.sampler, rule)

    def _check_shapes(self) -> None:
        halvings, groups = 2 ** (len(self.channel_mults) - 1), self.num_groups
        _require(bool(self.channel_mults), "channel_mults", self.channel_mults, "needs at least one level")
        rule = f"must be a multiple of {halvings}: channel_mults has {len(self.channel_mults)} levels"
        _require(self.image_size % halvings == 0, "image_size", self.image_size, rule)
        _require(self.hidden_size % groups == 0, "num_groups", groups, f"must divide hidden_size={self.hidden_size}")
        _require(self.hidden_size % 2 == 0, "hidden_size", self.hidden_size, "must be even: half sines, half cosines")
        rule = f"must lie between 0 and beta_end={self.beta_end}"
        _require(0 < self.beta_start <= self.beta_end, "beta_start", self.beta_start, rule)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level."""
        return tuple(self.hidden_size * each for each in self.channel_mults)

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Height and width of an image at each level."""
        return tuple(self.image_size // 2**level for level in range(len(self.channel_mults)))

    @property
    def has_attention(self) -> tuple[bool, ...]:
        """Whether each level has attention."""
        return tuple(size in self.attention_resolutions for size in self.resolutions)


CHOICES: Mapping[str, tuple[str, ...]] = {
    "prediction_type": ("epsilon", "sample", "v_prediction", "flow"),
    "beta_schedule": ("linear", "cosine"),
    "sampler": ("ddpm", "ddim", "euler"),
}
BOUNDS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("image_size", "num_channels", "time_size", "num_groups"), (1, 2**20)),
    "hidden_size": (4, 2**20),
    "layers_per_block": (1, 1000),
    "num_train_timesteps": (2, 2**20),
    "dropout": (0.0, 0.99),
    "beta_end": (0.0, 0.999),
}


def block_channels(config: ModelConfig, direction: str) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Give what goes in and comes out of every residual block: for each level "down", or "up" from the last level.

    On the way up a block reads what its mirror image on the way down gave, beside what comes from below.
    """
    widths, count = config.widths, config.layers_per_block
    given = [config.hidden_size]  # in the order in which they are made
    down = []
    for level, width in enumerate(widths):
        before = widths[max(level - 1, 0)] if level else config.hidden_size
        down.append(tuple((before if block == 0 else width, width) for block in range(count)))
        given += [width] * (count + (level < len(widths) - 1))
    if direction == "down":
        return tuple(down)
    up, current = [], widths[-1]
    for width in reversed(widths):
        level_pairs = []
        for _ in range(count + 1):
            level_pairs.append((current + given.pop(), width))
            current = width
        up.append(tuple(level_pairs))
    return tuple(up)


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; `*` in a name stands for every level."""
    C, D, E, widths = config.num_channels, config.hidden_size, config.time_size, config.widths
    down, up = (sum(_blocks(config, each)) for each in ("down", "up"))
    attended = [width for width, has in zip(widths, config.has_attention, strict=True) if has]
    count, last = config.layers_per_block, widths[-1]
    rows = (
        ("time_embedding", D * E + E + E * E + E),
        ("conv_in", 9 * C * D + D),
        ("down.*.blocks", down),
        ("down.*.attentions", sum(count * _attention(width) for width in attended)),
        ("down.*.resample", sum(9 * width * width + width for width in widths[:-1])),
        ("middle", 2 * _block(last, last, E) + _attention(last)),
        ("up.*.blocks", up),
        ("up.*.attentions", sum((count + 1) * _attention(width) for width in attended)),
        ("up.*.resample", sum(9 * width * width + width for width in widths[1:])),
        ("norm_out", 2 * D * config.channel_mults[0]),
        ("conv_out", 9 * D * config.channel_mults[0] * C + C),
    )
    return tuple((name, count) for name, count in rows if count)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _blocks(config: ModelConfig, direction: str) -> Iterator[int]:
    for level in block_channels(config, direction):
        yield from (_block(taken, given, config.time_size) for taken, given in level)


def _block(taken: int, given: int, E: int) -> int:
    convolutions = 9 * (taken + given) * given + 2 * given
    shortcut = taken * given + given if taken != given else 0
    return 2 * taken + 2 * given + convolutions + (E * given + given) + shortcut


def _attention(D: int) -> int:
    return 2 * D + 4 * (D * D + D)


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a whole number may stand for a float, a bool never for a number."""
    accepted = (int, float) if kind is float else (get_origin(kind) or kind,)
    _require(type(value) in accepted, key, value, f"must be of type {getattr(kind, '__name__', kind)}")
    _require(not isinstance(value, float) or math.isfinite(value), key, value, "must be finite")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
