"""The entry of the catalogue: Perceiver IO."""

from mlexpert_nb.catalogue.families.perceiver.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_NUM_HEADS = 8  # of the published size


def _complete(keys: Keys) -> Keys:
    width = int(str(keys["d_latents"]))
    return {
        "mlp_dim": width,
        "d_model": max(32, width // 4),
        "num_self_attention_heads": max(n for n in range(1, _NUM_HEADS + 1) if width % n == 0),
    }


def _derived(config: ModelConfig) -> dict[str, object]:
    return {
        "num_pixels": config.num_pixels,
        "num_layers": config.num_blocks * config.num_self_attends_per_block,
        "input_channels": 2 * config.d_model,
    }


PERCEIVER = PlainEntry(
    name="perceiver",
    title="Perceiver IO",
    summary="Image classifier: latents read every pixel by cross-attention, and a query reads the class from them",
    model_type="transformer",
    features=("perceiver", "cross_attention", "latent_array", "output_queries", "weight_sharing"),
    keywords=(
        *("perceiver", "perceiver io", "perceivers", "latent cross attention", "latent array", "latent bottleneck"),
        *("latent cross attention network", "learned latents", "perceiver ar image", "perceptor latente"),
    ),
    papers=(
        "Perceiver IO: A General Architecture for Structured Inputs & Outputs, arXiv:2107.14795",
        "Perceiver: General Perception with Iterative Attention, arXiv:2103.03206",
    ),
    default_parameters=2_300_362,
    claims=("batch_independent",),
    numbers={
        "image_size": ("image size", "pixels", "px"),
        "num_channels": ("channels", "input channels"),
        "num_classes": ("classes", "class", "labels"),
        "num_latents": ("latents", "latent vectors"),
        "d_latents": ("latent dimension", "width", "latent size", "dimension", "dim", "hidden size"),
        "num_blocks": ("blocks",),
        "num_self_attends_per_block": ("layers", "self attention layers", "layers per block"),
        "num_self_attention_heads": ("heads", "attention heads", "self attention heads"),
        "num_cross_attention_heads": ("cross attention heads",),
    },
    request="Implement Perceiver IO",
    package="perceiver",
    sizes=Sizes(
        presets={
            "small": {},
            "vision-perceiver-learned": {
                "image_size": 224,
                "num_classes": 1000,
                "d_model": 256,
                "num_latents": 512,
                "d_latents": 1024,
                "mlp_dim": 1024,
                "num_blocks": 8,
                "num_self_attends_per_block": 6,
            },
        },
        grid={"d_latents": (64, 128, 192, 256, 384, 512, 768, 1024, 1536), "num_self_attends_per_block": (2, 4, 6, 8)},
        complete=_complete,
        fine="mlp_dim",
    ),
    derived=_derived,
    usage="""\
config = model.config
images_BCHW = torch.randn(2, config.num_channels, config.image_size, config.image_size)
logits_BK = model(images_BCHW)""",
)
