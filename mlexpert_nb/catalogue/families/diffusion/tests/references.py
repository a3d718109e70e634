"""Small models for the tests, and the papers' equations written out one image and one group of channels at a time."""

import math

import torch
import torch.nn.functional as F

from model import build_model

SMALL = {
    "image_size": 8,
    "num_channels": 2,
    "hidden_size": 8,
    "channel_mults": (1, 2),
    "layers_per_block": 1,
    "attention_resolutions": (4,),
    "time_size": 12,
    "num_groups": 2,
    "dropout": 0.0,
    "num_train_timesteps": 20,
    "prediction_type": "epsilon",
    "beta_schedule": "linear",
    "sampler": "ddpm",
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "clip_sample": True,
}
FLOW = {"prediction_type": "flow", "sampler": "euler"}


def small_model(**changes):
    """Build a small model in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def random_images(rows, channels=2, size=8):
    """Draw images in float64."""
    return torch.randn(rows, channels, size, size, dtype=torch.float64)


def shares_left(steps, schedule, start=1e-4, end=0.02):
    """Multiply up what each step leaves of the image's variance, as Python numbers."""
    left, shares = 1.0, []
    for step in range(steps):
        if schedule == "linear":
            beta = start + (end - start) * step / (steps - 1)
        else:
            before, after = (math.cos((s / steps + 0.008) / 1.008 * math.pi / 2) ** 2 for s in (step, step + 1))
            beta = min(1 - after / before, 0.999)
        left *= 1 - beta
        shares.append(left)
    return shares


def silu(x):
    """Multiply by the logistic function of itself."""
    return x / (1 + torch.exp(-x))


def group_norm(x, module):
    """Normalise each group of channels of one image: subtract the mean, divide by the standard deviation."""
    parts = []
    for group in x.chunk(module.num_groups):
        centred = group - group.mean()
        parts.append(centred / torch.sqrt((centred**2).mean() + 1e-6))
    return torch.cat(parts) * module.weight[:, None, None] + module.bias[:, None, None]


def conv(x, module, stride=1, pad=(1, 1, 1, 1)):
    """Pad one image with zeros (left, right, top, bottom) and slide the kernel over it, one position at a time."""
    left, right, top, bottom = pad
    rows, columns = x.shape[1] + top + bottom, x.shape[2] + left + right
    padded = x.new_zeros(x.shape[0], rows, columns)
    padded[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    size = module.weight.shape[-1]
    out = [
        [
            (module.weight * padded[:, row : row + size, column : column + size]).sum((1, 2, 3)) + module.bias
            for column in range(0, columns - size + 1, stride)
        ]
        for row in range(0, rows - size + 1, stride)
    ]
    return torch.stack([torch.stack(line, dim=-1) for line in out], dim=-2)


def affine(x, module):
    """Multiply by a linear layer's weight and add its bias."""
    return x @ module.weight.T + module.bias


def res_block(x, time, block):
    """Two convolutions with the time between them, and the shortcut."""
    hidden = conv(silu(group_norm(x, block.norm_in)), block.conv_in) + affine(time, block.time)[:, None, None]
    hidden = conv(silu(group_norm(hidden, block.norm_out)), block.conv_out)
    is_wider = isinstance(block.shortcut, torch.nn.Conv2d)
    return hidden + (conv(x, block.shortcut, pad=(0, 0, 0, 0)) if is_wider else x)


def attention(x, module):
    """Let every pixel read every other one; a level without attention hands the image on."""
    if isinstance(module, torch.nn.Identity):
        return x
    pixels = group_norm(x, module.norm).flatten(1).T
    queries, keys, values = affine(pixels, module.query_key_value).chunk(3, dim=-1)
    scores = queries @ keys.T / math.sqrt(x.shape[0])
    weights = scores.exp() / scores.exp().sum(1, keepdim=True)
    return x + affine(weights @ values, module.out).T.reshape(x.shape)


def time_vector(time, model):
    """Give what the residual blocks read of a time."""
    half = model.config.hidden_size // 2
    angles = [time * 10_000 ** (-n / (half - 1)) for n in range(half)]
    waves = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    first, last = model.denoiser.time_embedding[0], model.denoiser.time_embedding[2]
    return silu(affine(silu(affine(torch.tensor(waves, dtype=torch.float64), first)), last))


def predicted(image, time, model):
    """Run the U-Net on one image."""
    unet, vector = model.denoiser, time_vector(time, model)
    x = conv(image, unet.conv_in)
    kept = [x]
    for number, level in enumerate(unet.down):
        for block, attend in zip(level.blocks, level.attentions, strict=True):
            x = attention(res_block(x, vector, block), attend)
            kept.append(x)
        if number < len(unet.down) - 1:
            x = conv(x, level.resample, stride=2, pad=(0, 1, 0, 1))
            kept.append(x)
    x = res_block(attention(res_block(x, vector, unet.middle[0]), unet.middle[1]), vector, unet.middle[2])
    for number, level in enumerate(unet.up):
        for block, attend in zip(level.blocks, level.attentions, strict=True):
            x = attention(res_block(torch.cat([x, kept.pop()]), vector, block), attend)
        if number < len(unet.up) - 1:
            x = conv(x.repeat_interleave(2, 1).repeat_interleave(2, 2), level.resample)
    assert not kept
    return conv(silu(group_norm(x, unet.norm_out)), unet.conv_out)


def mean_square(left, right):
    """Average the squared differences."""
    return F.mse_loss(left, right)
