"""U-Net of a diffusion model: predicts the noise in an image, told at which step of the process it is.

Paper: Ho, Jain, Abbeel 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239; sec. 4 and appendix B (the
network), eq. 14 (the loss, in `functional.loss`). Position codes of the step: Vaswani et al. 2017, arXiv:1706.03762.

    time    e = W_2 SiLU(W_1 [sin(t f); cos(t f)]),  f_j = 10000^(-j / (w/2 - 1)), w the width
    block   h = conv(SiLU(GN(x))) + W_t SiLU(e);  y = conv(dropout(SiLU(GN(h)))) + shortcut(x)
    down    blocks (and self-attention), a skip after each; a 3x3 convolution with stride 2, and a skip
    up      one more block than down, each beside the last skip that is left; nearest neighbours and a 3x3 convolution

Shapes: B batch, C channels, H height, W width, P places (H W), N heads, E head size, D width of the time embedding.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.unet.model.config import ModelConfig

LONGEST_PERIOD = 10000.0
NORM_EPS = 1e-6


class DiffusionUNet(nn.Module):
    """Noise predictor, `(B, C, H, W), (B,) -> (B, C, H, W)`; height and width are multiples of `config.stride`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, channels = config.width, config.channels
        self.time_embedding = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
        self.stem = nn.Conv2d(config.num_channels, channels[0], kernel_size=3, padding=1)
        self.down, self.up, skips, before = nn.ModuleList(), nn.ModuleList(), [channels[0]], channels[0]
        for number, out in enumerate(channels):
            has_next = number < len(channels) - 1
            inputs = [before, *[out] * (config.num_blocks - 1)]
            self.down.append(DownLevel(config, number, inputs, DownSample(out) if has_next else None))
            skips += [out] * (config.num_blocks + has_next)
            before = out
        self.middle = Middle(config)
        for number, out in reversed(tuple(enumerate(channels))):
            inputs = [each + skips.pop() for each in (before, *[out] * config.num_blocks)]
            self.up.append(UpLevel(config, number, inputs, UpSample(out) if number else None))
            before = out
        self.head = nn.Sequential(
            _norm(config, before), nn.SiLU(), nn.Conv2d(before, config.num_channels, kernel_size=3, padding=1)
        )

    def forward(self, images_BCHW: Tensor, steps_B: Tensor) -> Tensor:
        """Give the noise in each image at its step of the process."""
        stride = self.config.stride
        if images_BCHW.shape[-2] % stride or images_BCHW.shape[-1] % stride:
            shape = tuple(images_BCHW.shape)
            raise ValueError(f"images have shape {shape}; pad height and width to multiples of {stride}")
        codes_BD = time_codes(steps_B, self.config.width).to(images_BCHW.dtype)
        time_BD = F.silu(self.time_embedding(codes_BD))  # every block begins with the same SiLU
        skips = [self.stem(images_BCHW)]
        for level in self.down:
            skips += level(skips[-1], time_BD)
        x_BCHW = self.middle(skips[-1], time_BD)
        for level in self.up:
            x_BCHW = level(x_BCHW, skips, time_BD)
        return self.head(x_BCHW)


class Level(nn.Module):
    """The blocks of one resolution on one way, each with attention or without, and the step to the next resolution."""

    def __init__(self, config: ModelConfig, number: int, inputs: list[int], resize: nn.Module | None) -> None:
        super().__init__()
        out, attends = config.channels[number], number in config.attention_levels
        self.blocks = nn.ModuleList(ResidualBlock(config, each, out) for each in inputs)
        self.attentions = nn.ModuleList(Attention(config, out) if attends else nn.Identity() for _ in inputs)
        self.resize = resize


class DownLevel(Level):
    """The blocks of one resolution on the way down."""

    def forward(self, x_BCHW: Tensor, time_BD: Tensor) -> list[Tensor]:
        """Give what is seen after every block, and after the step down."""
        seen = []
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x_BCHW = attention(block(x_BCHW, time_BD))
            seen.append(x_BCHW)
        return seen if self.resize is None else [*seen, self.resize(x_BCHW)]


