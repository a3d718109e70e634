"""The entry of the catalogue: how the network is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_HEAD_DIM = 64  # of every published size
_PATCHES_A_SIDE = 7  # at least, of an image whose patch size is not given
_DEEPEST_TEXT = 12  # layers, of every published text tower but the smallest


def _complete(keys: Keys) -> Keys:
    """Give heads and MLPs for the width of images, and the text tower that goes with it in CLIP: two thirds as wide."""
    width, layers = int(str(keys["hidden_size"])), int(str(keys["num_layers"]))
    text_width = max(8, 2 * width // 3 // 8 * 8) if width < _HEAD_DIM else max(32, 2 * width // 3 // 32 * 32)
    return {
        "num_heads": _heads(width),
        "mlp_dim": 4 * width,
        "projection_dim": max(64, text_width),
        "text_hidden_size": text_width,
        "text_num_layers": min(_DEEPEST_TEXT, layers),
        "text_num_heads": _heads(text_width),
        "text_mlp_dim": 4 * text_width,
    }


def _heads(width: int) -> int:
    return max(count for count in range(1, max(1, width // _HEAD_DIM) + 1) if width % count == 0)


def _implied(fixed: Keys) -> Keys:
    """Give what a request does not say: that SimCLR is meant, and patches that leave enough of them of an image."""
    found: dict[str, int | str] = {} if "objective" in fixed else {"objective": "simclr"}
    if "image_size" in fixed and "patch_size" not in fixed:
        image = int(str(fixed["image_size"]))
        fine = (size for size in (32, 16, 14, 8, 7, 4, 2) if image % size == 0 and image // size >= _PATCHES_A_SIDE)
        found["patch_size"] = next(fine, 1)
    return dict(found)


def _derived(config: ModelConfig) -> Mapping[str, object]:
    return {
        "num_patches": config.num_patches,
        "num_tokens": config.num_patches + 1,
        "patch_pixels": config.num_channels * config.patch_size**2,
        "head_dim": config.hidden_size // config.num_heads,
        "text_head_dim": config.text_hidden_size // config.text_num_heads,
    }


def _towers(image: tuple[int, int], text: tuple[int, int], projection: int, patch: int) -> Keys:
    """Give the keys of two towers of `(width, layers)` each."""
    (width, layers), (text_width, text_layers) = image, text
    return {
        "patch_size": patch,
        "hidden_size": width,
        "num_layers": layers,
        "num_heads": _heads(width),
        "mlp_dim": 4 * width,
        "projection_dim": projection,
        "text_hidden_size": text_width,
        "text_num_layers": text_layers,
        "text_num_heads": _heads(text_width),
        "text_mlp_dim": 4 * text_width,
    }


_CLIP: Keys = {"objective": "clip"}
_SIMCLR: Keys = {"objective": "simclr"}
_SIZES = Sizes(
    presets={
        "tiny": _towers((256, 10), (256, 3), 512, 32),
        "tinyclip-vit-8m/16": {**_towers((256, 10), (256, 3), 512, 16), **_CLIP},
        "simclr-vit-s/16": {**_towers((384, 12), (256, 12), 512, 16), **_SIMCLR},
        "simclr-vit-b/16": {**_towers((768, 12), (512, 12), 512, 16), **_SIMCLR},
        "clip-vit-b/32": {**_towers((768, 12), (512, 12), 512, 32), **_CLIP},
        "clip-vit-b/16": {**_towers((768, 12), (512, 12), 512, 16), **_CLIP},
        "clip-vit-l/14": {**_towers((1024, 24), (768, 12), 768, 14), **_CLIP},
    },
    grid={
        "num_layers": (2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32),
        "hidden_size": (16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536),
        "vocab_size": (512, 4096, 16384, 49408),
    },
    complete=_complete,
    fine="mlp_dim",
)

CONTRASTIVE = PlainEntry(
    name="contrastive",
    title="Contrastive learning (SimCLR, CLIP)",
    summary="Image encoder that learns by comparing two views of each image (SimCLR), or images with texts (CLIP)",
    model_type="encoder",
    features=("SimCLR", "CLIP", "NT-Xent", "InfoNCE", "self_supervised", "image_text", "projection_head"),
    keywords=(
        *("simclr", "sim clr", "nt xent", "ntxent", "info nce", "infonce", "simclr vit", "simclr with a vit"),
        *("clip", "clip vit", "clip vit b", "clip vit l", "clip with a vit", "tinyclip", "tinyclip vit", "openai clip"),
        *("contrastive learning", "contrastive pretraining", "contrastive pre training", "contrastive loss"),
        *("contrastive language image pretraining", "contrastive language image pre training"),
        *("self supervised images", "self supervised learning of images", "image text", "image text model"),
        *("image text embeddings", "image caption matching", "zero shot image classification"),
        *("kontrastives lernen", "kontrastive lernen", "kontrastives vortraining", "bild text modell"),
        *("apprentissage contrastif", "apprentissage contraste", "modele image texte"),
        *("aprendizaje contrastivo", "modelo imagen texto"),
    ),
    papers=(
        "A Simple Framework for Contrastive Learning of Visual Representations (SimCLR), arXiv:2002.05709",
        "Learning Transferable Visual Models From Natural Language Supervision (CLIP), arXiv:2103.00020",
        "An Empirical Study of Training Self-Supervised Vision Transformers (SimCLR with ViT), arXiv:2104.02057",
        "TinyCLIP: CLIP Distillation via Affinity Mimicking and Weight Inheritance, arXiv:2309.12314",
    ),
    default_parameters=8_796_416,
    claims=("batch_independent", "whole_batch"),
    options={
        "objective": {
            "simclr": ("simclr", "sim clr", "nt xent", "ntxent", "two views"),
            "clip": (
                *("clip", "openai clip", "tinyclip", "image text", "images and text", "image and text"),
                *("text and images", "images with text", "images with texts", "captions", "image caption"),
                *("contrastive language image", "zero shot image classification", "bild text", "bilder und texte"),
                *("image texte", "images et textes", "imagen texto", "imagenes y textos"),
            ),
        },
    },
    numbers={
        "image_size": ("image size", "pixels", "px"),
        "patch_size": ("patch size", "patches of size", "patch"),
        "num_channels": ("channels", "channel", "input channels"),
        "num_layers": ("layers", "blocks", "encoder layers", "depth"),
        "num_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "width"),
        "vocab_size": ("vocabulary", "vocab", "vocab size"),
        "proj_out_dim": ("projection head", "projection dimension", "projection size"),
        "context_length": ("context length", "tokens a text"),
    },
    request="Implement SimCLR contrastive learning",
    package="contrastive",
    sizes=_SIZES,
    implied=_implied,
    derived=_derived,
    only={
        "model/simclr.py": ("objective", "simclr"),
        "model/clip.py": ("objective", "clip"),
        "tests/test_simclr.py": ("objective", "simclr"),
        "tests/test_clip.py": ("objective", "clip"),
    },
    usage="""\
from model import functional

inputs, _ = functional.example_batch(model.config, batch_size=4, seed=0)
output = model(**inputs)  # embeddings; row i of both belongs together
loss = functional.loss(model, inputs, {})""",
)
