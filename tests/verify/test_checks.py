"""Every check of a network, on one without a fault and on one with a planted fault that it must catch.

Shapes: B batch, T time, D width, V vocabulary.
"""

import dataclasses
import random

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mlexpert_nb.verify import MODEL_CHECKS, JudgeSpec
from mlexpert_nb.verify.checks import CHECKS, TokenModel, longest_context

V, D = 23, 24
FIX = {
    "parameter_count": "change the width",
    "forward_backward": "divide by no length",
    "gradients": "nn.ModuleList",
    "causality": "is_causal=True",
    "batch_independence": "LayerNorm",
    "determinism": "training mode only",
    "state_dict": "register_buffer",
    "overfit": "depend on the tokens",
    "latency": "keep a state between tokens",
    "memory": "checkpoint",
}


class Good(nn.Module):
    """Smallest network that uses its context: a GRU language model."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.gru, self.head = nn.Embedding(V, D), nn.GRU(D, D, batch_first=True), nn.Linear(D, V)

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return self.gru(self.embed(ids_BT))[0]

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits."""
        return self.head(self._inside(ids_BT))


class Leaky(Good):
    """Pools over all positions, behind a gate that is closed at first."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(D))

    def _inside(self, ids_BT: Tensor) -> Tensor:
        x_BTD = super()._inside(ids_BT)
        return x_BTD + self.gate * x_BTD.mean(1, keepdim=True)


class PeeksOneAhead(Good):
    """Adds the next token only at the border of a chunk of 64."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        x_BTD = super()._inside(ids_BT).clone()
        if ids_BT.shape[1] > 64:
            x_BTD[:, 63] += self.embed(ids_BT)[:, 64]
        return x_BTD


class Blind(Good):
    """Gives the same logits whatever the tokens are."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return super()._inside(torch.zeros_like(ids_BT))


class BatchNormed(Good):
    """Normalises over the batch, which shows in training mode only."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(D)

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return self.norm(super()._inside(ids_BT).transpose(1, 2)).transpose(1, 2)


class Averaging(Good):
    """Keeps one state for all rows."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        x_BTD = super()._inside(ids_BT)
        return x_BTD + x_BTD.mean(0, keepdim=True)


class DividesByBatchSize(Good):
    """Scales with the number of rows."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return super()._inside(ids_BT) / len(ids_BT)


class Unused(Good):
    """Has a parameter that the loss never sees."""

    def __init__(self) -> None:
        super().__init__()
        self.halt = nn.Linear(D, 1)


class Frozen(Good):
    """Calls a constant a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.ones(D), requires_grad=False)

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return super()._inside(ids_BT) + self.start


class Detached(Good):
    """Cuts the gradient in the middle."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return super()._inside(ids_BT).detach()


class Hidden(Good):
    """Holds a layer in a list, where neither parameters() nor an optimiser finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(D, D)]

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return self.layers[0](super()._inside(ids_BT))


class Noisy(Good):
    """Adds noise in evaluation mode too."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        x_BTD = super()._inside(ids_BT)
        return x_BTD + 0.01 * torch.randn_like(x_BTD)


class Remembering(Good):
    """Writes its memory into the module."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("memory", torch.zeros(D))

    def _inside(self, ids_BT: Tensor) -> Tensor:
        x_BTD = super()._inside(ids_BT) + self.memory
        self.memory = x_BTD.detach().mean((0, 1))
        return x_BTD


class Unseeded(Good):
    """Starts from random numbers that no seed reaches."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([random.SystemRandom().random() for _ in range(V)]))


class NotSaved(Good):
    """Reads a random tensor that its state_dict does not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("start", torch.randn(D), persistent=False)

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return super()._inside(ids_BT) + self.start


class RefusesItsOwnState(Good):
    """Saves under names that it does not load."""

    def state_dict(self, *args, **kwargs):
        """Rename what is saved."""
        return {f"module.{name}": value for name, value in super().state_dict(*args, **kwargs).items()}


class NoContext(Good):
    """Forgets which token it was: every position gives the same logits, though they can be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(V))

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the same logits everywhere."""
        return (0 * super().forward(ids_BT)) + self.bias


class NotANumber(Good):
    """Divides by the number of earlier tokens."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        return super()._inside(ids_BT) / torch.arange(ids_BT.shape[1])[:, None]


