"""Planted networks: checks that were bent by the delivered code are found out by networks whose faults are known.

Shapes: B batch, T time, V vocabulary.
"""

from functools import partial

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks import CHECKS, Outcome, TokenModel, seeded

VOCABULARY = 11
CONTEXT = 8


class Planted(nn.Module):
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


FAULTS = ("causality", "batch_independence", "determinism", "gradients")


def planted_models() -> Outcome:
    """Run some checks on networks with a known fault and on one without; each must be told for what it is."""
    wrong = []
    for fault in FAULTS:
        for planted in (fault, ""):
            model = TokenModel(partial(Planted, planted), VOCABULARY, context=CONTEXT)
            with seeded(0):
                passed = CHECKS[fault](model).passed
            if passed is bool(planted):
                wrong.append(f"{fault} {'passed a' if passed else 'failed a network without'} fault")
    return Outcome(
        passed=not wrong,
        measured="; ".join(wrong) or f"{len(FAULTS)} planted faults caught, the network without a fault passed",
        limit="every planted fault is caught and the network without a fault passes",
        fix="replace nothing in torch or in the checks",
    )