class UpLevel(Level):
    """The blocks of one resolution on the way up."""

    def forward(self, x_BCHW: Tensor, skips: list[Tensor], time_BD: Tensor) -> Tensor:
        """Use up one skip in every block, the last one first."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x_BCHW = attention(block(torch.cat([x_BCHW, skips.pop()], dim=1), time_BD))
        return x_BCHW if self.resize is None else self.resize(x_BCHW)


class Middle(nn.Module):
    """The lowest resolution: block, self-attention, block."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = config.channels[-1]
        self.before = ResidualBlock(config, channels, channels)
        self.attention = Attention(config, channels)
        self.after = ResidualBlock(config, channels, channels)

    def forward(self, x_BCHW: Tensor, time_BD: Tensor) -> Tensor:
        """Let every place of the image see every other."""
        return self.after(self.attention(self.before(x_BCHW, time_BD)), time_BD)


class ResidualBlock(nn.Module):
    """Two convolutions with the time between them, beside a shortcut."""

    def __init__(self, config: ModelConfig, channels_in: int, channels: int) -> None:
        super().__init__()
        self.norm_in = _norm(config, channels_in)
        self.convolution_in = nn.Conv2d(channels_in, channels, kernel_size=3, padding=1)
        self.time = nn.Linear(4 * config.width, channels)
        self.norm_out = _norm(config, channels)
        self.dropout = nn.Dropout(config.dropout)
        self.convolution_out = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        is_same = channels_in == channels
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(channels_in, channels, kernel_size=1)

    def forward(self, x_BCHW: Tensor, time_BD: Tensor) -> Tensor:
        """Add to the image what the block makes of it at this time."""
        h_BCHW = self.convolution_in(F.silu(self.norm_in(x_BCHW)))
        h_BCHW = h_BCHW + self.time(time_BD)[:, :, None, None]
        h_BCHW = self.convolution_out(self.dropout(F.silu(self.norm_out(h_BCHW))))
        return self.shortcut(x_BCHW) + h_BCHW


class Attention(nn.Module):
    """Self-attention between all places of an image, beside the image itself."""

    def __init__(self, config: ModelConfig, channels: int) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.norm = _norm(config, channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Add to each place what it finds elsewhere."""
        y_BPC = self.norm(x_BCHW).flatten(2).transpose(1, 2)
        parts = self.query_key_value(y_BPC).chunk(3, dim=-1)
        q_BNPE, k_BNPE, v_BNPE = (each.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for each in parts)
        mixed_BNPE = F.scaled_dot_product_attention(q_BNPE, k_BNPE, v_BNPE)
        out_BPC = self.out(mixed_BNPE.transpose(1, 2).flatten(2))
        return x_BCHW + out_BPC.transpose(1, 2).unflatten(2, x_BCHW.shape[2:])


class DownSample(nn.Module):
    """Half the resolution, by a convolution that starts at the first pixel and ends one past the last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, kernel_size=3, stride=2)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give every second place each way."""
        return self.convolution(F.pad(x_BCHW, (0, 1, 0, 1)))


class UpSample(nn.Module):
    """Twice the resolution: every place four times, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give twice the places each way."""
        return self.convolution(F.interpolate(x_BCHW, scale_factor=2.0, mode="nearest"))


def time_codes(steps_B: Tensor, width: int) -> Tensor:
    """Encode the steps as sines and then cosines of frequencies that fall geometrically: (B, width)."""
    half = width // 2
    places = torch.arange(half, dtype=torch.float32, device=steps_B.device)
    frequencies = torch.exp(-math.log(LONGEST_PERIOD) * places / max(half - 1, 1))
    angles = steps_B.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _norm(config: ModelConfig, channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(config.num_groups, channels), channels, eps=NORM_EPS)