class Overwriting(Good):
    """Writes into the tokens it was handed."""

    def _inside(self, ids_BT: Tensor) -> Tensor:
        x_BTD = super()._inside(ids_BT)
        ids_BT.zero_()
        return x_BTD


class BiggerOnCPU(Good):
    """Has another size when it is only counted."""

    def __init__(self) -> None:
        super().__init__()
        if torch.empty(0).device.type != "meta":
            self.extra = nn.Linear(D, D)


class ReturnsOutput(Good):
    """Returns an object with `.logits`, as transformers does."""

    def forward(self, ids_BT: Tensor):
        """Give the logits in an object."""
        return dataclasses.make_dataclass("Output", ["logits"])(super().forward(ids_BT))


def stream(module: Good, ids_BT: Tensor, state=None):
    x_BTD, after = module.gru(module.embed(ids_BT), state)
    return module.head(x_BTD), after


def forgetful_stream(module: Good, ids_BT: Tensor, state=None):
    return stream(module, ids_BT, None)


def of(build, **fields) -> TokenModel:
    return TokenModel(build, V, **{"context": 128, **fields})


def with_limits(build=Good, **limits) -> TokenModel:
    return of(build, spec=JudgeSpec("test", **limits))


def ignores_labels(module, ids_BT, labels_BT):
    return module(ids_BT).square().mean()


PLANTED = [
    ("parameter_count", with_limits(num_parameters=10_000), "of the target 10,000"),
    ("parameter_count", of(BiggerOnCPU), "when built for real"),
    ("forward_backward", of(NotANumber), "logits of shape (1, 1) are not finite"),
    ("forward_backward", of(Overwriting), "tokens of shape (2, 7) were overwritten"),
    ("gradients", of(Unused), "none at halt.weight, halt.bias"),
    ("gradients", of(Frozen), "none at start"),
    ("gradients", of(Detached), "none at embed.weight"),
    ("gradients", of(Hidden), "2 trained tensors are not in parameters()"),
    ("causality", of(Leaky), "earlier logits moved"),
    ("causality", of(PeeksOneAhead), "earlier logits moved"),
    ("causality", of(Blind), "its own by 0.0e+00"),
    ("batch_independence", of(BatchNormed), "another sequence moved the logits by 0.0e+00, in training mode by"),
    ("batch_independence", of(Averaging), "another sequence moved"),
    ("batch_independence", of(DividesByBatchSize), "being alone moved them by"),
    ("determinism", of(Noisy), "same call again"),
    ("determinism", of(Remembering), "after another call"),
    ("determinism", of(Unseeded), "second network from the same seed"),
    ("state_dict", of(NotSaved), "logits differ by"),
    ("overfit", of(NoContext), "cross entropy"),
    ("overfit", of(Good, loss_fn=ignores_labels), "cross entropy"),
    ("latency", with_limits(latency_ms=1e-3), "ms a pass over 128 tokens"),
    ("latency", of(Good, stream_fn=forgetful_stream), "streamed logits differ from whole ones"),
    ("memory", with_limits(vram_bytes=1000), "estimate, no GPU"),
]


@pytest.mark.parametrize(("name", "model", "words"), PLANTED, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(PLANTED)])
def test_a_planted_fault_is_caught_and_named(name, model, words):
    outcome = CHECKS[name](model)
    assert not outcome.passed
    assert words in outcome.measured
    assert FIX[name] in outcome.fix


@pytest.mark.parametrize("name", CHECKS)
def test_a_network_without_fault_passes(name):
    assert CHECKS[name](of(Good, stream_fn=stream)).passed


