"""Planted networks: checks that were bent by the delivered code are found out by networks whose faults are known.

Shapes: B batch, T time or positions, C channels, V vocabulary or classes.
"""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.verify.checks import CHECKS, Network, Outcome, TensorModel, TokenModel, seeded

VOCABULARY = 11
CONTEXT = 8
CHANNELS = 6
CLAIMS = ("batch_independent", "permutation_equivariant:x_BTC")


class PlantedTokens(nn.Module):
    """A running mean over tokens; it may look ahead, mix its batch, be noisy, or hold an unused parameter."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.embed, self.head = nn.Embedding(VOCABULARY, 16), nn.Linear(16, VOCABULARY)
        if fault == "gradients":
            self.unused = nn.Parameter(torch.ones(3))

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits, `(B, T, V)`."""
        x_BTD = self.embed(ids_BT)
        x_BTD = x_BTD + x_BTD.cumsum(1) / 4
        if self.fault == "causality":
            x_BTD = x_BTD + x_BTD.mean(1, keepdim=True)
        if self.fault == "batch_independence":
            x_BTD = x_BTD + x_BTD.mean(0, keepdim=True)
        if self.fault == "determinism":
            x_BTD = x_BTD + torch.rand(())
        logits_BTV: Tensor = self.head(x_BTD)
        return logits_BTV


class PlantedSet(nn.Module):
    """A classifier of the members of a set; it may know their order, mix its batch, be noisy, or be partly dead."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.embed, self.head = nn.Linear(CHANNELS, 16), nn.Linear(16, VOCABULARY)
        if fault == "gradients":
            self.unused = nn.Parameter(torch.ones(3))

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Give the logits of each member, `(B, T, V)`."""
        y_BTD = self.embed(x_BTC).relu()
        y_BTD = y_BTD + y_BTD.mean(1, keepdim=True)
        if self.fault == "invariances":
            y_BTD = y_BTD + torch.arange(y_BTD.shape[1])[:, None]
        if self.fault == "batch_independence":
            y_BTD = y_BTD + y_BTD.mean(0, keepdim=True)
        if self.fault == "determinism":
            y_BTD = y_BTD + torch.rand(())
        logits_BTV: Tensor = self.head(y_BTD)
        return logits_BTV


FAULTS: Mapping[type[nn.Module], tuple[str, ...]] = {
    PlantedTokens: ("causality", "batch_independence", "determinism", "gradients"),
    PlantedSet: ("batch_independence", "invariances", "determinism", "gradients"),
}


def planted_models() -> Outcome:
    """Run some checks on networks with a known fault and on some without; each must be told for what it is."""
    wrong, caught = [], 0
    for kind, faults in FAULTS.items():
        for fault in faults:
            for planted in (fault, ""):
                with seeded(0):
                    passed = CHECKS[fault](_model(kind, planted)).passed
                caught += not passed
                if passed is bool(planted):
                    wrong.append(f"{fault} {'passed a' if passed else 'failed a network without'} fault")
    return Outcome(
        passed=not wrong,
        measured="; ".join(wrong) or f"{caught} planted faults caught, the networks without a fault passed",
        limit="every planted fault is caught and the networks without a fault pass",
        fix="replace nothing in torch or in the checks",
    )


def _model(kind: type[nn.Module], fault: str) -> Network:
    build = partial(kind, fault)
    if kind is PlantedTokens:
        return TokenModel(build, VOCABULARY, context=CONTEXT)
    return TensorModel(build, _example, _loss, claims=CLAIMS)


def _example(batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    x_BTC = torch.randn(batch_size, CONTEXT, CHANNELS, generator=generator)
    return {"x_BTC": x_BTC}, {"labels_BT": torch.randint(VOCABULARY, (batch_size, CONTEXT), generator=generator)}


def _loss(module: nn.Module, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    return F.cross_entropy(module(**inputs).flatten(0, 1), targets["labels_BT"].flatten())
