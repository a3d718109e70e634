"""Small networks and sequences for the tests, and the paper's equations one head and one query at a time."""

import math

import torch

from model import build_model

SMALL = {
    "vocab_size": 19,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 9,
    "type_vocab_size": 2,
    "mask_token_id": 1,
    "dropout": 0.0,
    "layer_norm_eps": 1e-3,
}


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def random_ids(rows, length=7):
    """Draw token ids."""
    return torch.randint(SMALL["vocab_size"], (rows, length))


def layer_norm(x, module, eps):
    """Normalise the last axis: subtract the mean, divide by the standard deviation, scale and shift."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * module.weight + module.bias


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def gelu(x):
    """Multiply by the chance that a standard normal number is smaller."""
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def attention(x, module, num_heads, keys_at):
    """Attend one head at a time to the places in `keys_at`; x holds the tokens of one sequence."""
    queries, keys, values = affine(x, module.query_key_value).chunk(3, dim=-1)
    size = x.shape[-1] // num_heads
    heads = []
    for head in range(num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = torch.stack([(keys[keys_at, part] @ query) / math.sqrt(size) for query in queries[:, part]])
        weights = scores.exp() / scores.exp().sum(1, keepdim=True)
        heads.append(weights @ values[keys_at, part])
    return affine(torch.cat(heads, -1), module.out)


def encoded(ids, types, model, keys_at):
    """Give the last layer's output for one sequence."""
    eps = model.config.layer_norm_eps
    tables = (model.token_embedding, model.position_embedding, model.type_embedding)
    token, position, kind = (table.weight for table in tables)
    rows = [token[i] + position[place] + kind[t] for place, (i, t) in enumerate(zip(ids, types, strict=True))]
    x = layer_norm(torch.stack(rows), model.norm, eps)
    for layer in model.layers:
        mixed = attention(x, layer.attention, model.config.num_attention_heads, keys_at)
        x = layer_norm(x + mixed, layer.norm_attention, eps)
        x = layer_norm(x + affine(gelu(affine(x, layer.mlp[0])), layer.mlp[2]), layer.norm_mlp, eps)
    return x


def logits(ids, types, model, keys_at):
    """Give the logits of the token at each place of one sequence."""
    head, eps = model.head, model.config.layer_norm_eps
    x = layer_norm(gelu(affine(encoded(ids, types, model, keys_at), head.transform)), head.norm, eps)
    return x @ model.token_embedding.weight.T + head.bias
