"""Small networks and images for the tests, and the paper's equations written out one patch and one head at a time."""

import math

import torch

from model import build_model

SMALL = {
    "image_size": 6,
    "patch_size": 2,
    "num_channels": 2,
    "num_classes": 5,
    "hidden_size": 12,
    "num_layers": 2,
    "num_heads": 3,
    "mlp_dim": 20,
    "dropout": 0.0,
    "pool": "cls",
    "layer_norm_eps": 1e-6,
}


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def random_images(rows, channels=2, size=6):
    """Draw images in float64."""
    return torch.randn(rows, channels, size, size, dtype=torch.float64)


def layer_norm(x, module):
    """Normalise the last axis: subtract the mean, divide by the standard deviation, scale and shift."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-6) * module.weight + module.bias


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def attention(x, module, num_heads):
    """Attend one head at a time; x holds the tokens of one image."""
    queries, keys, values = affine(x, module.query_key_value).chunk(3, dim=-1)
    size = x.shape[-1] // num_heads
    heads = []
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = torch.stack([(keys[:, part] @ query) / math.sqrt(size) for query in queries[:, part]])
        weights = scores.exp() / scores.exp().sum(1, keepdim=True)
        heads.append(weights @ values[:, part])
    return affine(torch.cat(heads, -1), module.out)


def mlp(x, module):
    """Widen, apply GELU, narrow."""
    hidden = affine(x, module[0])
    return affine(0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2))), module[3])


def embedded(image, model):
    """Embed the patches of one image, row by row, and add the positions."""
    size, count = model.config.patch_size, model.config.image_size // model.config.patch_size
    tokens = [] if model.class_token is None else [model.class_token[0, 0]]
    for row in range(count):
        for column in range(count):
            patch = image[:, row * size : (row + 1) * size, column * size : (column + 1) * size]
            tokens.append(affine(patch.reshape(-1), model.patch_embedding))
    return torch.stack([token + model.position_embedding[0, index] for index, token in enumerate(tokens)])


def logits(image, model):
    """Classify one image."""
    x = embedded(image, model)
    for layer in model.layers:
        x = x + attention(layer_norm(x, layer.norm_attention), layer.attention, model.config.num_heads)
        x = x + mlp(layer_norm(x, layer.norm_mlp), layer.mlp)
    x = layer_norm(x, model.norm)
    return affine(x.mean(0) if model.class_token is None else x[0], model.head)
