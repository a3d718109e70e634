"""Small networks, and the autoencoders written out once more with plain functions."""

import torch
from torch.nn import functional as F

from model import ModelConfig, build_model

SMALL = {
    "num_channels": 2,
    "image_size": 8,
    "num_levels": 2,
    "hidden_size": 6,
    "residual_size": 4,
    "num_residual_layers": 2,
    "latent_size": 3,
    "num_embeddings": 7,
    "kind": "vae",
    "beta": 1.0,
    "commitment_cost": 0.25,
}
KINDS = [{**SMALL, "kind": "vae", "beta": 0.3}, {**SMALL, "kind": "vqvae", "commitment_cost": 0.4}]


def small_model(config):
    """Give a network in float64 and eval mode whose weights are larger than at the start."""
    model = build_model(**config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def random_images(config, batch_size=3):
    """Give images for a network of this configuration."""
    side = ModelConfig(**config).image_size
    return torch.randn(batch_size, config["num_channels"], side, side, dtype=torch.float64)


def _residual(state, name, x):
    inner = F.conv2d(F.relu(x), state[f"{name}.conv1.weight"], state[f"{name}.conv1.bias"], padding=1)
    return x + F.conv2d(F.relu(inner), state[f"{name}.conv2.weight"], state[f"{name}.conv2.bias"])


def encoded(state, images):
    """Run the encoder of two levels and two residual blocks."""
    x = F.conv2d(images, state["encoder.0.weight"], state["encoder.0.bias"], stride=2, padding=1)
    x = F.conv2d(F.relu(x), state["encoder.2.weight"], state["encoder.2.bias"], stride=2, padding=1)
    return F.relu(_residual(state, "encoder.4", _residual(state, "encoder.3", x)))


def decoded(state, x):
    """Run the decoder of two levels and two residual blocks."""
    x = F.relu(_residual(state, "decoder.1", _residual(state, "decoder.0", x)))
    x = F.relu(F.conv_transpose2d(x, state["decoder.3.weight"], state["decoder.3.bias"], stride=2, padding=1))
    return F.conv_transpose2d(x, state["decoder.5.weight"], state["decoder.5.bias"], stride=2, padding=1)


def nearest(codebook, latents):
    """Find the nearest code of every place by loops."""
    indices = torch.empty(latents.shape[0], *latents.shape[2:], dtype=torch.long)
    for b, i, j in torch.ones_like(indices).nonzero().tolist():
        distances = [(latents[b, :, i, j] - code).square().sum().item() for code in codebook]
        indices[b, i, j] = distances.index(min(distances))
    return indices


def tensors(output):
    """Give the tensors of an output in order."""
    return list(vars(output).values())
