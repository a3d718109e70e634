"""The entry of the catalogue: Wasserstein GAN with gradient penalty."""

from mlexpert_nb.catalogue.families.wgan_gp.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes

_SMALLEST_GRID = 4  # side at the lowest resolution of both published networks, of 32 and of 64 pixels
_LARGE = 64  # from this size on the published critic has layer normalisation


def _complete(keys: Keys) -> Keys:
    """Give the critic the width of the generator, as in both published networks."""
    return {"critic_hidden_size": keys["generator_hidden_size"]}


def _implied(fixed: Keys) -> Keys:
    """Give what goes with the size of an image: levels that leave a grid of four by four, and the critic's norm."""
    image_size = fixed.get("image_size")
    if not isinstance(image_size, int):
        return {}
    side, num_levels = image_size, 0
    while side % 2 == 0 and side > _SMALLEST_GRID:
        side, num_levels = side // 2, num_levels + 1
    return {"num_levels": max(1, num_levels), "critic_norm": "layer" if image_size >= _LARGE else "none"}


def _derived(config: ModelConfig) -> dict[str, object]:
    has_norm = config.critic_norm == "layer"
    return {
        "grid_size": config.grid_size,
        "generator_channels": " → ".join(map(str, (*config.generator_widths, config.num_channels))),
        "critic_channels": " → ".join(map(str, (config.num_channels, *config.critic_widths))),
        "norm_step": "layer norm from the second on, " if has_norm else "",
        "norm_said": "Layer normalisation" if has_norm else "Nothing",
    }


WGAN_GP = PlainEntry(
    name="wgan-gp",
    title="Wasserstein GAN with gradient penalty",
    summary="Generator of small images, trained against a critic whose gradient is held near one",
    model_type="generative adversarial network",
    features=("GAN", "Wasserstein", "gradient_penalty", "critic", "transposed_convolution", "batch_norm"),
    keywords=(
        *("wgan", "wgan gp", "wgangp", "wgans", "gan", "gans", "wasserstein gan", "wasserstein", "improved wgan"),
        *("wasserstein gan with gradient penalty", "gan with gradient penalty", "gradient penalty"),
        *("generative adversarial network", "generative adversarial networks", "generative adversarial net"),
        *("generatives adversariales netz", "generatives adversariales netzwerk", "erzeugendes gegnerisches netzwerk"),
        *("reseau antagoniste generatif", "reseaux antagonistes generatifs", "reseau adverse generatif"),
        *("red generativa antagonica", "red generativa adversaria", "red antagonica generativa"),
    ),
    papers=(
        "Improved Training of Wasserstein GANs, arXiv:1704.00028",
        "Wasserstein GAN, arXiv:1701.07875",
    ),
    default_parameters=9_270_659,
    claims=("batch_independent",),
    options={
        "critic_norm": {
            "layer": ("layer norm", "layernorm", "layer normalization", "layer normalisation"),
            "none": ("without normalization", "without normalisation", "no normalization in the critic"),
        }
    },
    numbers={
        "image_size": ("image size", "pixels", "px"),
        "num_channels": ("channels", "channel"),
        "latent_size": ("latents", "latent dimensions", "latent size", "noise dimensions"),
        "num_critic_steps": ("critic steps", "critic iterations", "critic updates", "n critic"),
        "penalty_weight": ("penalty weight", "gradient penalty", "lambda"),
    },
    request="Implement a Wasserstein GAN with gradient penalty",
    package="wgan_gp",
    sizes=Sizes(
        presets={"cifar-10": {}},
        grid={
            "generator_hidden_size": (
                *(64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536),
                *(1792, 2048, 2560),
            )
        },
        complete=_complete,
        fine="critic_hidden_size",
    ),
    implied=_implied,
    derived=_derived,
    usage="""\
from model import functional

images = model.sample(4)  # new images, pixels between -1 and 1
inputs, targets = functional.example_batch(model.config, batch_size=2, seed=0)
output = model(**inputs)  # output.generated, output.real_scores, output.generated_scores
loss = functional.loss(model, inputs, targets)  # functional.train_step trains both players in turn""",
)
