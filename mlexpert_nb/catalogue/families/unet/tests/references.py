"""Small networks and images for the tests, and the papers' equations written out with nothing but sums and products."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from model import build_model

SEGMENTATION = {
    "task": "segmentation",
    "num_channels": 2,
    "num_classes": 3,
    "width": 3,
    "channel_multipliers": (1, 2, 3),
    "num_blocks": 2,
    "norm": "batch",
    "attention_levels": (),
    "num_heads": 1,
    "num_groups": 32,
    "dropout": 0.0,
}
DIFFUSION = {
    "task": "diffusion",
    "num_channels": 2,
    "width": 4,
    "channel_multipliers": (1, 2, 3),
    "num_blocks": 1,
    "attention_levels": (1,),
    "num_heads": 2,
    "num_groups": 2,
    "num_classes": 2,
    "norm": "batch",
    "dropout": 0.0,
}
SEGMENTATIONS = [
    SEGMENTATION,
    {**SEGMENTATION, "norm": "none"},
    {**SEGMENTATION, "num_blocks": 1, "channel_multipliers": (2, 3)},
    {**SEGMENTATION, "num_blocks": 3, "num_channels": 1},
]
DIFFUSIONS = [
    DIFFUSION,
    {**DIFFUSION, "num_blocks": 2, "attention_levels": ()},
    {**DIFFUSION, "attention_levels": (0, 2), "num_heads": 1},
    {**DIFFUSION, "channel_multipliers": (1, 1), "num_groups": 8, "num_blocks": 2},
]
VARIANTS = [*SEGMENTATIONS, *DIFFUSIONS]


def small_model(config, **changes):
    """Build a small network in float64 and evaluation mode, with every parameter and statistic far from its start."""
    model = build_model(**{**config, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2.0)
    return model


def random_inputs(config, rows, size=8):
    """Draw inputs in float64."""
    images = torch.randn(rows, config["num_channels"], size, size, dtype=torch.float64)
    if config["task"] == "segmentation":
        return {"images_BCHW": images}
    return {"images_BCHW": images, "steps_B": torch.randint(1000, (rows,))}


def convolution(x, module, stride=1, padding=(1, 1, 1, 1)):
    """Add up shifted images, one for each position of the kernel."""
    weight, kernel = module.weight, module.weight.shape[-1]
    padded = F.pad(x, padding) if kernel > 1 else x
    rows, columns = ((size - kernel) // stride + 1 for size in padded.shape[2:])
    total = 0 if module.bias is None else module.bias[:, None, None]
    for i in range(kernel):
        for j in range(kernel):
            seen = padded[:, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (columns - 1) + 1 : stride]
            total = total + torch.einsum("oc,bchw->bohw", weight[:, :, i, j], seen)
    return total


def batch_norm(x, module):
    """Normalise each channel: with the running statistics, or with the batch's own while training."""
    mean, variance = module.running_mean, module.running_var
    if module.training:
        mean = x.mean((0, 2, 3))
        variance = ((x - mean[:, None, None]) ** 2).mean((0, 2, 3))
    scale = module.weight / torch.sqrt(variance + 1e-5)
    return (x - mean[:, None, None]) * scale[:, None, None] + module.bias[:, None, None]


def group_norm(x, module, most):
    """Normalise groups of neighbouring channels, as many as divide both `most` and the channels."""
    groups = max(each for each in range(1, most + 1) if most % each == 0 and x.shape[1] % each == 0)
    parts = []
    for part in x.chunk(groups, dim=1):
        mean = part.mean((1, 2, 3), keepdim=True)
        variance = ((part - mean) ** 2).mean((1, 2, 3), keepdim=True)
        parts.append((part - mean) / torch.sqrt(variance + 1e-6))
    return torch.cat(parts, 1) * module.weight[:, None, None] + module.bias[:, None, None]


def pooled(x):
    """Give the largest of each 2 x 2 places."""
    return torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]).max(0).values


