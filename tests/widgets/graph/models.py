"""Models whose numbers are known from their papers, by hand, and nested trees of any size."""

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Causal self-attention of GPT-2, by torch's fused kernel or by hand."""

    def __init__(self, dim, num_heads, *, fused=True):
        super().__init__()
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.num_heads, self.fused = num_heads, fused

    def forward(self, x):
        q, k, v = (y.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, dim=-1))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            y = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v
        return self.out(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """One block of GPT-2."""

    def __init__(self, dim, num_heads, *, fused=True):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, num_heads, fused=fused)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))


class GPT2(nn.Module):
    """GPT-2 small, 124,439,808 parameters with tied weights (Radford et al. 2019)."""

    def __init__(self, *, fused=True, num_layers=12, dim=768, num_heads=12):
        super().__init__()
        self.tokens, self.places = nn.Embedding(50257, dim), nn.Embedding(1024, dim)
        self.blocks = nn.ModuleList(Block(dim, num_heads, fused=fused) for _ in range(num_layers))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 50257, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class Bottleneck(nn.Module):
    """Bottleneck of ResNet-50, with the stride on the middle convolution."""

    def __init__(self, width_in, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width_in, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.relu, self.down = nn.ReLU(), None
        if stride != 1 or width_in != 4 * width:
            self.down = nn.Sequential(nn.Conv2d(width_in, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.down is None else self.down(x)))


class ResNet50(nn.Module):
    """ResNet-50, 25,557,032 parameters (He et al. 2015)."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, 1)
        width_in, stages = 64, []
        for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            blocks = [
                Bottleneck(width_in if at == 0 else 4 * width, width, stride if at == 0 else 1) for at in range(depth)
            ]
            stages.append(nn.Sequential(*blocks))
            width_in = 4 * width
        self.stages, self.average, self.head = nn.Sequential(*stages), nn.AdaptiveAvgPool2d(1), nn.Linear(2048, 1000)

    def forward(self, x):
        return self.head(self.average(self.stages(self.pool(self.stem(x)))).flatten(1))


class Cell(nn.Module):
    """Linear, norm and activation beside a residual."""

    def __init__(self, dim):
        super().__init__()
        self.norm, self.linear, self.act = nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU()
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return x + self.drop(self.act(self.linear(self.norm(x))))


def nested(num_groups, num_cells, dim=16):
    """Make a tree of `num_groups` groups of `num_cells` cells of five modules each."""
    return nn.Sequential(*(nn.Sequential(*(Cell(dim) for _ in range(num_cells))) for _ in range(num_groups)))


def nest10k():
    """Make a tree of 10,003 modules."""
    return nn.Sequential(nested(50, 39), *(nn.Linear(16, 16) for _ in range(201)))


class Nest(nn.Module):
    """A module in a module, and so on."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


def chain(depth):
    """Make modules nested `depth` deep."""
    model = nn.Linear(4, 4)
    for _ in range(depth):
        model = Nest(model)
    return model
