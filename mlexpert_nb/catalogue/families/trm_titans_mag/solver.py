"""Find a configuration of a given size: the preset's shape where it fits, else another width and depth.

The hidden sizes move in steps of 32, which is fine enough for any target; shape and vocabulary follow the target so
that the proportions stay those of the preset.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import log
from typing import NamedTuple

from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import ModelConfig, count_parameters
from mlexpert_nb.errors import UnknownNameError, UsageError
from mlexpert_nb.packages import Json

TOLERANCE = 0.02
HIDDEN_RATIO = (2.0, 4.0)  # hidden size of SwiGLU in units of the width; the preset has 3
WIDE = 256  # from this width on heads have 64 channels and hidden sizes are multiples of 32
HEAD_SIZES = (64, 32, 16, 2)
WIDTHS = (16, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048)
DEPTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24)
WIDTH_PER_LAYER = 96  # of the preset: 384 / 4
VOCABULARIES = (32000, 16384, 8192, 4096, 1024, 256)
EMBEDDING_SHARE = 0.52  # of the parameters at most; the preset has 0.49

Keys = Mapping[str, Json]


class _Candidate(NamedTuple):
    config: ModelConfig
    num_parameters: int


def solve_config(num_parameters: int | None, fixed: Keys) -> dict[str, Json]:
    """Give every key of a configuration within 2 % of the target; without a target the preset's shape.

    Raises:
        UsageError: The target is out of reach (the message has the range), or a fixed key is unknown or impossible.
    """
    preset = asdict(ModelConfig())
    for key in fixed:
        if key not in preset:
            raise UnknownNameError.among("configuration key", key, preset)
    width = fixed.get("d_model", preset["d_model"])
    at_preset = {**preset, **(_shape(width, fixed) if isinstance(width, int) and width > 0 else {}), **fixed}
    checked = _config(at_preset)
    if num_parameters is None:
        return asdict(checked)
    nearby = _at_target(at_preset, fixed, num_parameters)
    if nearby and _fits(nearby, num_parameters) and _is_balanced(nearby):
        return asdict(nearby.config)
    return asdict(_search(preset, fixed, num_parameters))


def _search(preset: Keys, fixed: Keys, target: int) -> ModelConfig:
    """Try every width and depth; take the best proportioned network that fits."""
    found = [each for keys in _shapes(preset, fixed, target) if (each := _at_target(keys, fixed, target))]
    fitting = [each for each in found if _fits(each, target)]
    if fitting:
        return min(fitting, key=lambda each: _strangeness(each, target)).config
    low, high = (_extreme(preset, fixed, largest=largest) for largest in (False, True))
    kept = f" with {', '.join(f'{key}={value!r}' for key, value in fixed.items())}" if fixed else ""
    raise UsageError(f"{target:,} parameters are out of reach{kept}; ask for {low:,} to {high:,}")


def _shapes(preset: Keys, fixed: Keys, target: int) -> Iterator[dict[str, Json]]:
    """Give the keys of every width and depth, each with the largest vocabulary that leaves room for the network."""
    for width in WIDTHS if "d_model" not in fixed else (_whole(fixed["d_model"]),):
        room = [size for size in VOCABULARIES if size * width <= EMBEDDING_SHARE * target]
        vocabulary = room[0] if room else VOCABULARIES[-1]
        for depth in DEPTHS:
            keys = {**_shape(width, fixed), "vocab_size": vocabulary, "n_layers": depth}
            yield {**preset, **keys, **fixed}


def _shape(width: int, fixed: Keys) -> dict[str, Json]:
    """Give the sizes that go with a width: heads of 64 (32 or 16 in a narrow network), a third as many key heads."""
    head_sizes = HEAD_SIZES if width >= WIDE else HEAD_SIZES[1:]
    head_dim = next((size for size in head_sizes if width % size == 0), width)
    num_heads = _whole(fixed.get("n_heads", width // head_dim))
    wanted = max(1, num_heads // 3)
    num_kv_heads = max(size for size in range(1, wanted + 1) if num_heads % size == 0)
    hidden = _round(3 * width, width)
    sizes = {"d_model": width, "n_heads": num_heads, "n_kv_heads": num_kv_heads, "d_ff": hidden, "core_d_ff": hidden}
    return {**sizes, "mem_heads": num_heads, "mem_head_dim": max(1, width // num_heads)}


def _at_target(keys: Keys, fixed: Keys, target: int) -> _Candidate | None:
    """Choose the hidden sizes that come nearest to the target; the count is linear in them."""
    width = _whole(keys["d_model"])
    low, high = (_round(ratio * width, width) for ratio in HIDDEN_RATIO)
    at_low, at_high = (_candidate(keys, fixed, hidden) for hidden in (low, high))
    if at_low is None or at_high is None or at_high.num_parameters == at_low.num_parameters:
        return at_low
    hidden = low + (target - at_low.num_parameters) * (high - low) / (at_high.num_parameters - at_low.num_parameters)
    return _candidate(keys, fixed, min(max(_round(hidden, width), low), high))


def _candidate(keys: Keys, fixed: Keys, hidden: int) -> _Candidate | None:
    try:
        config = ModelConfig.from_mapping({**keys, "d_ff": hidden, "core_d_ff": hidden, **fixed})
    except ValueError:  # heads that do not divide this width; another width may fit
        return None
    return _Candidate(config, count_parameters(config))


def _strangeness(candidate: _Candidate, target: int) -> float:
    """Measure how far the proportions are from the preset's; the distance to the target decides between equals."""
    config = candidate.config
    hidden = abs(log(config.d_ff / (3 * config.d_model)))
    aspect = abs(log(config.d_model / config.n_layers / WIDTH_PER_LAYER))
    return hidden + aspect + (not _is_balanced(candidate)) + abs(candidate.num_parameters - target) / target


def _is_balanced(candidate: _Candidate) -> bool:
    return candidate.config.vocab_size * candidate.config.d_model <= EMBEDDING_SHARE * candidate.num_parameters


def _fits(candidate: _Candidate, target: int) -> bool:
    return abs(candidate.num_parameters - target) <= TOLERANCE * target


def _extreme(preset: Keys, fixed: Keys, *, largest: bool) -> int:
    """Count the smallest or the largest network that the fixed keys allow."""
    target = 10**12 if largest else 1
    found = [_at_target(keys, fixed, target) for keys in _shapes(preset, fixed, target)]
    counts = [each.num_parameters for each in found if each]
    return max(counts) if largest else min(counts)


def _config(keys: Keys) -> ModelConfig:
    try:
        return ModelConfig.from_mapping(keys)
    except ValueError as error:
        raise UsageError(f"the configuration cannot be built: {error}") from error


def _round(hidden: float, width: int) -> int:
    step = 32 if width >= WIDE else 8
    return max(step, round(hidden / step) * step)


def _whole(value: Json) -> int:
    """Narrow a key that the configuration has already accepted as a whole number."""
    return value if isinstance(value, int) else 0
