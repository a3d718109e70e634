"""Diffusion model: noise is added to images step by step, and a network learns to take it out again.

Papers: Ho, Jain, Abbeel 2020, "Denoising Diffusion Probabilistic Models" (DDPM), arXiv:2006.11239; Nichol, Dhariwal
2021, arXiv:2102.09672 (cosine schedule); Song, Meng, Ermon 2021, arXiv:2010.02502 (DDIM); Salimans, Ho 2022,
arXiv:2202.00512 (v); Lipman et al. 2023, arXiv:2210.02747, and Liu et al. 2023, arXiv:2209.03003 (flow matching).

    DDPM eq. 4     x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise                         `NoiseProcess.add_noise`
    DDPM eq. 14    loss = | noise - network(x_t, t) |^2                                    `DiffusionModel.loss`
    DDPM eq. 6, 7  x_{t-1} ~ N(mu(x_t, x_0), beta~_t), alg. 2 (ancestral sampling)         `NoiseProcess.ddpm_step`
    DDIM eq. 12, 16  x_s = sqrt(abar_s) x_0 + sqrt(1 - abar_s - sigma^2) noise + sigma z   `NoiseProcess.ddim_step`
    cosine eq. 17  abar_t = f(t) / f(0), f(t) = cos^2((t / T + 0.008) / 1.008 * pi / 2)    `alphas_cumprod`
    v              v = sqrt(abar_t) noise - sqrt(1 - abar_t) x_0                           `NoiseProcess.target`
    flow matching  x_t = (1 - t) x_0 + t noise, velocity = noise - x_0, Euler steps        `NoiseProcess.euler_step`
    DDPM app. B    U-Net: residual blocks that read the time, attention at 16 x 16         `UNet`

Shapes: B batch, C image channels, H height, W width, D channels of a level, E width of the time, P pixels (H W).
"""

import itertools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.diffusion.model.config import ModelConfig, block_channels

NORM_EPS = 1e-6
LONGEST_PERIOD = 10_000.0  # of the sinusoids that stand for the time
LARGEST_BETA = 0.999  # arXiv:2102.09672, section 3.2: the last steps of the cosine would add infinitely much noise


class DiffusionModel(nn.Module):
    """Image generator; `forward` is its network, `(B, C, H, W)` and `(B,)` to `(B, C, H, W)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.process = NoiseProcess(config)
        self.denoiser = UNet(config)

    def forward(self, x_BCHW: Tensor, times_B: Tensor) -> Tensor:
        """Predict from noisy images what `prediction_type` says; a time is a step, or 1000 times sigma for a flow."""
        return self.denoiser(x_BCHW, times_B)

    def loss(self, images_BCHW: Tensor) -> Tensor:
        """Give the mean squared error of the prediction, at times and with noise that are drawn for each image."""
        times_B = self.process.random_times(images_BCHW)
        noise_BCHW = torch.randn_like(images_BCHW)
        predicted_BCHW = self(self.process.add_noise(images_BCHW, noise_BCHW, times_B), times_B)
        return F.mse_loss(predicted_BCHW, self.process.target(images_BCHW, noise_BCHW, times_B))

    @torch.no_grad()
    def sample(
        self,
        batch_size: int,
        num_steps: int | None = None,
        *,
        eta: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Make images out of noise, (B, C, H, W); call `eval()` first.

        Args:
            batch_size: How many.
            num_steps: Steps from noise to image; None is every step of the process.
            eta: Share of new noise in a step of the sampler "ddim".
            generator: Source of the noise; None is the global one.
        """
        weight, size = self.denoiser.conv_in.weight, self.config.image_size
        shape = (batch_size, self.config.num_channels, size, size)
        x_BCHW = _noise(shape, weight, generator)
        for time, previous in itertools.pairwise(self.process.times(num_steps)):
            predicted_BCHW = self(x_BCHW, torch.full((batch_size,), time, device=weight.device))
            if self.config.sampler == "euler":
                x_BCHW = self.process.euler_step(predicted_BCHW, x_BCHW, (time, previous))
                continue
            noise_BCHW = _noise(shape, weight, generator)
            span = (int(time), int(previous))
            if self.config.sampler == "ddim":
                x_BCHW = self.process.ddim_step(predicted_BCHW, x_BCHW, span, noise=noise_BCHW, eta=eta)
            else:
                x_BCHW = self.process.ddpm_step(predicted_BCHW, x_BCHW, span, noise=noise_BCHW)
        return x_BCHW


