"""LoRA and DoRA against peft: the same weights give the same outputs, gradients and merged layers."""

import copy

import peft
import pytest
import torch
from torch import nn

from mlexpert_nb.catalogue.families.lora.model.lora import add_adapters, merge_adapters

pytestmark = pytest.mark.oracle
RANK, ALPHA = 3, 6.0
NETWORKS = {
    "linear": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 5)), (4, 6)),
    "convolution": (
        lambda: nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.GELU(), nn.Conv2d(6, 4, 3)),
        (2, 3, 9, 9),
    ),
}


def both(build, kind):
    """Adapt two copies of a network, ours and peft's, and give them the same adapters."""
    base = build().double()
    ours = add_adapters(copy.deepcopy(base), ["0", "2"], rank=RANK, alpha=ALPHA, kind=kind)
    settings = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["0", "2"], use_dora=kind == "dora")
    theirs = peft.get_peft_model(copy.deepcopy(base), settings).double()
    pairs = []
    for index in ("0", "2"):
        mine, other = ours.get_submodule(index), theirs.base_model.model.get_submodule(index)
        pairs += [(mine.A, other.lora_A["default"].weight), (mine.B, other.lora_B["default"].weight)]
        if kind == "dora":
            pairs.append((mine.magnitude, other.lora_magnitude_vector["default"].weight))
    with torch.no_grad():
        for mine, other in pairs:
            mine.add_(0.3 * torch.randn_like(mine))
            other.copy_(mine.reshape(other.shape))
    return ours, theirs, pairs


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_gradients_and_merged_layers_are_those_of_peft(figures, name, kind):
    build, shape = NETWORKS[name]
    ours, theirs, pairs = both(build, kind)
    x = torch.randn(*shape, dtype=torch.float64)
    mine, other = ours(x), theirs(x)
    mine.square().sum().backward()
    other.square().sum().backward()
    counted = tuple(sum(p.numel() for p in each.parameters()) for each in (ours, theirs))
    gradient = max((m.grad.reshape(o.shape) - o.grad).abs().max().item() for m, o in pairs)
    merged = merge_adapters(copy.deepcopy(ours))(x) - theirs.merge_and_unload()(x)
    figures.add(
        "lora",
        f"peft {'DoRA' if kind == 'dora' else 'LoRA'} ({name})",
        output=max((mine - other).abs().max().item(), merged.abs().max().item()),
        gradient=gradient,
        parameters=counted,
    )
