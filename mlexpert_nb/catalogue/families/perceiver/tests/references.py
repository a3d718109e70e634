"""Small networks and images for the tests, and the network written out one head at a time."""

import math

import torch

from model import build_model

SMALL = {
    "image_size": 4,
    "num_channels": 2,
    "num_classes": 5,
    "d_model": 4,
    "num_latents": 3,
    "d_latents": 12,
    "mlp_dim": 10,
    "num_blocks": 2,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 2,
    "dropout": 0.0,
}


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def random_images(rows):
    """Draw images in float64."""
    return torch.randn(rows, 2, 4, 4, dtype=torch.float64)


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def layer_norm(x, module):
    """Subtract the mean, divide by the standard deviation, scale and shift."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * module.weight + module.bias


def attended(z, x, layer, num_heads):
    """Run a layer on the latents z of one image; x is what they attend to, None for each other."""
    normal = layer_norm(z, layer.norm_attention)
    source = normal if x is None else layer_norm(x, layer.norm_input)
    queries = affine(normal, layer.attention.query)
    keys, values = affine(source, layer.attention.key_value).chunk(2, dim=-1)
    size = keys.shape[-1] // num_heads
    heads = []
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = torch.stack([(keys[:, part] @ query) / math.sqrt(size) for query in queries[:, part]])
        weights = scores.exp() / scores.exp().sum(1, keepdim=True)
        heads.append(weights @ values[:, part])
    z = z + affine(torch.cat(heads, -1), layer.attention.out)
    hidden = affine(layer_norm(z, layer.norm_mlp), layer.mlp[0])
    return z + affine(0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2))), layer.mlp[2])


def logits(image, model):
    """Classify one image, pixel by pixel and block by block."""
    config = model.config
    inputs = []
    for row in range(config.image_size):
        for column in range(config.image_size):
            position = model.positions[row * config.image_size + column]
            pixel = affine(image[:, row, column], model.pixel_embedding)
            inputs.append(torch.cat([pixel, affine(position, model.position_projection)]))
    z = attended(model.latents, torch.stack(inputs), model.read, config.num_cross_attention_heads)
    for number in range(config.num_blocks * len(model.layers)):
        z = attended(z, None, model.layers[number % len(model.layers)], config.num_self_attention_heads)
    return affine(attended(model.query, z, model.answer, 1)[0], model.head)
