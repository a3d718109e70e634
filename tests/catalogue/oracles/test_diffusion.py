"""Noise process, samplers and U-Net against diffusers: its schedulers, and its network after a copy of the weights."""

from importlib import import_module

import pytest
import torch

from mlexpert_nb.catalogue.families.diffusion.model.config import ModelConfig, count_parameters
from mlexpert_nb.catalogue.families.diffusion.model.diffusion import NoiseProcess, UNet

pytestmark = pytest.mark.oracle

THEIR_SCHEDULE = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
DIFFUSIONS = [(kind, schedule) for kind in ("epsilon", "sample", "v_prediction") for schedule in THEIR_SCHEDULE]
NETWORK = {
    "image_size": 16,
    "hidden_size": 32,
    "channel_mults": (1, 2, 2),
    "attention_resolutions": (8,),
    "time_size": 128,
    "num_groups": 8,
    "dropout": 0.0,
}
CIFAR10 = {"hidden_size": 128, "channel_mults": (1, 2, 2, 2), "time_size": 512, "num_groups": 32}


def scheduler(name, process, **keys):
    """Build theirs; its table, which it makes in float32, must agree with ours and is then ours for float64."""
    config = process.config
    theirs = getattr(import_module("diffusers"), name)(
        num_train_timesteps=config.num_train_timesteps,
        beta_schedule=THEIR_SCHEDULE[config.beta_schedule],
        prediction_type=config.prediction_type,
        clip_sample=config.clip_sample,
        **keys,
    )
    assert (theirs.alphas_cumprod - process.abar_T).abs().max() < 1e-5
    theirs.alphas_cumprod, theirs.one = process.abar_T.clone(), torch.tensor(1.0, dtype=torch.float64)
    theirs.final_alpha_cumprod = theirs.one
    return theirs


def three(dtype=torch.float64):
    return (torch.randn(4, 3, 8, 8, dtype=dtype) for _ in range(3))


def gap(left, right):
    return (left - right).abs().max().item()


@pytest.mark.parametrize(("kind", "schedule"), DIFFUSIONS)
def test_noise_and_velocity_are_those_of_their_scheduler(kind, schedule, figures):
    process = NoiseProcess(ModelConfig(prediction_type=kind, beta_schedule=schedule))
    theirs = scheduler("DDPMScheduler", process)
    images, noise, _ = three()
    times = torch.tensor([0, 10, 500, 999])
    output = gap(process.add_noise(images, noise, times), theirs.add_noise(images, noise, times))
    if kind == "v_prediction":
        output = max(output, gap(process.target(images, noise, times), theirs.get_velocity(images, noise, times)))
    single = gap(
        process.add_noise(images.float(), noise.float(), times), theirs.add_noise(images.float(), noise.float(), times)
    )
    figures.add(
        "diffusion", f"diffusers DDPMScheduler.add_noise ({kind}, {schedule})", output=output, output_float32=single
    )