class NoiseProcess:
    """How images become noise, and the steps back; it has no parameters.

    Attributes:
        abar_T: Share of an image's variance that is left after each step of a diffusion, in float64 on the CPU.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        self.abar_T = alphas_cumprod(config)

    def random_times(self, images_BCHW: Tensor) -> Tensor:
        """Draw a time for each image, (B,): a step of diffusion, or a moment of a flow."""
        count, steps, device = len(images_BCHW), self.config.num_train_timesteps, images_BCHW.device
        if self.config.prediction_type == "flow":
            return steps * torch.rand(count, device=device)
        return torch.randint(steps, (count,), device=device)

    def add_noise(self, images_BCHW: Tensor, noise_BCHW: Tensor, times_B: Tensor) -> Tensor:
        """Mix images and noise as at those times."""
        signal_B111, sigma_B111 = self.rates(times_B, images_BCHW)
        return signal_B111 * images_BCHW + sigma_B111 * noise_BCHW

    def target(self, images_BCHW: Tensor, noise_BCHW: Tensor, times_B: Tensor) -> Tensor:
        """Give what the network should predict."""
        kind = self.config.prediction_type
        if kind == "epsilon":
            return noise_BCHW
        if kind == "sample":
            return images_BCHW
        if kind == "flow":
            return noise_BCHW - images_BCHW
        signal_B111, sigma_B111 = self.rates(times_B, images_BCHW)
        return signal_B111 * noise_BCHW - sigma_B111 * images_BCHW

    def rates(self, times_B: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Give the shares of image and noise at those times, each (B, 1, 1, 1)."""
        if self.config.prediction_type == "flow":
            sigma_B111 = (times_B / self.config.num_train_timesteps).to(like.dtype).view(-1, 1, 1, 1)
            return 1 - sigma_B111, sigma_B111
        # rounded last: 1 - abar of the first steps would lose its digits
        rates = (self.abar_T.sqrt().to(like), (1 - self.abar_T).sqrt().to(like))
        signal_B111, sigma_B111 = (each[times_B].view(-1, 1, 1, 1) for each in rates)
        return signal_B111, sigma_B111

    def times(self, num_steps: int | None = None) -> tuple[float, ...]:
        """Give the times that sampling stops at, from noise to image; the end of diffusion is before step 0, at -1."""
        all_steps = self.config.num_train_timesteps
        count = all_steps if num_steps is None else num_steps
        if not 1 <= count <= all_steps:
            raise ValueError(f"num_steps={num_steps} must lie between 1 and num_train_timesteps={all_steps}")
        if self.config.prediction_type == "flow":
            return tuple(all_steps * (1 - step / count) for step in range(count + 1))
        return (*(step * (all_steps // count) for step in reversed(range(count))), -1)

    def image_and_noise(self, predicted_BCHW: Tensor, x_BCHW: Tensor, time: int) -> tuple[Tensor, Tensor]:
        """Give the image and the noise that a prediction of a diffusion amounts to."""
        signal, sigma = (math.sqrt(each) for each in (self.abar(time), 1 - self.abar(time)))
        if self.config.prediction_type == "epsilon":
            image_BCHW, noise_BCHW = (x_BCHW - sigma * predicted_BCHW) / signal, predicted_BCHW
        elif self.config.prediction_type == "sample":
            image_BCHW, noise_BCHW = predicted_BCHW, (x_BCHW - signal * predicted_BCHW) / sigma
        else:
            image_BCHW = signal * x_BCHW - sigma * predicted_BCHW
            noise_BCHW = signal * predicted_BCHW + sigma * x_BCHW
        return (image_BCHW.clamp(-1, 1) if self.config.clip_sample else image_BCHW), noise_BCHW

    def ddpm_step(self, predicted_BCHW: Tensor, x_BCHW: Tensor, span: tuple[int, int], *, noise: Tensor) -> Tensor:
        """Draw an earlier state from what is known of it: the first of the two times is that of x."""
        now, before = (self.abar(time) for time in span)
        alpha = now / before
        image_BCHW, _ = self.image_and_noise(predicted_BCHW, x_BCHW, span[0])
        mean_BCHW = math.sqrt(before) * (1 - alpha) / (1 - now) * image_BCHW
        mean_BCHW = mean_BCHW + math.sqrt(alpha) * (1 - before) / (1 - now) * x_BCHW
        return mean_BCHW + self.deviation(span) * noise

    def ddim_step(
        self, predicted_BCHW: Tensor, x_BCHW: Tensor, span: tuple[int, int], *, noise: Tensor, eta: float = 0.0
    ) -> Tensor:
        """Move to an earlier state: without new noise for eta 0, with as much as in DDPM for eta 1."""
        before, sigma = self.abar(span[1]), eta * self.deviation(span)
        image_BCHW, noise_BCHW = self.image_and_noise(predicted_BCHW, x_BCHW, span[0])
        kept = math.sqrt(max(1 - before - sigma**2, 0.0))
        return math.sqrt(before) * image_BCHW + kept * noise_BCHW + sigma * noise

    def euler_step(self, velocity_BCHW: Tensor, x_BCHW: Tensor, span: tuple[float, float]) -> Tensor:
        """Follow the flow from one time to another."""
        return x_BCHW + (span[1] - span[0]) / self.config.num_train_timesteps * velocity_BCHW

    def abar(self, time: int) -> float:
        """Give the share of the image's variance that is left at a step; all of it before step 0."""
        return self.abar_T[time].item() if time >= 0 else 1.0

    def deviation(self, span: tuple[int, int]) -> float:
        """Give the standard deviation of an earlier state where image and state are known, sqrt(beta~)."""
        now, before = (self.abar(time) for time in span)
        return math.sqrt((1 - before) / (1 - now) * (1 - now / before))


def alphas_cumprod(config: ModelConfig) -> Tensor:
    """Give abar after each step of a diffusion, (T,), in float64 on the CPU: other types are too coarse."""
    steps = config.num_train_timesteps
    kind: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}
    if config.beta_schedule == "linear":
        betas_T = torch.linspace(config.beta_start, config.beta_end, steps, **kind)
    else:
        angles = (torch.arange(steps + 1, **kind) / steps + 0.008) / 1.008 * (math.pi / 2)
        left = angles.cos() ** 2
        betas_T = (1 - left[1:] / left[:-1]).clamp(max=LARGEST_BETA)
    return (1 - betas_T).cumprod(0)


class UNet(nn.Module):
    """Network that reads an image at several resolutions, `(B, C, H, W)` and times `(B,)` to `(B, C, H, W)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, channels, last = config.hidden_size, config.num_channels, config.widths[-1]
        self.time_embedding = nn.Sequential(
            nn.Linear(width, config.time_size), nn.SiLU(), nn.Linear(config.time_size, config.time_size)
        )
        self.conv_in = nn.Conv2d(channels, width, 3, padding=1)
        has, levels = config.has_attention, range(len(config.widths))
        down, up = block_channels(config, "down"), block_channels(config, "up")
        self.down = nn.ModuleList(
            DownLevel(config, down[n], has_attention=has[n], is_last=n == levels[-1]) for n in levels
        )
        self.middle = nn.ModuleList((ResBlock(config, last, last), Attention(last, config.num_groups)))
        self.middle.append(ResBlock(config, last, last))
        self.up = nn.ModuleList(
            UpLevel(config, up[n], has_attention=has[-1 - n], is_last=n == levels[-1]) for n in levels
        )
        self.norm_out = nn.GroupNorm(config.num_groups, config.widths[0], eps=NORM_EPS)
        self.conv_out = nn.Conv2d(config.widths[0], channels, 3, padding=1)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)  # a fresh network predicts nothing, whatever the noise

    def forward(self, x_BCHW: Tensor, times_B: Tensor) -> Tensor:
        """Go down through the resolutions and up again; what was seen on the way down is read on the way up."""
        expected = (self.config.num_channels, self.config.image_size, self.config.image_size)
        if tuple(x_BCHW.shape[1:]) != expected:
            raise ValueError(f"images have shape {tuple(x_BCHW.shape)}; resize them to (batch, *{expected})")
        waves_BD = sinusoids(times_B, self.config.hidden_size).to(x_BCHW.dtype)
        time_BE = F.silu(self.time_embedding(waves_BD))
        x_BDHW = self.conv_in(x_BCHW)
        kept = [x_BDHW]
        for level in self.down:
            x_BDHW = level(x_BDHW, time_BE, kept)
        x_BDHW = self.middle[1](self.middle[0](x_BDHW, time_BE))
        x_BDHW = self.middle[2](x_BDHW, time_BE)
        for level in self.up:
            x_BDHW = level(x_BDHW, time_BE, kept)
        return self.conv_out(F.silu(self.norm_out(x_BDHW)))


class DownLevel(nn.Module):
    """One resolution on the way down: residual blocks, the attention after each, and the way to half the resolution."""

    def __init__(
        self, config: ModelConfig, channels: tuple[tuple[int, int], ...], *, has_attention: bool, is_last: bool
    ) -> None:
        super().__init__()
        _, width = channels[0]
        self.blocks = nn.ModuleList(ResBlock(config, taken, given) for taken, given in channels)
        self.attentions = nn.ModuleList(
            Attention(width, config.num_groups) if has_attention else nn.Identity() for _ in channels
        )
        self.resample = None if is_last else nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x_BDHW: Tensor, time_BE: Tensor, kept: list[Tensor]) -> Tensor:
        """Give what the next level reads; what every layer gave is kept for the way up."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x_BDHW = attention(block(x_BDHW, time_BE))
            kept.append(x_BDHW)
        if self.resample is not None:
            x_BDHW = self.resample(F.pad(x_BDHW, (0, 1, 0, 1)))
            kept.append(x_BDHW)
        return x_BDHW


class UpLevel(nn.Module):
    """One resolution on the way up: residual blocks, the attention after each, and the way to twice the resolution."""

    def __init__(
        self, config: ModelConfig, channels: tuple[tuple[int, int], ...], *, has_attention: bool, is_last: bool
    ) -> None:
        super().__init__()
        _, width = channels[0]
        self.blocks = nn.ModuleList(ResBlock(config, taken, given) for taken, given in channels)
        self.attentions = nn.ModuleList(
            Attention(width, config.num_groups) if has_attention else nn.Identity() for _ in channels
        )
        self.resample = None if is_last else nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x_BDHW: Tensor, time_BE: Tensor, kept: list[Tensor]) -> Tensor:
        """Give what the next level reads; each block takes what its mirror image gave, the last first."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x_BDHW = attention(block(torch.cat([x_BDHW, kept.pop()], dim=1), time_BE))
        if self.resample is not None:
            x_BDHW = self.resample(F.interpolate(x_BDHW, scale_factor=2.0, mode="nearest"))
        return x_BDHW


class ResBlock(nn.Module):
    """Residual block that reads the time, `(B, I, H, W)` and `(B, E)` to `(B, O, H, W)`."""

    def __init__(self, config: ModelConfig, taken: int, given: int) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(config.num_groups, taken, eps=NORM_EPS)
        self.conv_in = nn.Conv2d(taken, given, 3, padding=1)
        self.time = nn.Linear(config.time_size, given)
        self.norm_out = nn.GroupNorm(config.num_groups, given, eps=NORM_EPS)
        self.dropout = nn.Dropout(config.dropout)
        self.conv_out = nn.Conv2d(given, given, 3, padding=1)
        self.shortcut = nn.Conv2d(taken, given, 1) if taken != given else nn.Identity()

    def forward(self, x_BDHW: Tensor, time_BE: Tensor) -> Tensor:
        """Add what two convolutions find; the time shifts the channels between them."""
        h_BDHW = self.conv_in(F.silu(self.norm_in(x_BDHW))) + self.time(time_BE)[:, :, None, None]
        return self.shortcut(x_BDHW) + self.conv_out(self.dropout(F.silu(self.norm_out(h_BDHW))))


class Attention(nn.Module):
    """Self-attention of all pixels in one head, with its residual, `(B, D, H, W) -> (B, D, H, W)`."""

    def __init__(self, width: int, num_groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(num_groups, width, eps=NORM_EPS)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BDHW: Tensor) -> Tensor:
        """Add what the pixels read of each other."""
        tokens_BPD = self.norm(x_BDHW).flatten(2).transpose(1, 2)
        q_B1PD, k_B1PD, v_B1PD = self.query_key_value(tokens_BPD).unsqueeze(1).chunk(3, dim=-1)
        mixed_BPD = F.scaled_dot_product_attention(q_B1PD, k_B1PD, v_B1PD).squeeze(1)
        return x_BDHW + self.out(mixed_BPD).transpose(1, 2).view_as(x_BDHW)


def sinusoids(times_B: Tensor, width: int) -> Tensor:
    """Give sines and then cosines of the times, at falling frequencies, (B, D), in float32."""
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=times_B.device)
    angles_BD = times_B.float()[:, None] * torch.exp(-math.log(LONGEST_PERIOD) * steps / (half - 1))
    return torch.cat([angles_BD.sin(), angles_BD.cos()], dim=1)


def build_model(**config: Any) -> DiffusionModel:
    """Build the model; keys that are not given take the defaults of `ModelConfig`."""
    return DiffusionModel(ModelConfig(**config))


def _noise(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)
