"""Small networks and series for the tests, and the papers' equations written out one series and one head at a time."""

import math

import torch

from model import build_model

SMALL = {
    "kind": "patchtst",
    "num_channels": 2,
    "context_length": 14,
    "prediction_length": 5,
    "patch_length": 4,
    "patch_stride": 2,
    "pad_end": True,
    "hidden_size": 12,
    "num_layers": 2,
    "num_heads": 3,
    "ffn_size": 10,
    "norm": "batch",
    "pre_norm": False,
    "dropout": 0.0,
    "head_dropout": 0.0,
    "instance_norm": True,
    "kernel_size": 5,
}
KINDS = ("patchtst", "dlinear")


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every number in it far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0)
    return model


def random_past(rows):
    """Draw series of different levels and sizes in float64."""
    scale = torch.tensor([1.0, 20.0], dtype=torch.float64)[None, :, None]
    return scale * torch.randn(rows, 2, 14, dtype=torch.float64) + 3 * scale


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def norm(x, module):
    """Normalise tokens by what training has seen, or each by itself."""
    if hasattr(module, "running_mean"):
        mean, variance = module.running_mean, module.running_var
    else:
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * module.weight + module.bias


def attention(x, module):
    """Attend one head and one token at a time."""
    queries, keys, values = affine(x, module.query_key_value).chunk(3, dim=-1)
    size, heads = x.shape[-1] // module.num_heads, []
    for head in range(module.num_heads):
        part = slice(head * size, (head + 1) * size)
        scores = torch.stack([(keys[:, part] @ query) / math.sqrt(size) for query in queries[:, part]])
        grown = (scores - scores.max(1, keepdim=True).values).exp()
        weights = grown / grown.sum(1, keepdim=True)
        heads.append(weights @ values[:, part])
    return affine(torch.cat(heads, -1), module.out)


def ffn(x, module):
    """Widen, apply GELU, narrow."""
    hidden = affine(x, module[0])
    return affine(0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2))), module[3])


def patchtst(series, core):
    """Forecast one series that is scaled already."""
    config = core.config
    steps = series.tolist() + [series[-1].item()] * (config.patch_stride if config.pad_end else 0)
    starts = range(0, len(steps) - config.patch_length + 1, config.patch_stride)
    cut = torch.tensor([steps[start : start + config.patch_length] for start in starts], dtype=torch.float64)
    x = affine(cut, core.patch_embedding) + core.position_embedding
    for layer in core.layers:
        if config.pre_norm:
            x = x + attention(norm(x, layer.norm_attention), layer.attention)
            x = x + ffn(norm(x, layer.norm_ffn), layer.ffn)
        else:
            x = norm(x + attention(x, layer.attention), layer.norm_attention)
            x = norm(x + ffn(x, layer.ffn), layer.norm_ffn)
    return affine(torch.cat(list(x)), core.head)


def dlinear(series, core, kernel_size=5):
    """Forecast one series: what lies beyond its ends is as its ends are."""
    reach, last = kernel_size // 2, len(series) - 1
    around = [[series[min(max(n + k, 0), last)] for k in range(-reach, reach + 1)] for n in range(len(series))]
    trend = torch.stack([sum(steps) / kernel_size for steps in around])
    return affine(trend, core.trend) + affine(series - trend, core.season)


def forecast(past, model):
    """Forecast every series, each from itself alone."""
    step = patchtst if model.config.kind == "patchtst" else dlinear
    rows = []
    for series in past.flatten(0, 1):
        mean = series.mean() if model.config.instance_norm else 0.0
        deviation = torch.sqrt(((series - mean) ** 2).mean() + 1e-5) if model.config.instance_norm else 1.0
        rows.append(step((series - mean) / deviation, model.core) * deviation + mean)
    return torch.stack(rows).unflatten(0, past.shape[:2])
