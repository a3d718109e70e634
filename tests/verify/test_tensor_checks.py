"""Every check on networks that read any tensors: each kind without a fault, and with a planted one that is caught.

Shapes: B batch, T positions, N nodes, E edges, C channels, D width, K classes.
"""

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mlexpert_nb.verify import MODEL_CHECKS
from mlexpert_nb.verify.checks import CHECKS

from .tensor_networks import (
    GOOD,
    GRAPH,
    MASKED,
    PAIR,
    POOLED,
    Adapted,
    D,
    Graph,
    Masked,
    Members,
    N,
    Pair,
    Pooled,
    Running,
    T,
    cross_entropy,
    of,
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Work as the judge does: small networks on many threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("model", GOOD.values(), ids=GOOD)
def test_a_network_without_fault_passes(model, name):
    outcome = CHECKS[name](model)
    assert outcome.passed, outcome.measured


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_leaves_the_random_state_as_it_was(name):
    torch_before, python_before = torch.get_rng_state(), random.getstate()
    CHECKS[name](MASKED)
    assert torch_before.equal(torch.get_rng_state())
    assert python_before == random.getstate()


class LooksAhead(Running):
    """Sees the next position."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) + super().inside(x_BTC).roll(-1, 1)


class Deaf(Running):
    """Does not read its input."""

    def forward(self, x_BTC: Tensor):
        return super().forward(0 * x_BTC)


class Averaging(Running):
    """Adds the mean over the batch."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) + super().inside(x_BTC).mean(0, keepdim=True)


class AveragesInTraining(Averaging):
    """Mixes its batch while it is trained."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) if self.training else Running.inside(self, x_BTC)


class DividesByBatchSize(Running):
    """Scales with the number of examples."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) / len(x_BTC)


class Positional(Members):
    """Knows where a member stands."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) + torch.arange(T)[:, None]


class LastMember(Pooled):
    """Gives the last member for the whole set."""

    def forward(self, x_BTC: Tensor):
        return self.head(self.inside(x_BTC)[:, -1])


class IgnoresItsMask(Masked):
    """Pools over padding."""

    def forward(self, x_BTC: Tensor, mask_BT: Tensor):
        return super().forward(x_BTC, torch.ones_like(mask_BT))


class SeesNothing(Masked):
    """Reads its mask alone."""

    def forward(self, x_BTC: Tensor, mask_BT: Tensor):
        return super().forward(0 * x_BTC, mask_BT)


class NumbersItsNodes(Graph):
    """Knows the number of a node."""

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        return super().forward(x + torch.arange(N)[:, None], edge_index, edge_weight)


class Unused(Running):
    """Has parameters that the loss never sees."""

    def __init__(self) -> None:
        super().__init__()
        self.halt = nn.Linear(D, 1)


class Hidden(Running):
    """Holds a layer in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(D, D)]

    def inside(self, x_BTC: Tensor) -> Tensor:
        return self.layers[0](super().inside(x_BTC))


class Noisy(Running):
    """Adds noise in evaluation mode too."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) + 0.01 * torch.randn(())


class Remembering(Running):
    """Keeps something of each call."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        y_BTD = super().inside(x_BTC) + getattr(self, "memory", 0)
        self.memory = y_BTD.detach().mean()
        return y_BTD


class NotSaved(Running):
    """Reads a random tensor that its state_dict does not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("start", torch.randn(D), persistent=False)

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) + self.start


class Overwriting(Running):
    """Writes into its input."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        y_BTD = super().inside(x_BTC)
        x_BTC.zero_()
        return y_BTD


class NotANumber(Running):
    """Divides by nothing where there is one example."""

    def inside(self, x_BTC: Tensor) -> Tensor:
        return super().inside(x_BTC) / (len(x_BTC) - 1)


class Aloof(Pair):
    """Trains a number that its outputs do not depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))


def lies(module, inputs, targets):
    return sum(each.square().mean() for each in module.parameters()) + 0 * cross_entropy(module, inputs, targets)


def forgets(module, _inputs, _targets):
    return sum(each.square().mean() for each in module.parameters())


def jumps(module, _inputs, _targets):
    return 1 - module.scale.exp()


PLANTED = [
    ("parameter_count", of(Running, num_parameters=100), "of the target 100"),
    ("forward_backward", of(NotANumber), "outputs of a batch of 1 are not finite"),
    ("forward_backward", of(Overwriting), "the inputs of a batch of 2 were overwritten"),
    ("gradients", of(Unused), "4 of 6 parameters reached; none at halt.weight, halt.bias"),
    ("gradients", of(Hidden), "2 trained tensors are not in parameters()"),
    ("gradients", of(Adapted), "none at embed.weight, embed.bias; 2 of them are frozen, which nobody asked for"),
    ("gradients", of(Running, claims=("frozen",)), "none is frozen, which was claimed"),
    ("causality", of(LooksAhead, claims=("causal:x_BTC",)), "causal:x_BTC: earlier outputs moved by"),
    ("causality", of(Deaf, claims=("causal:x_BTC",)), "later ones by 0.0e+00"),
    ("batch_independence", of(Averaging), "another example moved the outputs by"),
    ("batch_independence", of(AveragesInTraining), "moved the outputs by 0.0e+00, in training mode by"),
    ("batch_independence", of(DividesByBatchSize), "being alone moved them by"),
    (
        "invariances",
        of(Positional, claims=("permutation_equivariant:x_BTC",)),
        "permutation_equivariant:x_BTC: outputs",
    ),
    ("invariances", replace(POOLED, build=LastMember), "permutation_invariant:x_BTC: outputs moved by"),
    ("invariances", replace(MASKED, build=IgnoresItsMask), "padding_invariant:x_BTC:mask_BT: outputs moved by"),
    ("invariances", replace(MASKED, build=SeesNothing), "moved by 0.0e+00, and by 0.0e+00 where they must"),
    ("invariances", replace(GRAPH, build=NumbersItsNodes), "node_equivariant: outputs moved by"),
    ("determinism", of(Noisy), "same call again"),
    ("determinism", of(Remembering), "after another call"),
    ("state_dict", of(NotSaved), "outputs differ by"),
    ("overfit", of(Running, loss=lies), "cross entropy of the labels"),
    ("overfit", of(Running, loss=forgets), "cross entropy of the labels"),
    ("overfit", replace(PAIR, build=Aloof, loss_fn=jumps), "though the outputs did not change"),
    ("latency", of(Running, latency_ms=1e-4), "ms a pass over one example (p50)"),
    ("memory", of(Running, vram_bytes=1000), "for inference (estimate, no GPU: weights, gradients"),
]


@pytest.mark.parametrize(("name", "model", "words"), PLANTED, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(PLANTED)])
def test_a_planted_fault_is_caught_and_named(name, model, words):
    outcome = CHECKS[name](model)
    assert not outcome.passed, outcome.measured
    assert words in outcome.measured
    assert outcome.fix


def test_every_check_has_a_planted_fault_and_a_name_that_needs_no_torch():
    assert set(CHECKS) == {name for name, _, _ in PLANTED}
    assert ("import", *CHECKS, "planted_models") == MODEL_CHECKS


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("causality", "not claimed: this network is not causal by design"),
        ("batch_independence", "not claimed: the examples of a batch may see each other by design"),
        ("invariances", "not claimed: padding and order may matter to this network by design"),
    ],
)
def test_what_is_not_claimed_is_said_and_not_checked(name, words):
    outcome = CHECKS[name](of(Averaging, claims=()))
    assert outcome.passed
    assert outcome.measured == words
