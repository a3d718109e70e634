"""The diffusion U-Net against diffusers: the same weights give the same noise and gradients."""

import pytest
import torch
from diffusers import UNet2DModel

from mlexpert_nb.catalogue.families.unet.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.unet.model.diffusion_unet import DiffusionUNet

pytestmark = pytest.mark.oracle

SMALL = {
    "task": "diffusion",
    "num_channels": 3,
    "width": 16,
    "channel_multipliers": (1, 2, 2, 3),
    "num_blocks": 2,
    "attention_levels": (1, 2),
    "num_groups": 8,
}
CIFAR10 = {
    "task": "diffusion",
    "num_channels": 3,
    "width": 128,
    "channel_multipliers": (1, 2, 2, 2),
    "num_blocks": 2,
    "attention_levels": (1,),
}
BLOCK_PARTS = {
    "norm1": "norm_in",
    "conv1": "convolution_in",
    "time_emb_proj": "time",
    "norm2": "norm_out",
    "conv2": "convolution_out",
    "conv_shortcut": "shortcut",
}
TOP_PARTS = {
    "conv_in": "stem",
    "time_embedding.linear_1": "time_embedding.0",
    "time_embedding.linear_2": "time_embedding.2",
    "conv_norm_out": "head.0",
    "conv_out": "head.2",
}


def oracle(config):
    """Build the library's network of the same configuration, in the form of the published weights."""
    levels = range(len(config.channels))
    kinds = ["Attn" if level in config.attention_levels else "" for level in levels]
    return UNet2DModel(
        in_channels=config.num_channels,
        out_channels=config.num_channels,
        block_out_channels=config.channels,
        down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
        up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
        layers_per_block=config.num_blocks,
        attention_head_dim=None,
        norm_num_groups=config.num_groups,
        norm_eps=1e-6,
        freq_shift=1,
        flip_sin_to_cos=False,
        downsample_padding=0,
    )


def our_name(name):
    """Give the name that a tensor of the library has with us; queries, keys and values keep theirs."""
    module, _, kind = name.rpartition(".")
    if module in TOP_PARTS:
        return f"{TOP_PARTS[module]}.{kind}"
    home, *rest = module.split(".")
    if home == "mid_block":
        place = "attention" if rest[0] == "attentions" else ("before", "after")[int(rest[1])]
        home, rest = "middle", [place, *rest[2:]]
        block = f"{home}.{place}"
    else:
        home, level, part, number, *rest = home.removesuffix("_blocks"), *rest
        if part.endswith("samplers"):
            return f"{home}.{level}.resize.convolution.{kind}"
        place = "attention" if part == "attentions" else "block"
        block = f"{home}.{level}.{place}s.{number}"
        rest = [place, *rest]
    last = rest[1]
    if last in BLOCK_PARTS:
        return f"{block}.{BLOCK_PARTS[last]}.{kind}"
    return f"{block}.{ {'group_norm': 'norm', 'to_out': 'out'}.get(last, last) }.{kind}"


def renamed(tensors):
    """Give the library's tensors under our names, with queries, keys and values joined."""
    named = {our_name(name): tensor for name, tensor in tensors.items()}
    for name in [each for each in named if ".to_q." in each]:
        parts = [named.pop(name.replace(".to_q.", f".to_{part}.")) for part in "qkv"]
        named[name.replace(".to_q.", ".query_key_value.")] = torch.cat(parts)
    return named


def gap(a, b):
    return (a - b).abs().max().item()


def test_noise_gradients_and_counts_equal_those_of_diffusers(figures):
    config = ModelConfig(**SMALL)
    theirs, ours = oracle(config).eval(), DiffusionUNet(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    ours.load_state_dict(renamed(theirs.state_dict()))
    images, steps = torch.randn(3, 3, 16, 16), torch.tensor([0, 400, 999])
    single = gap(ours(images, steps), theirs(images, steps).sample)

    theirs, ours, images = theirs.double(), ours.double(), images.double()
    output = gap(ours(images, steps), theirs(images, steps).sample)
    (ours(images, steps) ** 2).mean().backward()
    (theirs(images, steps).sample ** 2).mean().backward()
    gradients = renamed({name: parameter.grad for name, parameter in theirs.named_parameters()})
    gradient = max(gap(parameter.grad, gradients[name]) for name, parameter in ours.named_parameters())

    with torch.device("meta"):
        published = sum(parameter.numel() for parameter in oracle(ModelConfig(**CIFAR10)).parameters())
    assert published == 35_746_307
    figures.add(
        "unet",
        "diffusers UNet2DModel",
        output=output,
        output_float32=single,
        gradient=gradient,
        parameters=(count_parameters(ModelConfig(**CIFAR10)), published),
    )
