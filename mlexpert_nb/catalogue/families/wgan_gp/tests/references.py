"""Small networks, and generator and critic written out once more with plain functions."""

import torch
from torch.nn import functional as F

from model import ModelConfig, build_model

SMALL = {
    "num_channels": 2,
    "image_size": 8,
    "num_levels": 2,
    "latent_size": 3,
    "generator_hidden_size": 6,
    "critic_hidden_size": 8,
    "critic_norm": "none",
    "penalty_weight": 10.0,
    "num_critic_steps": 5,
}
KINDS = [SMALL, {**SMALL, "critic_norm": "layer"}]


def small_model(config):
    """Give a network in float64 and eval mode whose weights and statistics are not those of the start."""
    model = build_model(**config).double().eval()
    with torch.no_grad():
        for value in [*model.parameters(), *model.buffers()]:
            if value.is_floating_point():
                value.add_(0.3 * torch.rand_like(value))
    return model


def random_inputs(config, batch_size=3):
    """Give latents and images for a network of this configuration."""
    known = ModelConfig(**config)
    images = torch.randn(batch_size, known.num_channels, known.image_size, known.image_size, dtype=torch.float64)
    return {"latents": torch.randn(batch_size, known.latent_size, dtype=torch.float64), "images": images}


def normalised(x, weight, bias, mean, variance):
    """Normalise: every number by the mean and the variance that belong to it, the rest by channel."""
    by_channel = (1, -1, 1, 1)
    return (x - mean) / (variance + 1e-5).sqrt() * weight.view(by_channel) + bias.view(by_channel)


def doubled(x, weight, bias=None):
    """Double the resolution: spread the pixels, and convolve with the mirrored kernel."""
    batch, channels, side = x.shape[:3]
    spread = x.new_zeros(batch, channels, 2 * side, 2 * side)
    spread[:, :, ::2, ::2] = x
    return F.conv2d(spread, weight.flip(2, 3).transpose(0, 1), bias, padding=2)


def generated(state, latents):
    """Run the generator of two levels in eval mode."""
    x = (latents @ state["generator.0.weight"].T).reshape(len(latents), 6, 2, 2)
    for norm, layer in ((2, 4), (5, 7)):
        mean, variance = (state[f"generator.{norm}.running_{kind}"].view(1, -1, 1, 1) for kind in ("mean", "var"))
        x = normalised(x, state[f"generator.{norm}.weight"], state[f"generator.{norm}.bias"], mean, variance)
        x = doubled(x.clamp(min=0), state[f"generator.{layer}.weight"], state.get(f"generator.{layer}.bias"))
    return x.tanh()


def scored(state, images):
    """Run the critic of two levels, with layer normalisation where there is one."""
    x = F.conv2d(images, state["critic.0.weight"], state["critic.0.bias"], stride=2, padding=2)
    x = F.conv2d(torch.maximum(x, 0.2 * x), state["critic.2.weight"], state["critic.2.bias"], stride=2, padding=2)
    if "critic.3.bias" in state:
        mean, variance = x.mean((1, 2, 3), keepdim=True), x.var((1, 2, 3), unbiased=False, keepdim=True)
        x = normalised(x, state["critic.3.weight"], state["critic.3.bias"], mean, variance)
    last = next(value for name, value in state.items() if name.startswith("critic.") and len(value) == 1)
    return torch.maximum(x, 0.2 * x).flatten(1) @ last[0]


def tensors(output):
    """Give the tensors of an output in order."""
    return list(vars(output).values())