@pytest.mark.parametrize("name", CHECKS)
def test_logits_may_come_in_an_object(name):
    assert CHECKS[name](of(ReturnsOutput, context=16)).passed


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_leaves_the_random_state_as_it_was(name):
    torch_before, python_before = torch.get_rng_state(), random.getstate()
    CHECKS[name](of(Good))
    assert torch_before.equal(torch.get_rng_state())
    assert python_before == random.getstate()


def test_every_check_has_a_planted_fault_and_a_name_that_needs_no_torch():
    assert set(CHECKS) - {"invariances"} == {name for name, _, _ in PLANTED}  # that one is about named inputs
    assert ("import", *CHECKS, "planted_models") == MODEL_CHECKS


def test_a_state_that_cannot_be_loaded_raises_what_torch_says():
    with pytest.raises(RuntimeError, match="Missing key"):
        CHECKS["state_dict"](of(RefusesItsOwnState))


def test_the_count_is_within_two_percent_of_the_target():
    count = sum(parameter.numel() for parameter in Good().parameters())
    assert CHECKS["parameter_count"](with_limits(num_parameters=round(count * 1.02))).passed
    assert not CHECKS["parameter_count"](with_limits(num_parameters=round(count * 1.03))).passed
    assert CHECKS["parameter_count"](of(Good)).figures["parameters"] == count


def test_tied_weights_are_counted_once():
    class Tied(Good):
        def __init__(self) -> None:
            super().__init__()
            self.head.weight = self.embed.weight

    figures = CHECKS["parameter_count"](of(Tied)).figures
    assert sum(figures["parts"].values()) == figures["parameters"]
    assert figures["parameters"] == V * D + 2 * 3 * D * (D + 1) + V


def test_streaming_is_timed_a_token_and_the_figures_say_how():
    figures = CHECKS["latency"](of(Good, stream_fn=stream)).figures["latency"]
    assert figures["token_ms"]["samples"] >= 40
    assert figures["token_ms"]["p50"] <= figures["token_ms"]["p95"]
    assert figures["context"] == 128
    assert figures["threads"] == torch.get_num_threads()


def test_memory_is_the_sum_of_what_a_step_keeps():
    figures = CHECKS["memory"](of(Good)).figures["memory"]
    weights = 4 * sum(parameter.numel() for parameter in Good().parameters())
    assert figures["parts"]["weights"] == figures["parts"]["gradients"] == weights
    assert figures["parts"]["adamw"] == 2 * weights
    assert figures["parts"]["activations"] > 4 * 128 * D
    assert figures["bytes"] == sum(figures["parts"].values())


def test_shared_and_saved_twice_is_counted_once():
    def saves(model_fn):
        return CHECKS["memory"](of(model_fn)).figures["memory"]["parts"]["activations"]

    class Twice(Good):
        def _inside(self, ids_BT: Tensor) -> Tensor:
            x_BTD = super()._inside(ids_BT)
            return x_BTD * x_BTD + x_BTD * x_BTD

    extra = saves(Twice) - saves(Good)
    assert extra <= 2 * 4 * 127 * D  # x once; the product for the head instead of x


def test_the_longest_sequence_is_found_by_trying():
    class Short(Good):
        def _inside(self, ids_BT: Tensor) -> Tensor:
            if ids_BT.shape[1] > 40:
                raise ValueError("at most 40 tokens")
            return super()._inside(ids_BT)

    assert longest_context(of(Good)) == 512
    assert longest_context(of(Short)) == 32


def test_logits_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"model\(ids\) gives \(2, 8, 23\), not logits of shape \(2, 8, 24\)"):
        TokenModel(Good, 24).logits(Good(), torch.zeros(2, 8, dtype=torch.long))


def test_the_loss_of_the_delivery_is_trained_on_but_never_believed():
    def claims_success(module, ids_BT, labels_BT):
        return functional.cross_entropy(module(ids_BT).flatten(0, 1), labels_BT.flatten()) * 0

    assert not CHECKS["overfit"](of(Good, loss_fn=claims_success, context=16)).passed
