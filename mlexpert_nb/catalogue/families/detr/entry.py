"""The entry of the catalogue: the detection transformer."""

from mlexpert_nb.catalogue.families.detr.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_HEAD_DIM = 32  # of the published transformer


def _complete(keys: Keys) -> dict[str, Json]:
    """Give the keys that follow from the width and the depth of the encoder."""
    width, layers = int(str(keys["hidden_size"])), keys["encoder_layers"]
    wanted = max(4, width // _HEAD_DIM)
    return {
        "num_heads": max(n for n in range(1, wanted + 1) if width % n == 0),
        "backbone_channels": [max(16, width // 16 * 8), max(16, width // 8 * 8), max(16, width // 8 * 16)],
        "decoder_layers": layers or 1,
        "ffn_dim": 4 * width,
    }


def _derived(config: ModelConfig) -> dict[str, object]:
    stride = 2 ** len(config.backbone_channels)
    side = -(-config.image_size // stride)
    return {
        "stride": stride,
        "side": side,
        "num_places": side * side,
        "last_channels": config.backbone_channels[-1],
        "channels_said": " → ".join(map(str, config.backbone_channels)),
        "num_logits": config.num_classes + 1,
        "early_layers": config.decoder_layers - 1,
    }


_PAPER: Keys = {
    "image_size": 256,
    "num_classes": 91,
    "num_queries": 100,
    "backbone_channels": [64, 128, 256, 512, 512],
    "hidden_size": 256,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "num_heads": 8,
    "ffn_dim": 2048,
    "dropout": 0.1,
}

DETR = PlainEntry(
    name="detr",
    title="Detection transformer (DETR)",
    summary="Object detector: a transformer whose learned queries predict the objects of an image as a set",
    model_type="transformer",
    features=("object_queries", "hungarian_matching", "GIoU", "set_loss", "sine_positions", "cross_attention"),
    keywords=(
        *("detr", "detection transformer", "transformer detector", "object queries", "hungarian matching"),
        *("set prediction", "detektionstransformer", "transformeur de detection", "transformador de deteccion"),
    ),
    papers=(
        "End-to-End Object Detection with Transformers, arXiv:2005.12872",
        "Generalized Intersection over Union, arXiv:1902.09630",
    ),
    default_parameters=522_479,
    claims=("batch_independent",),
    numbers={
        "image_size": ("image size", "pixels", "px"),
        "num_channels": ("channels", "input channels"),
        "num_classes": ("classes", "class", "categories", "klassen", "clases"),
        "num_queries": ("queries", "object queries"),
        "encoder_layers": ("encoder layers", "layers", "encoder"),
        "decoder_layers": ("decoder layers", "decoder"),
        "num_heads": ("heads", "attention heads"),
        "hidden_size": ("hidden size", "width", "dim"),
    },
    request="Implement a detection transformer (DETR)",
    package="detr",
    sizes=Sizes(
        presets={"detr-small": {}, "detr-base": _PAPER},
        grid={
            "encoder_layers": (1, 2, 3, 4, 6, 8),
            "hidden_size": (32, 48, 64, 96, 128, 192, 256, 384, 512, 768),
        },
        complete=_complete,
        fine="ffn_dim",
    ),
    derived=_derived,
    usage="""\
config = model.config
found = model(torch.randn(2, config.num_channels, config.image_size, config.image_size))
chances_BQK = found.logits.softmax(-1)  # the last class is "no object"
boxes_BQ4 = found.boxes  # centre x, centre y, width, height, in units of the image""",
)
