"""ResNet: convolutional blocks that learn what to add to their input, so that very deep networks can be trained.

Paper: He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385; table 1 (sizes).

    eq. 1, 2   y = ReLU(F(x) + shortcut(x)); the shortcut is x itself, or W_s x where the shape changes (option B)
    fig. 5     F = 3x3, 3x3 ("basic")  or  1x1, 3x3, 1x1 ("bottleneck"), each convolution followed by BatchNorm
    sec. 3.4   BatchNorm (Ioffe & Szegedy 2015, arXiv:1502.03167) after each convolution, weights of arXiv:1502.01852

A bottleneck that halves the image does so in its 3x3 convolution, as every published weight since 2016 (ResNet v1.5).

Shapes: B batch, C channels, H height, W width, D features, K classes.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.resnet.model.config import ModelConfig


class ResNet(nn.Module):
    """Image classifier, `(B, C, H, W) -> (B, K)`, for images of any size."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = _stem(config)
        outputs = [config.width, *(config.expansion * width for width in config.stage_widths)]
        self.stages = nn.ModuleList(
            _stage(config, stage, channels_in, channels_out)
            for stage, (channels_in, channels_out) in enumerate(pairwise(outputs))
        )
        self.head = nn.Linear(config.num_features, config.num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Give the logits of the classes, (B, K)."""
        return self.head(self.features(images_BCHW).mean(dim=(2, 3)))

    def features(self, images_BCHW: Tensor) -> Tensor:
        """Give what the last stage sees at each place, (B, D, H / stride, W / stride)."""
        if images_BCHW.ndim != 4 or images_BCHW.shape[1] != self.config.num_channels:  # noqa: PLR2004 - B, C, H, W
            expected = f"(batch, {self.config.num_channels}, height, width)"
            raise ValueError(f"images have shape {tuple(images_BCHW.shape)}; give them as {expected}")
        x_BCHW = self.stem(images_BCHW)
        for stage in self.stages:
            x_BCHW = stage(x_BCHW)
        return x_BCHW


class ResidualBlock(nn.Module):
    """A branch beside a shortcut, `(B, C, H, W) -> (B, C', H / stride, W / stride)` (eq. 1 and 2)."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Add what the branch learned to what came in."""
        return F.relu(self.branch(x_BCHW) + self.shortcut(x_BCHW), inplace=True)


def build_model(**config: Any) -> ResNet:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return ResNet(ModelConfig(**config))


def _stem(config: ModelConfig) -> nn.Sequential:
    if config.stem == "small":
        return nn.Sequential(*_conv_norm(config.num_channels, config.width, kernel=3), nn.ReLU(inplace=True))
    return nn.Sequential(
        *_conv_norm(config.num_channels, config.width, kernel=7, stride=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )


def _stage(config: ModelConfig, stage: int, channels_in: int, channels_out: int) -> nn.Sequential:
    """Build the blocks of a stage; the first one halves the image, except in the first stage."""
    branch, width = BRANCHES[config.block], config.stage_widths[stage]
    stride = 2 if stage else 1
    blocks = [ResidualBlock(branch(channels_in, width, stride), _shortcut(channels_in, channels_out, stride))]
    blocks += [
        ResidualBlock(branch(channels_out, width, 1), nn.Identity()) for _ in range(config.num_blocks[stage] - 1)
    ]
    return nn.Sequential(*blocks)


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    if channels_in == channels_out and stride == 1:
        return nn.Identity()
    return nn.Sequential(*_conv_norm(channels_in, channels_out, kernel=1, stride=stride))


def _basic(channels_in: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *_conv_norm(channels_in, width, kernel=3, stride=stride),
        nn.ReLU(inplace=True),
        *_conv_norm(width, width, kernel=3),
    )


def _bottleneck(channels_in: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *_conv_norm(channels_in, width, kernel=1),
        nn.ReLU(inplace=True),
        *_conv_norm(width, width, kernel=3, stride=stride),
        nn.ReLU(inplace=True),
        *_conv_norm(width, 4 * width, kernel=1),
    )


BRANCHES: Mapping[str, Callable[[int, int, int], nn.Sequential]] = {"basic": _basic, "bottleneck": _bottleneck}


def _conv_norm(channels_in: int, channels_out: int, *, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """Give a convolution without a bias, which the norm after it would take away again."""
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(channels_out)