@pytest.mark.parametrize(("kind", "schedule"), DIFFUSIONS)
@pytest.mark.parametrize("clip", [False, True])
def test_ddpm_steps_are_theirs(kind, schedule, clip, figures):
    process = NoiseProcess(ModelConfig(prediction_type=kind, beta_schedule=schedule, clip_sample=clip))
    output = 0.0
    for num_steps in (1000, 50):
        theirs = scheduler("DDPMScheduler", process)
        theirs.set_timesteps(num_steps)
        times = process.times(num_steps)
        assert theirs.timesteps.tolist() == list(times[:-1])
        for number in (num_steps // 3, num_steps - 2, num_steps - 1):
            predicted, x, _ = three()
            torch.manual_seed(number)
            step = theirs.step(predicted, times[number], x).prev_sample
            torch.manual_seed(number)
            noise = torch.randn_like(x)
            ours = process.ddpm_step(predicted, x, (times[number], times[number + 1]), noise=noise)
            output = max(output, gap(ours, step) / max(1.0, step.abs().max().item()))
    figures.add("diffusion", f"diffusers DDPMScheduler.step ({kind}, {schedule}, clip {clip})", output=output)


@pytest.mark.parametrize(("kind", "schedule"), DIFFUSIONS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_steps_are_theirs(kind, schedule, eta, figures):
    process = NoiseProcess(ModelConfig(prediction_type=kind, beta_schedule=schedule))
    theirs = scheduler("DDIMScheduler", process)
    theirs.set_timesteps(20)
    times = process.times(20)
    assert theirs.timesteps.tolist() == list(times[:-1])
    output = 0.0
    for number in (1, 10, 18, 19):
        predicted, x, noise = three()
        step = theirs.step(predicted, times[number], x, eta=eta, variance_noise=noise if eta else None).prev_sample
        ours = process.ddim_step(predicted, x, (times[number], times[number + 1]), noise=noise, eta=eta)
        output = max(output, gap(ours, step) / max(1.0, step.abs().max().item()))
    figures.add("diffusion", f"diffusers DDIMScheduler.step ({kind}, {schedule}, eta {eta})", output=output)


def test_flow_matching_is_theirs(figures):
    process = NoiseProcess(ModelConfig(prediction_type="flow", sampler="euler"))
    theirs = import_module("diffusers").FlowMatchEulerDiscreteScheduler()
    times = process.times(10)
    theirs.set_timesteps(sigmas=[time / 1000 for time in times[:-1]])
    images, noise, velocity = three(torch.float32)
    found = [process.add_noise(images, noise, time.expand(4)) for time in theirs.timesteps]
    single = max(
        gap(ours, theirs.scale_noise(images, time.expand(4), noise))
        for ours, time in zip(found, theirs.timesteps, strict=True)
    )
    x = y = noise
    for number, time in enumerate(theirs.timesteps):
        x = process.euler_step(velocity, x, (times[number], times[number + 1]))
        y = theirs.step(velocity, time, y).prev_sample
        single = max(single, gap(x, y))
    figures.add("diffusion", "diffusers FlowMatchEulerDiscreteScheduler", output_float32=single)


def their_network(config):
    down = ["AttnDownBlock2D" if has else "DownBlock2D" for has in config.has_attention]
    up = ["AttnUpBlock2D" if has else "UpBlock2D" for has in reversed(config.has_attention)]
    return import_module("diffusers").UNet2DModel(
        sample_size=config.image_size,
        in_channels=config.num_channels,
        out_channels=config.num_channels,
        block_out_channels=config.widths,
        layers_per_block=config.layers_per_block,
        down_block_types=down,
        up_block_types=up,
        attention_head_dim=None,
        norm_num_groups=config.num_groups,
        norm_eps=1e-6,
        flip_sin_to_cos=False,
        freq_shift=1,
        downsample_padding=0,
    )


def renamed(name):
    """Give our name for theirs; what they hold in three tensors ends in a number."""
    parts = {
        "time_embedding.linear_1": "time_embedding.0",
        "time_embedding.linear_2": "time_embedding.2",
        "conv_norm_out": "norm_out",
        "down_blocks": "down",
        "up_blocks": "up",
        "mid_block.resnets.0": "middle.0",
        "mid_block.attentions.0": "middle.1",
        "mid_block.resnets.1": "middle.2",
        "resnets": "blocks",
        "norm1": "norm_in",
        "conv1": "conv_in",
        "time_emb_proj": "time",
        "norm2": "norm_out",
        "conv2": "conv_out",
        "conv_shortcut": "shortcut",
        "group_norm": "norm",
        "to_out.0": "out",
        "downsamplers.0.conv": "resample",
        "upsamplers.0.conv": "resample",
    }
    for theirs, ours in parts.items():
        name = name.replace(theirs, ours)
    return name


def gathered(tensors):
    """Give their tensors by our names; queries, keys and values are one."""
    found = {renamed(name): value for name, value in tensors.items()}
    for name in [name for name in found if ".to_q." in name]:
        joined = [found.pop(name.replace("to_q", part)) for part in ("to_q", "to_k", "to_v")]
        found[name.replace("to_q", "query_key_value")] = torch.cat(joined)
    return found


def test_the_network_is_theirs(figures):
    config = ModelConfig(**NETWORK)
    ours, theirs = UNet(config).double().eval(), their_network(config).double().eval()
    ours.load_state_dict({name: value.clone() for name, value in gathered(theirs.state_dict()).items()})
    x, times = torch.randn(3, 3, 16, 16, dtype=torch.float64), torch.tensor([0, 400, 999])
    y, z = ours(x, times), theirs(x, times).sample
    weights = torch.randn_like(y)
    (weights * y).sum().backward()
    (weights * z).sum().backward()
    gradients = gathered({name: p.grad for name, p in theirs.named_parameters()})
    # relative to the largest gradient of the same tensor
    relative = max(gap(p.grad, gradients[name]) / p.grad.abs().max().item() for name, p in ours.named_parameters())
    output = gap(y, z)
    single = gap(ours.float()(x.float(), times), theirs.float()(x.float(), times).sample)
    figures.add(
        "diffusion",
        "diffusers UNet2DModel",
        output=output,
        output_float32=single,
        gradient=relative,
        parameters=(count_parameters(config), sum(p.numel() for p in theirs.parameters())),
    )


def test_the_published_network_has_as_many_parameters_as_theirs():
    config = ModelConfig(**CIFAR10)
    with torch.device("meta"):
        theirs = their_network(config)
    assert count_parameters(config) == sum(p.numel() for p in theirs.parameters()) == 35_746_307
