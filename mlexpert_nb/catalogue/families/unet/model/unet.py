"""U-Net for segmentation: down to see what is there, up to say where, with a skip across at every resolution.

Paper: Ronneberger, Fischer, Brox 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
arXiv:1505.04597; fig. 1 (the network), eq. 1 (the loss, in `functional.loss`), sec. 3 (first weights, dropout).

    down   x_l = convolutions(max pool(x_{l-1})), 3x3 with ReLU
    up     y_l = convolutions([x_l; up-convolution(y_{l+1})]), the up-convolution 2x2 with stride 2
    head   1x1 convolution of y_0

Convolutions are padded, so that every pixel gets its class, and BatchNorm (arXiv:1502.03167) follows them, unless
norm="none".

Shapes: B batch, C channels, H height, W width, K classes.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.unet.model.config import ModelConfig


class UNet(nn.Module):
    """Pixel classifier, `(B, C, H, W) -> (B, K, H, W)`; height and width are multiples of `config.stride`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        pairs = tuple(pairwise((config.num_channels, *config.channels)))
        self.down = nn.ModuleList(_convolutions(config, channels_in, out) for channels_in, out in pairs)
        self.dropout = nn.Dropout(config.dropout)
        self.up = nn.ModuleList(UpLevel(config, below, out) for out, below in reversed(pairs[1:]))
        self.head = nn.Conv2d(config.width * config.channel_multipliers[0], config.num_classes, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Give the logits of the classes of every pixel, (B, K, H, W)."""
        stride = self.config.stride
        if images_BCHW.shape[-2] % stride or images_BCHW.shape[-1] % stride:
            shape = tuple(images_BCHW.shape)
            raise ValueError(f"images have shape {shape}; pad height and width to multiples of {stride}")
        skips, x_BCHW = [], self.down[0](images_BCHW)
        for level in self.down[1:]:
            skips.append(x_BCHW)
            x_BCHW = level(F.max_pool2d(x_BCHW, kernel_size=2))
        x_BCHW = self.dropout(x_BCHW)
        for level in self.up:
            x_BCHW = level(x_BCHW, skips.pop())
        return self.head(x_BCHW)


class UpLevel(nn.Module):
    """One step up: twice the resolution, beside what the same resolution saw on the way down."""

    def __init__(self, config: ModelConfig, below: int, channels: int) -> None:
        super().__init__()
        self.up_convolution = nn.ConvTranspose2d(below, channels, kernel_size=2, stride=2)
        self.convolutions = _convolutions(config, 2 * channels, channels)

    def forward(self, x_BCHW: Tensor, skip_BCHW: Tensor) -> Tensor:
        """Give the features of this resolution, in the shape of the skip."""
        return self.convolutions(torch.cat([skip_BCHW, self.up_convolution(x_BCHW)], dim=1))


def _convolutions(config: ModelConfig, channels_in: int, channels: int) -> nn.Sequential:
    """Give the convolutions of one resolution; a norm takes a bias away again, so there is one or the other."""
    has_norm = config.norm == "batch"
    layers: list[nn.Module] = []
    for each in (channels_in, *[channels] * (config.num_blocks - 1)):
        layers.append(nn.Conv2d(each, channels, kernel_size=3, padding=1, bias=not has_norm))
        layers += [nn.BatchNorm2d(channels)] if has_norm else []
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
