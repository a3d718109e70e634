"""Small networks and images for the tests, and the paper's equations written out one kernel position at a time."""

import torch
import torch.nn.functional as F
from torch import nn

from model import build_model

SMALL = {"num_blocks": (1, 2), "block": "basic", "width": 4, "stem": "small", "num_channels": 2, "num_classes": 5}
VARIANTS = [
    {},
    {"block": "bottleneck"},
    {"stem": "imagenet"},
    {"block": "bottleneck", "stem": "imagenet", "num_blocks": (2, 1, 1)},
    {"num_blocks": (1,)},
]


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter and statistic far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2.0)
    return model


def random_images(rows, channels=2, size=16):
    """Draw images in float64."""
    return torch.randn(rows, channels, size, size, dtype=torch.float64)


def convolution(x, weight, stride):
    """Add up shifted images, one for each position of the kernel."""
    kernel = weight.shape[-1]
    padded = F.pad(x, [kernel // 2] * 4)
    rows, columns = ((size - 1) // stride + 1 for size in x.shape[2:])
    total = 0
    for i in range(kernel):
        for j in range(kernel):
            seen = padded[:, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (columns - 1) + 1 : stride]
            total = total + torch.einsum("oc,bchw->bohw", weight[:, :, i, j], seen)
    return total


def norm(x, module):
    """Normalise each channel: with the running statistics, or with the batch's own while training."""
    mean, variance = module.running_mean, module.running_var
    if module.training:
        mean = x.mean((0, 2, 3))
        variance = ((x - mean[:, None, None]) ** 2).mean((0, 2, 3))
    scale = module.weight / torch.sqrt(variance + 1e-5)
    return (x - mean[:, None, None]) * scale[:, None, None] + module.bias[:, None, None]


def relu(x):
    """Keep what is positive."""
    return x * (x > 0)


def maximum(x):
    """Give the largest of each 3 x 3 places, at every second place."""
    padded = F.pad(x, [1] * 4, value=-torch.inf)
    rows, columns = ((size - 1) // 2 + 1 for size in x.shape[2:])
    places = [padded[:, :, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2] for i in range(3) for j in range(3)]
    return torch.stack(places).max(0).values


def stem(x, model):
    """Read the image: 3 x 3, or 7 x 7 with stride 2 and then a maximum with stride 2."""
    if model.config.stem == "small":
        return relu(norm(convolution(x, model.stem[0].weight, 1), model.stem[1]))
    return maximum(relu(norm(convolution(x, model.stem[0].weight, 2), model.stem[1])))


def block(x, module, stride, *, is_bottleneck):
    """Add the branch to the shortcut (eq. 1 and 2)."""
    strides = (1, stride, 1) if is_bottleneck else (stride, 1)
    y = x
    for number, each in enumerate(strides):
        y = norm(convolution(y, module.branch[3 * number].weight, each), module.branch[3 * number + 1])
        y = y if number == len(strides) - 1 else relu(y)
    if not isinstance(module.shortcut, nn.Identity):
        x = norm(convolution(x, module.shortcut[0].weight, stride), module.shortcut[1])
    return relu(y + x)


def logits(images, model):
    """Classify images."""
    x = stem(images, model)
    for number, stage in enumerate(model.stages):
        for place, module in enumerate(stage):
            stride = 2 if number > 0 and place == 0 else 1
            x = block(x, module, stride, is_bottleneck=model.config.block == "bottleneck")
    return x.flatten(2).sum(-1) / x[0, 0].numel() @ model.head.weight.T + model.head.bias
