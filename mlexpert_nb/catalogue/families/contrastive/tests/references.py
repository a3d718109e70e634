"""Small networks and inputs for the tests, and the papers' equations written out one example and one head at a time."""

import math

import torch

from model import build_model

SMALL = {
    "image_size": 6,
    "patch_size": 2,
    "num_channels": 2,
    "hidden_size": 12,
    "num_layers": 2,
    "num_heads": 3,
    "mlp_dim": 20,
    "layer_norm_eps": 1e-3,
    "proj_out_dim": 5,  # only objective=simclr
    "temperature": 0.4,  # only objective=simclr
    "projection_dim": 5,  # only objective=clip
    "initial_temperature": 0.2,  # only objective=clip
    "vocab_size": 11,  # only objective=clip
    "context_length": 7,  # only objective=clip
    "text_hidden_size": 8,  # only objective=clip
    "text_num_layers": 3,  # only objective=clip
    "text_num_heads": 2,  # only objective=clip
    "text_mlp_dim": 14,  # only objective=clip
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


def random_inputs(rows):
    """Draw inputs of a small network in float64."""
    return {"view_a_BCHW": random_images(rows), "view_b_BCHW": random_images(rows)}  # only objective=simclr
    return {"images_BCHW": random_images(rows), "input_ids_BT": random_texts(rows)}  # only objective=clip


def random_texts(rows):  # only objective=clip
    """Draw texts of seven tokens; each ends at a place of its own, and what follows is as random."""
    ids = torch.randint(10, (rows, 7))
    for row in range(rows):
        ids[row, 2 + row % 4] = 10
    return ids


def layer_norm(x, module):
    """Normalise the last axis: subtract the mean, divide by the standard deviation, scale and shift."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + SMALL["layer_norm_eps"]) * module.weight + module.bias


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + (0 if module.bias is None else module.bias)


def attention(x, module, num_heads, *, seen):
    """Attend one head and one token at a time; `seen` gives how many tokens a token sees."""
    queries, keys, values = affine(x, module.query_key_value).chunk(3, dim=-1)
    size = x.shape[-1] // num_heads
    heads = []
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        rows = []
        for place, query in enumerate(queries[:, part]):
            scores = keys[: seen(place), part] @ query / math.sqrt(size)
            rows.append(scores.exp() / scores.exp().sum() @ values[: seen(place), part])
        heads.append(torch.stack(rows))
    return affine(torch.cat(heads, -1), module.out)


def mlp(x, module):
    """Widen, bend, narrow."""
    hidden = affine(x, module.hidden)
    return affine(hidden / (1 + torch.exp(-1.702 * hidden)), module.out)


def layers(x, modules, num_heads, *, seen):
    """Run the layers over the tokens of one example."""
    for layer in modules:
        x = x + attention(layer_norm(x, layer.norm_attention), layer.attention, num_heads, seen=seen)
        x = x + mlp(layer_norm(x, layer.norm_mlp), layer.mlp)
    return x


def image_vector(image, tower, config):
    """Read one image."""
    size, count = config.patch_size, config.image_size // config.patch_size
    tokens = [tower.class_token]
    for row in range(count):
        for column in range(count):
            patch = image[:, row * size : (row + 1) * size, column * size : (column + 1) * size]
            tokens.append(tower.patch_embedding.weight @ patch.reshape(-1))
    x = torch.stack([token + tower.position_embedding[index] for index, token in enumerate(tokens)])
    x = layers(layer_norm(x, tower.norm_before), tower.layers, config.num_heads, seen=lambda _: len(x))
    return layer_norm(x[0], tower.norm)


def text_vector(ids, tower, config):  # only objective=clip
    """Read one text, up to its end."""
    ids = ids.tolist()
    length = ids.index(config.vocab_size - 1) + 1 if config.vocab_size - 1 in ids else len(ids)
    x = torch.stack([tower.token_embedding.weight[ids[t]] + tower.position_embedding[t] for t in range(length)])
    x = layers(x, tower.layers, config.text_num_heads, seen=lambda place: place + 1)
    return layer_norm(x[-1], tower.norm)


def cosine(a, b):
    """Give the cosine of the angle between two vectors."""
    return (a * b).sum() / (a.square().sum().sqrt() * b.square().sum().sqrt())
