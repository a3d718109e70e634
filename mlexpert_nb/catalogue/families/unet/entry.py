"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping, Sequence

from mlexpert_nb.catalogue.entry import Config
from mlexpert_nb.catalogue.families.unet.drawing import derived
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_DDPM: Keys = {  # what the two published diffusion networks share
    "task": "diffusion",
    "width": 128,
    "num_blocks": 2,
    "num_heads": 1,
    "num_groups": 32,
}
_PRESETS: Mapping[str, Keys] = {
    "ronneberger-2015": {"task": "segmentation", "width": 64, "channel_multipliers": [1, 2, 4, 8, 16], "num_blocks": 2},
    "ddpm-cifar10": {**_DDPM, "channel_multipliers": [1, 2, 2, 2], "attention_levels": [1], "dropout": 0.1},
    "ddpm-lsun": {**_DDPM, "channel_multipliers": [1, 1, 2, 2, 4, 4], "attention_levels": [4]},
}
_WIDTHS: Mapping[str, Mapping[int, int]] = {  # task: resolutions, and the width that goes with them
    "segmentation": {2: 16, 3: 24, 4: 32, 5: 64},
    "diffusion": {2: 32, 3: 64, 4: 128, 6: 128},
}
_MULTIPLIERS: Sequence[Json] = tuple(
    [*each]
    for each in (
        *((1, 1), (1, 2), (1, 1, 1), (1, 1, 2), (1, 2, 2), (1, 2, 3), (1, 2, 4), (1, 2, 2, 2), (1, 2, 2, 4)),
        *((1, 2, 3, 4), (1, 2, 4, 4), (1, 2, 4, 8), (1, 2, 4, 8, 8), (1, 2, 4, 8, 16), (1, 1, 2, 2, 4, 4)),
    )
)


class _UNet(PlainEntry):
    """Each task has its own published sizes."""

    def solve(self, num_parameters: int | None, fixed: Mapping[str, Json] | None = None) -> Config:
        """Give a full configuration within 2 % of the target, keeping the fixed keys; a published one where it fits."""
        kept = fixed or {}
        if kept.get("task") == "diffusion" and num_parameters is None:
            kept = {**_PRESETS["ddpm-cifar10"], **kept}
        return super().solve(num_parameters, kept)


def _complete(keys: Keys) -> Keys:
    """Give the width for these resolutions, and self-attention at the second one of a diffusion network."""
    task, multipliers = str(keys["task"]), keys["channel_multipliers"]
    num_levels = len(multipliers) if isinstance(multipliers, list | tuple) else 0
    width = _WIDTHS[task].get(num_levels, 32)
    if task == "segmentation":
        return {"width": width}
    return {"width": width, "attention_levels": [4] if num_levels > 4 else [1]}  # noqa: PLR2004 - 16 x 16 of 256 x 256


UNET = _UNet(
    name="unet",
    title="U-Net",
    summary="Convolutional network from pixels to pixels, with a skip across at every resolution",
    model_type="convolutional",
    features=("skip_connections", "convolution", "BatchNorm", "encoder_decoder", "time_embedding", "GroupNorm"),
    keywords=(
        "u-net",
        "u net for segmentation",
        "segmentation network",
        "diffusion u-net",
        "denoising u-net",
        "unet2d",
        "red u-net",
        "u-netz",
    ),
    papers=(
        "U-Net: Convolutional Networks for Biomedical Image Segmentation, arXiv:1505.04597",
        "Denoising Diffusion Probabilistic Models, arXiv:2006.11239",
    ),
    default_parameters=31_037_698,
    claims=("batch_independent",),
    options={
        "task": {
            "segmentation": ("segmentation", "segment", "segmentierung", "segmentacion", "segmenter", "masks"),
            "diffusion": ("diffusion", "ddpm", "time embedding", "timestep embedding", "noise prediction", "denoising"),
        },
        "norm": {
            "batch": ("batch norm", "batch normalization"),
            "none": ("without batch norm", "without batch normalization", "without norm"),
        },
    },
    numbers={
        "num_classes": ("classes", "class", "labels", "categories", "klassen", "clases"),
        "num_channels": ("channels", "channel", "input channels"),
        "width": ("width", "base channels", "filters"),
        "num_blocks": ("blocks per level", "convolutions per level"),
        "num_heads": ("heads", "attention heads"),
    },
    request="Implement a U-Net",
    package="unet",
    sizes=Sizes(
        presets=_PRESETS,
        grid={
            "task": ("segmentation",),
            "num_blocks": (2, 1, 3),
            "channel_multipliers": _MULTIPLIERS,
        },
        complete=_complete,
        fine="width",
        step=2,
    ),
    derived=derived,
    usage="""
from model import functional

inputs, _ = functional.example_batch(model.config, batch_size=2, seed=0)
outputs_BCHW = model(**inputs)  # one value, or one for each class, for every pixel
""",
)
