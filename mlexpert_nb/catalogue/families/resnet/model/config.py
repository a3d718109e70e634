"""Configuration of the network, checked when it is made, and its parameter count in closed form.

Letters of the count: w width of a block, e expansion, I channels in, O = e w channels out, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every knob of the network; the defaults are the delivered configuration.

    Attributes:
        num_blocks: Residual blocks of each stage; every stage but the first halves the image.
        block: "basic" two 3x3 convolutions, "bottleneck" a 3x3 convolution between two of 1x1.
        width: Channels of the 3x3 convolutions of the first stage; each further stage has twice as many.
        stem: "imagenet" shrinks the image to a quarter before the first stage, "small" keeps its size (CIFAR).
        num_channels: Channels of an image.
        num_classes: Classes.
    """

    num_blocks: tuple[int, ...] = (2, 2, 2, 2)
    block: str = "basic"
    width: int = 64
    stem: str = "imagenet"
    num_channels: int = 3
    num_classes: int = 1000

    def __post_init__(self) -> None:
        """Refuse a value or a combination that cannot be built, by a ValueError that names the key."""
        for field in fields(self):
            if field.name != "num_blocks":
                _check_type(field.name, getattr(self, field.name), field.type)
        for key, (low, high) in BOUNDS.items():
            value = getattr(self, key)
            _require(low <= value <= high, key, value, f"must lie between {low:g} and {high:g}")
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            _require(value in choices, key, value, f"must be one of {', '.join(map(repr, choices))}")
        blocks = self.num_blocks
        are_numbers = isinstance(blocks, tuple) and all(type(each) is int and each > 0 for each in blocks)
        rule = f"must be a tuple of 1 to {MOST_STAGES} positive numbers, one a stage"
        _require(are_numbers and 0 < len(blocks) <= MOST_STAGES, "num_blocks", blocks, rule)

    @property
    def expansion(self) -> int:
        """Channels that leave a block, in units of the channels of its 3x3 convolution."""
        return EXPANSIONS[self.block]

    @property
    def stage_widths(self) -> tuple[int, ...]:
        """Channels of the 3x3 convolutions of each stage."""
        return tuple(self.width * 2**stage for stage in range(len(self.num_blocks)))

    @property
    def num_features(self) -> int:
        """Channels that the classifier sees."""
        return self.expansion * self.stage_widths[-1]

    @property
    def stride(self) -> int:
        """Pixels of the image, each way, that become one place of the last stage."""
        return (4 if self.stem == "imagenet" else 1) * 2 ** (len(self.num_blocks) - 1)


MOST_STAGES = 6
EXPANSIONS: Mapping[str, int] = {"basic": 1, "bottleneck": 4}
CHOICES: Mapping[str, tuple[str, ...]] = {"block": tuple(EXPANSIONS), "stem": ("imagenet", "small")}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "width": (1, 2**16),
    "num_channels": (1, 2**16),
    "num_classes": (2, 2**31),
}


def parameter_table(config: ModelConfig) -> tuple[tuple[str, int], ...]:
    """Count the parameters of each part; a convolution has no bias, a norm has two numbers a channel."""
    kernel = 7 if config.stem == "imagenet" else 3
    rows = [("stem", config.num_channels * config.width * kernel**2 + 2 * config.width)]
    channels = config.width
    for stage, (blocks, w) in enumerate(zip(config.num_blocks, config.stage_widths, strict=True)):
        I, O = channels, config.expansion * w
        shortcut = I * O + 2 * O if I != O or stage > 0 else 0
        rows.append((f"stages.{stage}", _branch(config, I, w) + shortcut + (blocks - 1) * _branch(config, O, w)))
        channels = O
    rows.append(("head", channels * config.num_classes + config.num_classes))
    return tuple(rows)


def count_parameters(config: ModelConfig) -> int:
    """Count the parameters of the network in closed form, without building it."""
    return sum(count for _, count in parameter_table(config))


def _branch(config: ModelConfig, I: int, w: int) -> int:
    if config.block == "basic":
        return 9 * I * w + 9 * w * w + 4 * w
    return I * w + 9 * w * w + 4 * w * w + 12 * w


def _check_type(key: str, value: object, kind: object) -> None:
    """Accept exactly the annotated type; a bool is no number."""
    _require(type(value) is kind, key, value, f"must be of type {getattr(kind, '__name__', kind)}")


def _require(condition: bool, key: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ValueError(f"{key}={value!r} {rule}")
