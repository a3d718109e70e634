"""Small networks and tables for the tests, and the paper's equations written out one row and one head at a time."""

import math

import torch
from torch.nn.functional import relu

from model import build_model

KINDS = ("ft_transformer", "resnet")
SMALL = {
    "kind": "ft_transformer",
    "task": "classification",
    "num_features": 3,
    "cardinalities": (2, 5),
    "num_outputs": 3,
    "hidden_size": 12,
    "num_layers": 3,
    "num_heads": 3,
    "ffn_size": 7,
    "embedding_size": 4,
    "attention_dropout": 0.0,
    "ffn_dropout": 0.0,
    "residual_dropout": 0.0,
}


def small_model(kind, **changes):
    """Build a small network in float64 and evaluation mode, with every number in it far from its start."""
    model = build_model(**{**SMALL, "kind": kind, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0)
    return model


def small_table(rows, config=None):
    """Draw rows in float64; a kind of column that the configuration lacks is left out."""
    num_features, cardinalities = (3, (2, 5)) if config is None else (config.num_features, config.cardinalities)
    table = {}
    if num_features:
        table["x_num"] = torch.randn(rows, num_features, dtype=torch.float64)
    if cardinalities:
        table["x_cat"] = torch.stack([torch.randint(each, (rows,)) for each in cardinalities], dim=1)
    return table


def row_of(table, index):
    """Take one row out of a table."""
    return {name: columns[index] for name, columns in table.items()}


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def layer_norm(x, module):
    """Normalise the last axis: subtract the mean, divide by the standard deviation, scale and shift."""
    variance = ((x - x.mean(-1, keepdim=True)) ** 2).mean(-1, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + 1e-5) * module.weight + module.bias


def batch_norm(x, module):
    """Normalise by what training has seen."""
    return (x - module.running_mean) / torch.sqrt(module.running_var + 1e-5) * module.weight + module.bias


def tokens(row, module):
    """Make a token of each column of one row, the class token first."""
    made, count = [module.class_token[0, 0]], 0
    for value, weight in zip(row.get("x_num", ()), module.weight if "x_num" in row else (), strict=True):
        made.append(module.bias[count] + value * weight)
        count += 1
    for value, table in zip(row.get("x_cat", ()), module.categories, strict=True):
        made.append(module.bias[count] + table.weight[value])
        count += 1
    return torch.stack(made)


def attention(x, module):
    """Attend one head and one asking token at a time."""
    queries, (keys, values) = affine(x, module.query), affine(x, module.key_value).chunk(2, dim=-1)
    size, heads = x.shape[-1] // module.num_heads, []
    for head in range(module.num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = torch.stack([(keys[:, part] @ query) / math.sqrt(size) for query in queries[:, part]])
        weights = scores.exp() / scores.exp().sum(1, keepdim=True)
        heads.append(weights @ values[:, part])
    return affine(torch.cat(heads, -1), module.out)


def ft_transformer(row, model):
    """Predict from one row; every layer moves every token."""
    x = tokens(row, model.tokens)
    for index, layer in enumerate(model.layers):
        x = x + attention(x if index == 0 else layer_norm(x, layer.norm_attention), layer.attention)
        value, gate = affine(layer_norm(x, layer.norm_ffn), layer.ffn.wide).chunk(2, dim=-1)
        x = x + affine(value * relu(gate), layer.ffn.narrow)
    return affine(relu(layer_norm(x[0], model.norm)), model.head)


def resnet(row, model):
    """Predict from one row."""
    columns = [row["x_num"]] if "x_num" in row else []
    columns += [table.weight[value] for value, table in zip(row.get("x_cat", ()), model.categories, strict=True)]
    x = affine(torch.cat(columns), model.stem)
    for layer in model.layers:
        x = x + affine(relu(affine(batch_norm(x, layer.norm), layer.wide)), layer.narrow)
    return affine(relu(batch_norm(x, model.norm)), model.head)


def predicted(table, model):
    """Predict from every row."""
    reference = ft_transformer if model.config.kind == "ft_transformer" else resnet
    rows = len(next(iter(table.values())))
    return torch.stack([reference(row_of(table, index), model) for index in range(rows)])
