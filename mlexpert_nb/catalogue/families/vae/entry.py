"""The entry of the catalogue: variational autoencoder and VQ-VAE."""

from mlexpert_nb.catalogue.families.vae.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes


def _complete(keys: Keys) -> Keys:
    """Give the width that goes with residual blocks: four times theirs, as in the published example."""
    inner = keys["residual_size"]
    return {"hidden_size": 4 * inner if isinstance(inner, int) else 128}


def _derived(config: ModelConfig) -> dict[str, object]:
    side, size = config.grid_size, config.latent_size
    if config.kind == "vae":
        latent, said = f"mean, log variance: {size} numbers each", "the mean plus noise in training"
    else:
        latent, said = f"{side} × {side} codes of {size} numbers", f"the nearest of {config.num_embeddings} codes"
    return {"grid_size": side, "latent": latent, "latent_said": said}


VAE = PlainEntry(
    name="vae",
    title="Variational autoencoder and VQ-VAE",
    summary="Convolutional autoencoder of small images with a Gaussian latent (VAE) or a codebook (VQ-VAE)",
    model_type="autoencoder",
    features=("VAE", "VQ-VAE", "autoencoder", "reparameterisation", "codebook", "convolution"),
    keywords=(
        *("vae", "variational autoencoder", "variational auto encoder", "beta vae", "convolutional autoencoder"),
        *("vq vae", "vqvae", "vector quantized autoencoder", "vector quantised variational autoencoder"),
        *("autoencodeur variationnel", "autocodificador variacional"),
    ),
    papers=(
        "Auto-Encoding Variational Bayes, arXiv:1312.6114",
        "Neural Discrete Representation Learning, arXiv:1711.00937",
    ),
    default_parameters=2_274_433,
    claims=("batch_independent",),
    options={"kind": {"vae": ("vae", "variational"), "vqvae": ("vq vae", "vqvae", "vector quantized", "codebook")}},
    numbers={
        "image_size": ("image size", "pixels"),
        "num_channels": ("channels",),
        "latent_size": ("latents", "latent dimensions", "latent size"),
        "num_embeddings": (
            "codes",
            "embeddings",
            "codebook entries",
            "codebook size",
            "codebook",
            "vectors",
            "code vectors",
        ),
        "num_residual_layers": ("residual blocks", "residual layers"),
    },
    request="Implement a variational autoencoder",
    package="vae",
    sizes=Sizes(
        presets={"sonnet": {}},
        grid={"residual_size": (2, 4, 8, 16, 32, 64, 128, 256, 512)},
        complete=_complete,
        fine="hidden_size",
        step=2,
    ),
    derived=_derived,
    usage="""\
from model import functional

inputs, targets = functional.example_batch(model.config, batch_size=2, seed=0)
output = model(**inputs)  # output.reconstruction has the shape of the images
loss = functional.loss(model, inputs, targets)""",
)
