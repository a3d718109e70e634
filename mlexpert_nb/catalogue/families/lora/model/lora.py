"""LoRA and DoRA: adapters that learn a low-rank change of frozen weights, for linear, convolution and embedding layers.

Papers: LoRA, Hu et al. 2021, arXiv:2106.09685, eq. 3 (`LowRank`); DoRA, Liu et al. 2024, arXiv:2402.09353, eq. 5 and
section 4.3 (`_lengths`).
Shapes: B batch, I inputs, D width, C classes, r rank; a weight is (outputs, inputs, ...).
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.lora.model.config import EXPANSION, ModelConfig


class LowRank(nn.Module):
    """A frozen layer with a learned change `(alpha / r) B A` of its weight (LoRA eq. 3).

    B starts at zero, so that the adapted network starts out as the network it adapts. With `is_dora` the rows of the
    changed weight keep a learned length (DoRA eq. 5), which starts at that of the frozen weight.

    Args:
        base: `nn.Linear`, `nn.Conv2d` without groups, or `nn.Embedding`.
        rank: Rank r of the change.
        alpha: Its scale is alpha / r.
        dropout: Share of the inputs of the change that is dropped in training.
        is_dora: Whether the length of the rows is learned too.

    Raises:
        TypeError: The layer is of another kind, or DoRA is asked for in an embedding.
    """

    def __init__(
        self, base: nn.Module, rank: int, *, alpha: float = 16.0, dropout: float = 0.0, is_dora: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(base, nn.Linear | nn.Conv2d | nn.Embedding):
            raise TypeError(f"{type(base).__name__} takes no adapter; target Linear, Conv2d or Embedding layers")
        if isinstance(base, nn.Conv2d) and base.groups != 1:
            raise TypeError(f"a Conv2d of {base.groups} groups takes no adapter; only one of a single group does")
        if isinstance(base, nn.Embedding) and is_dora:
            raise TypeError("DoRA takes no Embedding; target Linear or Conv2d layers, or use LoRA")
        self.base = base.requires_grad_(requires_grad=False)
        self.scale = alpha / rank
        self.dropout = nn.Dropout(dropout)
        weight = base.weight
        num_outputs, num_inputs = weight.shape[0], weight[0].numel()
        self.A = nn.Parameter(weight.new_empty(rank, num_inputs))
        self.B = nn.Parameter(weight.new_zeros(num_outputs, rank))
        if isinstance(base, nn.Embedding):  # the factor of the rows is looked up, so that it must not start at zero
            nn.init.zeros_(self.A)
            nn.init.normal_(self.B)
        else:
            nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.magnitude = nn.Parameter(_lengths(weight.detach())) if is_dora else None

    def forward(self, x: Tensor) -> Tensor:
        """Run the frozen layer with its change."""
        if isinstance(self.base, nn.Embedding):
            return self.base(x) + self.scale * (F.embedding(x, self.B) @ self.A)
        if self.magnitude is None:
            return self.base(x) + self.scale * self._change(self.dropout(x))
        ratio = self._ratio()
        x = self.dropout(x)
        shape = (-1,) if isinstance(self.base, nn.Linear) else (-1, 1, 1)
        y = self._plain(x) + self.scale * self._change(x)
        y = y * ratio.view(shape)
        return y if self.base.bias is None else y + self.base.bias.view(shape)

    def weight(self) -> Tensor:
        """Give the weight of one plain layer that does the same."""
        base: Any = self.base
        changed = base.weight + self.scale * (self.B @ self.A).view_as(base.weight)
        if self.magnitude is None:
            return changed
        return changed * self._ratio().view(-1, *[1] * (changed.ndim - 1))

    def _ratio(self) -> Tensor:
        """Give learned over present length of each row; the present one is a constant for gradients (section 4.3)."""
        base: Any = self.base
        changed = base.weight + self.scale * (self.B @ self.A).view_as(base.weight)
        magnitude: Any = self.magnitude
        return magnitude / _lengths(changed.detach())

    def _plain(self, x: Tensor) -> Tensor:
        base: Any = self.base
        if isinstance(base, nn.Linear):
            return F.linear(x, base.weight)
        return _convolve(base, x, base.weight)

    def _change(self, x: Tensor) -> Tensor:
        base: Any = self.base
        if isinstance(base, nn.Linear):
            return F.linear(F.linear(x, self.A), self.B)
        down = _convolve(base, x, self.A.view(-1, *base.weight.shape[1:]))
        return F.conv2d(down, self.B[:, :, None, None])


def _convolve(layer: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor:
    """Run a convolution with another weight and no bias."""
    return F.conv2d(x, weight, None, layer.stride, layer.padding, layer.dilation)


def _lengths(weight: Tensor) -> Tensor:
    """Give the length of each row of a weight, (outputs,)."""
    return weight.flatten(1).norm(dim=1)


def add_adapters(  # noqa: PLR0913 - the knobs of an adapter, as every library of adapters has them
    module: nn.Module,
    targets: Iterable[str],
    *,
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    kind: str = "lora",
) -> nn.Module:
    """Freeze a network and put adapters into the layers whose last name is among the targets; give the network.

    Args:
        module: Any network; it is changed in place.
        targets: Last names of layers, such as "q_proj".
        rank: Rank of each change.
        alpha: Scale of each change, in units of 1 / rank.
        dropout: Share of an adapter's inputs that is dropped in training.
        kind: "lora" or "dora".

    Raises:
        ValueError: No layer has one of these names.
    """
    wanted = set(targets)
    found = [
        (parent, name, child)
        for parent in list(module.modules())
        for name, child in parent.named_children()
        if name in wanted and not isinstance(parent, LowRank)
    ]
    if not found:
        known = sorted({name.rsplit(".", 1)[-1] for name, each in module.named_modules() if not list(each.children())})
        raise ValueError(f"no layer is named {', '.join(sorted(wanted))}; there are {', '.join(known)}")
    module.requires_grad_(requires_grad=False)
    for parent, name, child in found:
        setattr(parent, name, LowRank(child, rank, alpha=alpha, dropout=dropout, is_dora=kind == "dora"))
    return module


@torch.no_grad()
def merge_adapters(module: nn.Module) -> nn.Module:
    """Add every change to its frozen weight and take the adapters out: the same function, no cost at inference."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, LowRank):
                base: Any = child.base
                base.weight.copy_(child.weight())
                setattr(parent, name, base)
    return module


