"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.entry import Config
from mlexpert_nb.catalogue.families.resnet.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.errors import UsageError
from mlexpert_nb.packages import Json

_SMALL_IMAGE = 64  # pixels; the ImageNet stem would leave nothing of a smaller one
_IMAGENET_STAGES = 4
_PRESETS: Mapping[str, Keys] = {
    "resnet-18": {"num_blocks": [2, 2, 2, 2], "block": "basic"},
    "resnet-34": {"num_blocks": [3, 4, 6, 3], "block": "basic"},
    "resnet-50": {"num_blocks": [3, 4, 6, 3], "block": "bottleneck"},
    "resnet-101": {"num_blocks": [3, 4, 23, 3], "block": "bottleneck"},
    "resnet-152": {"num_blocks": [3, 8, 36, 3], "block": "bottleneck"},
    "resnet-20": {"num_blocks": [3, 3, 3], "block": "basic", "width": 16, "stem": "small", "num_classes": 10},
    "resnet-32": {"num_blocks": [5, 5, 5], "block": "basic", "width": 16, "stem": "small", "num_classes": 10},
    "resnet-44": {"num_blocks": [7, 7, 7], "block": "basic", "width": 16, "stem": "small", "num_classes": 10},
    "resnet-56": {"num_blocks": [9, 9, 9], "block": "basic", "width": 16, "stem": "small", "num_classes": 10},
    "resnet-110": {"num_blocks": [18, 18, 18], "block": "basic", "width": 16, "stem": "small", "num_classes": 10},
}


class _ResNet(PlainEntry):
    """People name a ResNet by its layers, and the stem by the size of the images."""

    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration within 2 % of the target, keeping the fixed keys; a published one where it fits."""
        kept = _restated(fixed or {})
        if num_parameters is None and kept.get("block") == "bottleneck" and "num_blocks" not in kept:
            kept = {**_PRESETS["resnet-50"], **kept}
        return super().solve(num_parameters, kept)


def _restated(fixed: Mapping[str, Json]) -> dict[str, Json]:
    """Say in keys of the configuration what a request says in layers and pixels."""
    keys = {key: value for key, value in fixed.items() if key not in {"num_layers", "image_size"}}
    size, layers = fixed.get("image_size"), fixed.get("num_layers")
    if isinstance(size, int) and size <= _SMALL_IMAGE:
        keys = {"stem": "small", **keys}
    if layers is not None:
        if f"resnet-{layers}" not in _PRESETS:
            known = ", ".join(name.removeprefix("resnet-") for name in _PRESETS)
            raise UsageError(f"no published ResNet has {layers} layers; choose from {known}, or name num_blocks")
        keys = {**_PRESETS[f"resnet-{layers}"], **keys}
    return keys


def _complete(keys: Keys) -> Keys:
    """Give width and stem as published for this number of stages."""
    blocks = keys["num_blocks"]
    is_small = isinstance(blocks, list | tuple) and len(blocks) < _IMAGENET_STAGES
    return {"width": 16, "stem": "small"} if is_small else {"width": 64, "stem": "imagenet"}


def _derived(config: ModelConfig) -> Mapping[str, object]:
    is_small, is_basic = config.stem == "small", config.block == "basic"
    stem_stride = 1 if is_small else 4
    names = [f"stage{number}" for number in range(len(config.num_blocks))]
    boxes, shapes = [], [f"| after the stem | (B, {config.width}, {_size(stem_stride)}) | |"]
    for number, (blocks, width) in enumerate(zip(config.num_blocks, config.stage_widths, strict=True)):
        stride = stem_stride * 2**number
        shape = f"(B, {width * config.expansion}, {_size(stride)})"
        before = names[number - 1] if number else "stem"
        boxes.append(f'    {before} --> {names[number]}["stage {number}: {blocks} {config.block} blocks<br/>{shape}"]')
        shapes.append(f"| after `stages.{number}` | {shape} | {blocks} blocks of width {width} |")
    return {
        "num_layers": 2 + (2 if is_basic else 3) * sum(config.num_blocks),
        "num_features": config.num_features,
        "stem_size": _size(stem_stride),
        "stem_step": "3×3 convolution, BatchNorm, ReLU"
        if is_small
        else "7×7 convolution, stride 2, BatchNorm, ReLU<br/>3×3 maximum, stride 2",
        "stage_rows": "\n".join(boxes),
        "last_stage": names[-1],
        "shape_rows": "\n".join(shapes),
        "branch_step": "3×3, 3×3 convolutions with BatchNorm" if is_basic else "1×1, 3×3, 1×1 with BatchNorm",
        "branch_equation": "BN(W_2 ReLU(BN(W_1 x)))" if is_basic else "BN(W_3 ReLU(BN(W_2 ReLU(BN(W_1 x)))))",
    }


def _size(stride: int) -> str:
    return "H, W" if stride == 1 else f"H / {stride}, W / {stride}"


RESNET = _ResNet(
    name="resnet",
    title="ResNet",
    summary="Convolutional image classifier whose blocks learn what to add to their input",
    model_type="convolutional",
    features=("residual_connections", "convolution", "BatchNorm", "bottleneck", "global_average_pooling", "ReLU"),
    keywords=(
        "resnet",
        "residual network",
        "residual net",
        "residual learning",
        "deep residual",
        *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
        "residuales netzwerk",
        "reseau residuel",
        "red residual",
    ),
    papers=(
        "Deep Residual Learning for Image Recognition, arXiv:1512.03385",
        "Batch Normalization, arXiv:1502.03167",
    ),
    default_parameters=11_689_512,
    claims=("batch_independent",),
    options={
        "block": {
            "basic": ("basic block", "basic blocks", "basicblock"),
            "bottleneck": ("bottleneck", "bottleneck block", "bottlenecks"),
        },
        "stem": {
            "small": ("cifar", "small images", "small image stem", "small stem", "tiny images", "kleine bilder"),
            "imagenet": ("imagenet", "imagenet stem"),
        },
    },
    numbers={
        "num_layers": ("layers", "schichten", "couches", "capas"),
        "num_blocks": ("blocks", "residual blocks", "bottleneck blocks", "blocks a stage"),
        "image_size": ("image size", "pixels", "px"),
        "num_classes": ("classes", "class", "labels", "categories", "klassen", "clases"),
        "num_channels": ("channels", "channel", "input channels"),
        "width": ("width",),
    },
    request="Implement a ResNet",
    package="resnet",
    sizes=Sizes(
        presets=_PRESETS,
        grid={
            "block": ("basic", "bottleneck"),
            "num_blocks": tuple(
                [*blocks]
                for blocks in (
                    *(
                        (2, 2, 2, 2),
                        (3, 4, 6, 3),
                        (3, 4, 23, 3),
                        (1, 1, 1, 1),
                        (1, 2, 2, 1),
                        (2, 2, 3, 2),
                        (2, 3, 3, 2),
                    ),
                    *((2, 3, 4, 2), (3, 3, 4, 3), (3, 4, 8, 3), (3, 3, 3), (5, 5, 5), (7, 7, 7), (9, 9, 9), (2, 2, 2)),
                    *((1, 1, 1), (1, 1, 2, 1), (2, 2, 3), (3, 3, 4), (3, 4, 4), (3, 4, 5), (4, 4, 4), (6, 6, 6)),
                )
            ),
        },
        complete=_complete,
        fine="width",
        step=1,
    ),
    derived=_derived,
    usage="""
images_BCHW = torch.randn(2, model.config.num_channels, 224, 224)
logits_BK = model(images_BCHW)
""",
)