def up_convolution(x, module):
    """Turn every place into 2 x 2 places, each with its own matrix."""
    big = x.new_zeros(len(x), module.weight.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    for i in (0, 1):
        for j in (0, 1):
            big[:, :, i::2, j::2] = torch.einsum("co,bchw->bohw", module.weight[:, :, i, j], x)
    return big + module.bias[:, None, None]


def convolutions(x, modules):
    """Apply the convolutions of one resolution, each with its norm and ReLU."""
    for module in modules:
        if isinstance(module, nn.Conv2d):
            x = convolution(x, module)
        elif isinstance(module, nn.BatchNorm2d):
            x = batch_norm(x, module)
        else:
            x = x * (x > 0)
    return x


def segment(model, images_BCHW):
    """Classify pixels (arXiv:1505.04597, fig. 1)."""
    seen = [convolutions(images_BCHW, model.down[0])]
    for level in model.down[1:]:
        seen.append(convolutions(pooled(seen[-1]), level))
    x = seen.pop()
    for level in model.up:
        x = convolutions(torch.cat([seen.pop(), up_convolution(x, level.up_convolution)], 1), level.convolutions)
    return convolution(x, model.head)


def silu(x):
    """Multiply by the logistic function of itself."""
    return x / (1 + torch.exp(-x))


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def time_code(step, width):
    """Encode one step; the frequencies are rounded to float32, as in the network."""
    half = width // 2
    angles = [float(torch.tensor(step * 10000.0 ** (-j / max(half - 1, 1)))) for j in range(half)]
    return torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles], dtype=torch.float64)


def block(x, time, module, most):
    """Two convolutions with the time between them, beside a shortcut."""
    h = convolution(silu(group_norm(x, module.norm_in, most)), module.convolution_in)
    h = h + affine(silu(time), module.time)[:, :, None, None]
    h = convolution(silu(group_norm(h, module.norm_out, most)), module.convolution_out)
    return h + (x if isinstance(module.shortcut, nn.Identity) else convolution(x, module.shortcut))


def attention(x, module, config):
    """Let each place look at all places, one head at a time."""
    if isinstance(module, nn.Identity):
        return x
    images = []
    for image, normed in zip(x, group_norm(x, module.norm, config["num_groups"]), strict=True):
        queries, keys, values = affine(normed.flatten(1).T, module.query_key_value).chunk(3, -1)
        size, heads = len(image) // config["num_heads"], []
        for head in range(config["num_heads"]):
            part = slice(head * size, (head + 1) * size)
            scores = queries[:, part] @ keys[:, part].T / math.sqrt(size)
            heads.append(scores.exp() / scores.exp().sum(1, keepdim=True) @ values[:, part])
        images.append(image + affine(torch.cat(heads, 1), module.out).T.reshape(image.shape))
    return torch.stack(images)


def denoise(model, config, images_BCHW, steps_B):
    """Predict noise (arXiv:2006.11239, appendix B)."""
    most = config["num_groups"]
    codes = torch.stack([time_code(step, config["width"]) for step in steps_B.tolist()])
    time = affine(silu(affine(codes, model.time_embedding[0])), model.time_embedding[2])
    skips = [convolution(images_BCHW, model.stem)]
    for level in model.down:
        for each, attend in zip(level.blocks, level.attentions, strict=True):
            skips.append(attention(block(skips[-1], time, each, most), attend, config))
        if level.resize is not None:
            skips.append(convolution(skips[-1], level.resize.convolution, 2, (0, 1, 0, 1)))
    middle = model.middle
    x = attention(block(skips[-1], time, middle.before, most), middle.attention, config)
    x = block(x, time, middle.after, most)
    for level in model.up:
        for each, attend in zip(level.blocks, level.attentions, strict=True):
            x = attention(block(torch.cat([x, skips.pop()], 1), time, each, most), attend, config)
        if level.resize is not None:
            x = convolution(x.repeat_interleave(2, 2).repeat_interleave(2, 3), level.resize.convolution)
    assert not skips
    return convolution(silu(group_norm(x, model.head[0], most)), model.head[2])


def expected(model, config, inputs):
    """Give what the equations say."""
    return segment(model, **inputs) if config["task"] == "segmentation" else denoise(model, config, **inputs)