def adapter_state_dict(module: nn.Module) -> dict[str, Tensor]:
    """Give the tensors of the adapters alone: what a fine-tuned network has to store beside the frozen one."""
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    return {name: value for name, value in module.state_dict().items() if name in trained}


class Block(nn.Module):
    """One residual block of the network that is adapted, `(B, D) -> (B, D)`."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden_size)
        self.fc1 = nn.Linear(hidden_size, EXPANSION * hidden_size)
        self.fc2 = nn.Linear(EXPANSION * hidden_size, hidden_size)

    def forward(self, x_BD: Tensor) -> Tensor:
        """Add what the two layers make of the normalised input."""
        return x_BD + self.fc2(F.gelu(self.fc1(self.norm(x_BD))))


class AdaptedMLP(nn.Module):
    """A residual network over rows of numbers, `(B, I) -> (B, C)`; `adapt` freezes it and puts the adapters in."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Linear(config.in_features, config.hidden_size)
        self.blocks = nn.ModuleList(Block(config.hidden_size) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits (B, C) of rows of numbers (B, I)."""
        x_BD = self.stem(x)
        for block in self.blocks:
            x_BD = block(x_BD)
        return self.head(self.norm(x_BD))


def base_model(config: ModelConfig) -> AdaptedMLP:
    """Build the network without adapters, every weight trained: what is pretrained before it is adapted."""
    return AdaptedMLP(config)


def build_model(**config: Any) -> AdaptedMLP:
    """Build the frozen network with its adapters; keys that are not given take the defaults of `ModelConfig`."""
    checked = ModelConfig(**config)
    model = base_model(checked)
    return adapt(model)


def adapt(model: AdaptedMLP) -> AdaptedMLP:
    """Freeze a network and put the adapters of its configuration into it."""
    config = model.config
    add_adapters(model, config.targets, rank=config.rank, alpha=config.alpha, dropout=config.dropout, kind=config.kind)
    return model
