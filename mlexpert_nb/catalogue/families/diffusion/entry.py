"""The entry of the catalogue: how the model is found, sized, described and written out."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.diffusion.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes
from mlexpert_nb.packages import Json

_MOST_GROUPS, _CHANNELS_OF_A_GROUP = 32, 4  # of the published GroupNorms
_SMALLEST_SIDE = 4  # of an image at the last level, in pixels
_PREDICTS = {
    "epsilon": "the noise",
    "sample": "the image without noise",
    "v_prediction": "v, a mixture of noise and image",
    "flow": "the velocity from image to noise",
}
_MIXING = {
    "linear": """\
x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) e      DDPM eq. 4
    abar_t = product of (1 - beta_s) for s <= t      beta rises linearly""",
    "cosine": """\
x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) e      DDPM eq. 4
    abar_t = f(t)/f(0)                               f(t) = cos^2((t/T + 0.008)/1.008 pi/2)""",
    "flow": "x_t = (1 - t/T) x_0 + t/T e                       between t = 0 (image) and t = T (noise)",
}
_LEARNED = {
    "epsilon": "loss = | e - network(x_t, t) |^2                 DDPM eq. 14",
    "sample": "loss = | x_0 - network(x_t, t) |^2",
    "v_prediction": "loss = | v - network(x_t, t) |^2                 v = sqrt(abar_t) e - sqrt(1 - abar_t) x_0",
    "flow": "loss = | e - x_0 - network(x_t, t) |^2           the velocity of the straight line",
}
_SAMPLING = {
    "ddpm": """\
    x_s  = sqrt(abar_s) b/(1 - abar_t) x_0 + sqrt(a) (1 - abar_s)/(1 - abar_t) x_t + sqrt(b~) z    DDPM eq. 6, 7
    a    = abar_t / abar_s,  b = 1 - a,  b~ = (1 - abar_s)/(1 - abar_t) b,  z ~ N(0, 1)            algorithm 2""",
    "ddim": """\
    x_s  = sqrt(abar_s) x_0 + sqrt(1 - abar_s - d^2) e + d z                             DDIM eq. 12
    d    = eta sqrt((1 - abar_s)/(1 - abar_t) (1 - abar_t/abar_s)),  z ~ N(0, 1)         DDIM eq. 16""",
    "euler": """\
    x_s  = x_t + (s - t)/T network(x_t, t)                                               Euler's method""",
}


