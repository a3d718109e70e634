"""What an input could be, from the layers, the configuration, and the words of `forward`: slots, likeliest first.

Shapes: B batch, T length, C channels, D width, S height and width.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeAlias, TypeVar

from torch import Tensor, nn

from mlexpert_nb.verify.behaviour.slots import Kind, Size, Slot

LENGTHS = (11, 7, 16, 5, 32, 64, 8, 10, 12, 20, 24, 28, 48, 50, 96, 100, 128, 256)
SIDES = (32, 28, 64, 16, 8, 224, 96, 128, 48, 256)
_OPTIONAL_WORDS = re.compile(r"state|hidden|hx|h0|c0|cache|past|memory|label|target|return|need|output_")
_LENGTH_WORDS = re.compile(
    r"max_(?:seq_)?len|seq(?:uence)?_len|context|block_size|max_position|num_patches|window|length"
)
_SIDE_WORDS = re.compile(r"image_size|img_size|resolution|input_size|height")
_WIDTH_WORDS = re.compile(r"num_features|in_features|input_dim|dim_input|in_dim|d_in|input_size|in_channels|n_features")
_SEQUENTIAL = (
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
    nn.Transformer,
)
_MOST_WIDTHS = 10
_T = TypeVar("_T")
_Shape: TypeAlias = tuple[tuple[Size, ...], int]  # and the length that goes with it


@dataclass(frozen=True, slots=True)
class Hints:
    """What a network gives away about its inputs.

    Attributes:
        widths: Widths that its layers read, in order.
        channels: Channels that its convolutions read, by number of axes, in order.
        vocabularies: Rows of its embeddings, in order.
        lengths: Lengths to try, likeliest first.
        sides: Heights and widths of pictures to try.
        first: Kind of the first layer: "embedding", "conv1", "conv2", "conv3", "sequence" or "linear".
    """

    widths: tuple[int, ...]
    channels: tuple[tuple[int, int], ...]
    vocabularies: tuple[int, ...]
    lengths: tuple[int, ...]
    sides: tuple[int, ...]
    first: str


def read_hints(module: nn.Module) -> Hints:
    """Look through the layers, the parameters and the numbers in the attributes of a network."""
    widths: list[int] = []
    channels: list[tuple[int, int]] = []
    vocabularies: list[int] = []
    kinds: list[str] = []
    for part in _parts(module):
        kind, found = _layer(part)
        kinds += [kind] if kind else []
        if kind.startswith("conv"):
            channels.append((int(kind[-1]), found))
        elif kind == "embedding":
            vocabularies.append(found)
        elif kind:
            widths.append(found)
    numbers = dict(_numbers(module))
    widths = [*_named(numbers, _WIDTH_WORDS), *widths, *_sizes_of_parameters(module)]
    vocabularies = [*_named(numbers, re.compile("vocab|num_tokens|n_tokens")), *vocabularies]
    lengths = [*_named(numbers, _LENGTH_WORDS), *LENGTHS, *widths]
    sides = [*_named(numbers, _SIDE_WORDS), *SIDES]
    return Hints(
        _unique(widths)[:_MOST_WIDTHS],
        _unique(channels),
        _unique(vocabularies),
        _unique(lengths),
        _unique(sides),
        next(iter(kinds), "linear"),
    )


def slots_for(name: str, hints: Hints) -> Iterator[tuple[Slot, int]]:
    """Give what the argument `name` could be, with the length that goes with it (0 if it has none)."""
    kinds = _kinds_by_name(name)
    if kinds:
        yield from ((replace(each, name=name), 0) for each in kinds)
        return
    ids = [(slot, length) for length in hints.lengths for slot in _ids(name, hints)]
    ids += [(Slot(name, "ids", ("B",), 0, high, "int64"), 0) for high in hints.vocabularies[:1]]
    floats = list(_floats(name, hints))
    reads_ids = hints.first == "embedding" or re.search(r"ids?$|idx|token|word", name)
    yield from [*ids, *floats] if reads_ids and hints.vocabularies else [*floats, *ids]


def rank_said(name: str, told: str) -> int:
    """Give the number of axes that a name such as `x_BTD`, or a docstring with `(B, T, D) -> …`, says; 0 if none."""
    suffix = re.search(r"_([A-Z]{1,5})$", name)
    if suffix:
        return len(suffix[1])
    shape = re.search(r"\((\w+(?:, ?\w+)*),?\) ?->", told)
    return shape[1].count(",") + 1 if shape else 0


def is_left_out(name: str) -> bool:
    """Tell whether an argument that may be left out should be: it is a state, a label or a switch."""
    return _OPTIONAL_WORDS.search(name) is not None


def is_mask(name: str) -> bool:
    """Tell whether an argument says which positions count."""
    return bool(re.search(r"mask|valid|padding|length|lens$", name)) and not re.search(
        r"attn_mask|src_mask|tgt_mask|causal", name
    )


def _kinds_by_name(name: str) -> list[Slot]:
    low = name.lower()
    if re.search(r"attn_mask|src_mask|tgt_mask|causal_mask", low) and "padding" not in low:
        return [Slot(name, "zeros", ("T", "T")), Slot(name, "zeros", ("T", "T"), dtype="bool")]
    if re.search(r"lengths?$|lens$", low):
        return [Slot(name, "lengths", ("B",), dtype="int64")]
    if is_mask(low):
        hides = "pad" in low
        masks = [Slot(name, "mask", ("B", "T"), dtype=each) for each in ("bool", "int64", "float32")]
        return [replace(each, inverted=turned) for turned in (hides, not hides) for each in masks]
    if low == "edge_index":
        return [Slot(name, "edges", (2, "E"), dtype="int64")]
    if re.fullmatch(r"t|ts|time|times|timesteps?|sigmas?|noise_level|tau", low):
        unit = [Slot(name, "unit", shape) for shape in (("B",), ("B", 1))]
        return [*unit, Slot(name, "ids", ("B",), 0, 2, "int64"), Slot(name, "unit", ())]
    return []


def _ids(name: str, hints: Hints) -> Iterator[Slot]:
    for high in hints.vocabularies:
        yield Slot(name, "ids", ("B", "T"), 0, high, "int64")


def _floats(name: str, hints: Hints) -> Iterator[tuple[Slot, int]]:
    shapes: list[_Shape] = []
    for axes, count in hints.channels:
        if axes == 1:
            shapes += [(shape, n) for n in hints.lengths for shape in (("B", count, "T"), ("B", "T", count))]
        shapes += [(("B", count, *([side] * axes)), 0) for side in hints.sides if axes > 1]
    flat: list[_Shape] = [(("B", width), 0) for width in hints.widths]
    rows: list[_Shape] = [(("B", "T", width), n) for n, width in product(hints.lengths, hints.widths)]
    lone: list[_Shape] = [(("B", "T"), n) for n in hints.lengths] if hints.channels or hints.first == "sequence" else []
    pictures: list[_Shape] = [(("B", c, side, side), 0) for c, side in product((1, 3), hints.sides)]
    if hints.first == "sequence":
        shapes = [*rows, *shapes, *flat]
    elif hints.first.startswith("conv"):
        shapes = [*shapes, *rows, *flat]
    else:
        shapes = [*flat, *rows, *shapes]
    kind: Kind = "float"
    last: _Shape = (("B", 1), 0)
    for shape, length in [*shapes, *lone, *pictures, last]:
        yield Slot(name, kind, shape), length


def _layer(part: nn.Module) -> tuple[str, int]:
    """Give the kind of a layer and the size of what it reads; no kind if it says nothing about its input."""
    kind, size = "", 0
    match part:
        case nn.Embedding() | nn.EmbeddingBag():
            kind, size = "embedding", part.num_embeddings
        case nn.Conv1d() | nn.Conv2d() | nn.Conv3d() | nn.ConvTranspose1d() | nn.ConvTranspose2d():
            kind, size = f"conv{len(part.kernel_size)}", part.in_channels
        case nn.RNNBase():
            kind, size = "sequence", part.input_size
        case nn.MultiheadAttention():
            kind, size = "sequence", part.embed_dim
        case nn.Linear():
            kind, size = "linear", part.in_features
        case nn.LayerNorm():
            kind, size = "linear", int(part.normalized_shape[-1])
        case nn.BatchNorm1d():
            kind, size = "linear", part.num_features
    return kind, size


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """Give every part, also those that stand in a plain list or dict, where a network of this kind hides them."""
    seen: set[int] = set()
    for part in module.modules():
        hidden = [each for value in vars(part).values() for each in _in_containers(value)]
        for each in (part, *(deep for one in hidden for deep in one.modules())):
            if id(each) not in seen:
                seen.add(id(each))
                yield each


def _in_containers(value: Any) -> list[nn.Module]:
    found = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, (list, tuple)) else []
    return [each for each in found if isinstance(each, nn.Module)]


def is_sequential(module: nn.Module) -> bool:
    """Tell whether a network has a layer for which two axes would be one example without its batch."""
    return any(isinstance(part, _SEQUENTIAL) for part in module.modules())


def _numbers(module: nn.Module) -> Iterator[tuple[str, int]]:
    for owner in (module, *(getattr(module, name, None) for name in ("config", "cfg", "hparams", "args"))):
        values = owner if isinstance(owner, dict) else getattr(owner, "__dict__", {})
        yield from ((name, value) for name, value in values.items() if type(value) is int and value > 0)


def _named(numbers: dict[str, int], words: re.Pattern[str]) -> list[int]:
    return [value for name, value in numbers.items() if words.search(name)]


def _sizes_of_parameters(module: nn.Module) -> list[int]:
    held = [each for each in (*vars(module).values(), *module.buffers(recurse=False)) if isinstance(each, Tensor)]
    own = [size for each in (*module.parameters(recurse=False), *held) for size in each.shape]
    return [*own, *(size for each in module.parameters() for size in reversed(each.shape))]


def _unique(values: list[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
