"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.vit.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_HEAD_DIM = 64  # of every published size
_PATCHES_A_SIDE = 8  # at least, of an image whose patch size is not given


def _complete(keys: Keys) -> dict[str, int]:
    """Give heads and MLP for a width, in the proportions of every published size."""
    width = int(str(keys["hidden_size"]))
    wanted = max(1, width // _HEAD_DIM)
    return {"num_heads": max(n for n in range(1, wanted + 1) if width % n == 0), "mlp_dim": 4 * width}


def _implied(fixed: Keys) -> dict[str, int]:
    """Give the patches that go with the size of an image: as large as leaves enough of them."""
    if "image_size" not in fixed:
        return {}
    image = int(str(fixed["image_size"]))
    fine = (size for size in (16, 14, 12, 8, 7, 4, 2) if image % size == 0 and image // size >= _PATCHES_A_SIDE)
    return {"patch_size": next(fine, 1)}


def _derived(config: ModelConfig) -> Mapping[str, object]:
    has_class_token = config.pool == "cls"
    return {
        "num_patches": config.num_patches,
        "num_tokens": config.num_tokens,
        "patch_pixels": config.num_channels * config.patch_size**2,
        "head_dim": config.hidden_size // config.num_heads,
        "token_step": "class token first, " if has_class_token else "",
        "pool_step": "LayerNorm of the class token" if has_class_token else "mean of the LayerNorm of all patches",
    }


_TINY: Keys = {"hidden_size": 192, "num_layers": 12, "num_heads": 3, "mlp_dim": 768}
_SMALL: Keys = {"hidden_size": 384, "num_layers": 12, "num_heads": 6, "mlp_dim": 1536}
_BASE: Keys = {"hidden_size": 768, "num_layers": 12, "num_heads": 12, "mlp_dim": 3072}
_LARGE: Keys = {"hidden_size": 1024, "num_layers": 24, "num_heads": 16, "mlp_dim": 4096}
_HUGE: Keys = {"hidden_size": 1280, "num_layers": 32, "num_heads": 16, "mlp_dim": 5120}
_SIZES = Sizes(
    presets={
        "vit-tiny": _TINY,
        "vit-small": _SMALL,
        "vit-base": _BASE,
        "vit-large": _LARGE,
        "vit-huge": {**_HUGE, "patch_size": 14},
        "vit-ti/16": {**_TINY, "patch_size": 16},
        "vit-s/16": {**_SMALL, "patch_size": 16},
        "vit-b/16": {**_BASE, "patch_size": 16},
        "vit-b/32": {**_BASE, "patch_size": 32},
        "vit-l/16": {**_LARGE, "patch_size": 16},
        "vit-l/32": {**_LARGE, "patch_size": 32},
        "vit-h/14": {**_HUGE, "patch_size": 14},
    },
    grid={
        "num_layers": (3, 4, 6, 8, 10, 12, 16, 20, 24, 32),
        "hidden_size": (32, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 768, 896, 1024, 1280, 1536),
    },
    complete=_complete,
    fine="mlp_dim",
)

VIT = PlainEntry(
    name="vit",
    title="Vision Transformer",
    summary="Image classifier: a Transformer encoder that reads an image as a sequence of patches",
    model_type="transformer",
    features=("patch_embedding", "class_token", "self_attention", "pre_norm", "LayerNorm", "GELU"),
    keywords=(
        "vit",
        "vision transformer",
        "visual transformer",
        "image transformer",
        "transformer for images",
        "vit b",
        "patch embedding",
        "transformador de vision",
        "transformeur de vision",
        "bildtransformer",
    ),
    papers=(
        "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale, arXiv:2010.11929",
        "Training data-efficient image transformers (DeiT: tiny and small), arXiv:2012.12877",
    ),
    default_parameters=5_717_416,
    claims=("batch_independent",),
    options={
        "pool": {
            "cls": ("class token", "cls token", "klassentoken", "jeton de classe"),
            "mean": ("mean pooling", "global average pooling", "average pooling", "without class token"),
        },
    },
    numbers={
        "image_size": ("image size", "pixels", "px"),
        "patch_size": ("patch size", "patches of size", "patch"),
        "num_classes": ("classes", "class", "labels", "categories", "klassen", "clases"),
        "num_channels": ("channels", "channel", "input channels"),
        "num_layers": ("layers", "blocks", "encoder layers", "depth"),
        "num_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "embedding dimension", "width", "dim"),
        "mlp_dim": ("mlp dim", "mlp size"),
    },
    request="Implement a Vision Transformer",
    package="vit",
    sizes=_SIZES,
    implied=_implied,
    derived=_derived,
    usage="""
config = model.config
images_BCHW = torch.randn(2, config.num_channels, config.image_size, config.image_size)
logits_BK = model(images_BCHW)
""",
)