def _complete(keys: Keys) -> Mapping[str, Json]:
    """Give the groups and the width of the time that go with a width."""
    width = int(str(keys["hidden_size"]))
    most = max(1, min(_MOST_GROUPS, width // _CHANNELS_OF_A_GROUP))
    groups = max(count for count in range(1, most + 1) if width % count == 0)
    return {"time_size": 4 * width, "num_groups": groups}


def _implied(fixed: Keys) -> Mapping[str, Json]:
    """Give the keys that follow from those that a request fixes: the sampler of a flow, the levels of an image."""
    keys: dict[str, Json] = {}
    if fixed.get("prediction_type") == "flow":
        keys["sampler"] = "euler"
    elif fixed.get("sampler") == "euler":
        keys["prediction_type"] = "flow"
    if "hidden_size" in fixed:
        keys["num_groups"] = _complete(fixed)["num_groups"]
    if "image_size" in fixed:
        size, levels = int(str(fixed["image_size"])), 1
        while size % 2 == 0 and size // 2 >= _SMALLEST_SIDE and levels < len(ModelConfig().channel_mults):
            size, levels = size // 2, levels + 1
        keys["channel_mults"] = list(ModelConfig().channel_mults[:levels])
    return keys


def _derived(config: ModelConfig) -> Mapping[str, object]:
    is_flow = config.prediction_type == "flow"
    levels = zip(config.resolutions, config.widths, config.has_attention, strict=True)
    said = [f"{size} × {size}: {width} channels{', attention' * has}" for size, width, has in levels]
    return {
        "predicted": _PREDICTS[config.prediction_type],
        "level_nodes": "<br/>".join(said),
        "mixing": _MIXING["flow" if is_flow else config.beta_schedule],
        "learned": _LEARNED[config.prediction_type],
        "sampling": _SAMPLING[config.sampler],
        "process_name": "flow matching" if is_flow else f"diffusion with the {config.beta_schedule} schedule",
        "up_blocks": config.layers_per_block + 1,
        "last_size": config.resolutions[-1],
        "last_width": config.widths[-1],
        "top_width": config.widths[0],
    }


DIFFUSION = PlainEntry(
    name="diffusion",
    title="Diffusion model (DDPM, DDIM, flow matching)",
    summary="Image generator: a U-Net learns to take noise out of images, and makes images out of noise",
    model_type="diffusion",
    features=("DDPM", "DDIM", "flow_matching", "noise_schedule", "v_prediction", "time_embedding", "UNet"),
    keywords=(
        *(
            "diffusion",
            "diffusion model",
            "diffusion models",
            "denoising diffusion",
            "ddpm",
            "ddim",
            "score based model",
        ),
        *("denoising diffusion probabilistic model", "diffusion probabilistic model", "latent diffusion"),
        *("flow matching", "rectified flow", "noise schedule", "ancestral sampling"),
        *("diffusionsmodell", "modele de diffusion", "modelo de difusion"),
    ),
    papers=(
        "Denoising Diffusion Probabilistic Models, arXiv:2006.11239",
        "Denoising Diffusion Implicit Models, arXiv:2010.02502",
        "Improved Denoising Diffusion Probabilistic Models (cosine schedule), arXiv:2102.09672",
        "Progressive Distillation for Fast Sampling of Diffusion Models (v), arXiv:2202.00512",
        "Flow Matching for Generative Modeling, arXiv:2210.02747",
        "Flow Straight and Fast: Rectified Flow, arXiv:2209.03003",
    ),
    default_parameters=1_624_323,
    claims=("batch_independent",),
    options={
        "prediction_type": {
            "epsilon": ("epsilon prediction", "predicts the noise", "noise prediction", "eps prediction"),
            "sample": ("x0 prediction", "sample prediction", "predicts the image"),
            "v_prediction": ("v prediction", "velocity parameterisation", "v parameterization"),
            "flow": ("flow matching", "rectified flow"),
        },
        "beta_schedule": {
            "linear": ("linear schedule", "linear noise schedule", "linear beta schedule"),
            "cosine": ("cosine schedule", "cosine noise schedule", "cosine beta schedule", "cosine"),
        },
        "sampler": {
            "ddpm": ("ddpm", "ancestral sampling", "ancestral"),
            "ddim": ("ddim", "ddim sampling", "ddim sampler", "deterministic sampling", "few steps"),
            "euler": ("euler",),
        },
    },
    numbers={
        "image_size": ("image size", "pixels", "px"),
        "num_channels": ("channels", "input channels"),
        "num_train_timesteps": ("timesteps", "t", "diffusion steps", "trained on", "trained with", "steps"),
        "hidden_size": ("hidden size", "base channels", "width"),
        "channel_mults": ("channel multipliers", "multipliers"),
        "layers_per_block": ("blocks per level", "layers per block"),
    },
    request="Implement a diffusion model",
    package="diffusion",
    sizes=Sizes(
        presets={
            "ddpm-small": {},
            "ddpm-cifar10": {
                "hidden_size": 128,
                "channel_mults": [1, 2, 2, 2],
                "time_size": 512,
                "num_groups": 32,
            },
        },
        grid={
            "hidden_size": (
                *range(8, 32, 2),
                *range(32, 64, 4),
                *range(64, 128, 8),
                *range(128, 256, 16),
                *range(256, 513, 32),
            ),
            "layers_per_block": (1, 2, 3, 4),
        },
        complete=_complete,
        fine="time_size",
        step=4,
    ),
    implied=_implied,
    derived=_derived,
    usage="""
images_BCHW = torch.rand(2, model.config.num_channels, model.config.image_size, model.config.image_size) * 2 - 1
model.loss(images_BCHW).backward()  # one step of training
made_BCHW = model.eval().sample(2, num_steps=10)
""",
)
