"""Deliveries that are no language model: a classifier, a graph network and an adapter, judged by their claims."""

import json
import re
import sys
from collections.abc import Mapping

import pytest
import torch
from torch import nn

from mlexpert_nb.errors import UsageError
from mlexpert_nb.verify import JudgeSpec, benchmark, judge, read_result, verify
from mlexpert_nb.verify.checks import CHECKS, TensorModel
from mlexpert_nb.verify.harness.introduce import introduce
from mlexpert_nb.verify.harness.load import load
from mlexpert_nb.workspace import STATE

INIT = '''"""A small network."""

from model.config import ModelConfig
from model.network import Network


def build_model(**config: object) -> Network:
    """Build the network in its delivered configuration, changed where `config` says so."""
    return Network(ModelConfig(**config))


__all__ = ["ModelConfig", "Network", "build_model"]
'''
CONFIG = '''"""Configuration of the network."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network."""

    num_features: int = 6
    num_classes: int = 4
    dim: int = 16
'''
NETWORK = '''"""A classifier: two layers.

Shapes: B batch, F features, K classes.
"""

from torch import Tensor, nn

from model.config import ModelConfig


class Network(nn.Module):
    """Features in, logits out."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed = nn.Linear(config.num_features, config.dim)
        self.head = nn.Linear(config.dim, config.num_classes)

    def forward(self, x_BF: Tensor) -> Tensor:
        """Give the logits of each example."""
        return self.head(self.embed(x_BF).relu())
'''
FUNCTIONAL = '''"""The network as plain functions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.config import ModelConfig

CLAIMS = ("batch_independent",)


def example_batch(config: ModelConfig, batch_size: int, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Draw features and labels."""
    generator = torch.Generator().manual_seed(seed)
    x_BF = torch.randn(batch_size, config.num_features, generator=generator)
    labels_B = torch.randint(config.num_classes, (batch_size,), generator=generator)
    return {"x_BF": x_BF}, {"labels_B": labels_B}


def loss(module: nn.Module, inputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Give the cross entropy of the labels."""
    return F.cross_entropy(module(**inputs), targets["labels_B"])
'''
TESTS = '''"""The network keeps its promises."""

import pytest
import torch
from model import ModelConfig, build_model
from model.functional import example_batch, loss


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_logits_are_those_of_two_layers(batch_size):
    model, (inputs, targets) = build_model(), example_batch(ModelConfig(), batch_size, 0)
    hidden = (inputs["x_BF"] @ model.embed.weight.T + model.embed.bias).clamp(min=0)
    logits = hidden @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(**inputs), logits)
    assert targets["labels_B"].shape == (batch_size,)


def test_the_loss_is_the_mean_surprise():
    model, (inputs, targets) = build_model(), example_batch(ModelConfig(), 4, 0)
    surprise = -model(**inputs).log_softmax(1)[range(4), targets["labels_B"]]
    torch.testing.assert_close(loss(model, inputs, targets), surprise.mean())
'''
INTEGRATION = '''"""The network learns."""

import torch
from model import ModelConfig, build_model
from model.functional import example_batch, loss


def test_a_step_lowers_the_loss():
    torch.manual_seed(0)
    model, (inputs, targets) = build_model(), example_batch(ModelConfig(), 8, 0)
    before = loss(model, inputs, targets)
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.5 * parameter.grad
    assert loss(model, inputs, targets) < before
'''
EXAMPLE = '''"""Trains on the irises, which ship with scikit-learn."""

from sklearn.datasets import load_iris

print(load_iris().data.shape)
'''
FILES: Mapping[str, str] = {
    "README.md": "# A small classifier\n",
    "docs/architecture.md": "# Architecture\n",
    "examples/train.py": EXAMPLE,
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
    "src/model/__init__.py": INIT,
    "src/model/config.py": CONFIG,
    "src/model/functional.py": FUNCTIONAL,
    "src/model/network.py": NETWORK,
    "tests/test_integration_training.py": INTEGRATION,
    "tests/test_network.py": TESTS,
}
GRAPH = '''"""A graph network: each node adds up its neighbours."""

import torch
from torch import nn


class Network(nn.Module):
    """Nodes and edges in, logits of each node out."""

    def __init__(self, config):
        super().__init__()
        self.embed = nn.Linear(config.num_features, config.dim)
        self.head = nn.Linear(config.dim, config.num_classes)

    def forward(self, x, edge_index):
        """Give the logits of each node."""
        y = self.embed(x).tanh()
        return self.head(y + torch.zeros_like(y).index_add(0, edge_index[1], y[edge_index[0]]))
'''
GRAPH_FUNCTIONAL = '''"""The network as plain functions."""

import torch
from torch.nn import functional as F

CLAIMS = ("node_equivariant",)


def example_batch(config, batch_size, seed):
    """Draw a graph."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(7 * batch_size, config.num_features, generator=generator)
    edge_index = torch.randint(7 * batch_size, (2, 30), generator=generator)
    return {"x": x, "edge_index": edge_index}, {"labels": torch.randint(4, (len(x),), generator=generator)}


def loss(module, inputs, targets):
    """Give the cross entropy of the labels."""
    return F.cross_entropy(module(**inputs), targets["labels"])
'''
FROZEN = NETWORK.replace("self.head = ", "self.embed.requires_grad_(requires_grad=False)\n        self.head = ")


@pytest.fixture
def loaded(deliver, monkeypatch):
    """Give a function that loads a delivery as the judge's child does, here, and forgets it afterwards."""

    def forget():
        for name in [each for each in sys.modules if each.partition(".")[0] == "model"]:
            del sys.modules[name]

    def load_one(claims=None, **changes):
        forget()
        monkeypatch.setattr(sys, "path", [*sys.path])
        return introduce(load(deliver(FILES, **changes), JudgeSpec("test", claims=claims)))

    yield load_one
    forget()


def test_a_classifier_passes_the_whole_judgement_and_the_receipt_says_what_was_demanded(deliver):
    root = deliver(FILES)
    verdict = judge(root, JudgeSpec("k", delivered=tuple(FILES), claims=("batch_independent",)), lambda _event: None)
    assert [finding.measured for finding in verdict.findings if not finding.passed] == []
    found = {finding.check: finding for finding in verdict.findings}
    assert found["import"].measured == "imports; x_BF (2, 6) -> output (2, 4); demanded: batch_independent"
    assert "not causal by design" in found["causality"].measured
    assert "cross entropy of the labels" in found["overfit"].measured
    assert "examples/ may import numpy and sklearn" in found["dependencies"].limit
    assert " per example p50, " in read_result(root).performance_metrics.inference_time
    (request,) = (json.loads(line) for line in (root / STATE / "receipt.jsonl").read_text().splitlines()[:1])
    assert request["claims"] == ["batch_independent"]
    assert verify(root, verdict.receipt).passed


AVERAGING = NETWORK.replace("self.embed(x_BF)", "(self.embed(x_BF) + self.embed(x_BF).mean(0))")


def test_what_a_delivery_claims_by_itself_is_checked_and_named(deliver):
    root = deliver(FILES, **{"src/model/network.py": AVERAGING})
    first, second = benchmark(root, ["import", "batch_independence"], lambda _event: None)
    assert first.measured.endswith("; its own claims, nobody demanded them: batch_independent")
    assert not second.passed


@pytest.mark.parametrize("demanded", [None, (), ("batch_independent",)])
def test_a_demand_holds_whatever_the_delivery_claims(loaded, demanded):
    functional = FUNCTIONAL.replace('("batch_independent",)', "()")
    model, said = loaded(demanded, **{"src/model/network.py": AVERAGING, "src/model/functional.py": functional})
    assert CHECKS["batch_independence"](model).passed is not bool(demanded)
    assert said.endswith("demanded: batch_independent" if demanded else "; claims nothing, and nothing was demanded")


@pytest.mark.parametrize(("rows", "passes"), [("edge_index[1]", True), ("edge_index[1] // 2", False)])
def test_a_graph_network_follows_its_nodes(loaded, rows, passes):
    network = GRAPH.replace("0, edge_index[1]", f"0, {rows}")
    changes = {"src/model/network.py": network, "src/model/functional.py": GRAPH_FUNCTIONAL}
    model, said = loaded(("node_equivariant",), **changes)
    assert said.startswith("x (14, 6), edge_index (2, 30) -> output (14, 4)")
    assert CHECKS["invariances"](model).passed is passes
    assert CHECKS["gradients"](model).passed


@pytest.mark.parametrize(
    ("own", "demanded", "passes", "words"),
    [
        ("frozen", None, True, "2 of 2 parameters reached; 2 more are frozen, as claimed"),
        ("frozen", ("frozen",), True, "2 more are frozen, as claimed"),
        ("frozen", ("batch_independent",), False, "none at embed.weight, embed.bias; 2 of them are frozen"),
        ("batch_independent", None, False, "none at embed.weight, embed.bias; 2 of them are frozen"),
    ],
)
def test_parameters_are_frozen_only_where_it_is_allowed(loaded, own, demanded, passes, words):
    functional = FUNCTIONAL.replace('("batch_independent",)', f'("{own}",)')
    model, _ = loaded(demanded, **{"src/model/network.py": FROZEN, "src/model/functional.py": functional})
    outcome = CHECKS["gradients"](model)
    assert outcome.passed is passes
    assert words in outcome.measured


@pytest.mark.parametrize(
    ("changes", "claims", "words"),
    [
        ({"src/model/functional.py": FUNCTIONAL.replace("batch_independent", "batch_independence")}, None,
         "no claim named 'batch_independence'; did you mean 'batch_independent'?"),
        ({"src/model/functional.py": FUNCTIONAL.replace('("batch_independent",)', '"causal"')}, None,
         "CLAIMS in src/model/functional.py is 'causal', not a tuple of strings"),
        ({"src/model/functional.py": FUNCTIONAL.replace("batch_independent", "causal:pixels")}, None,
         "the claim 'causal:pixels' is about an input 'pixels'; the inputs are x_BF"),
        ({"src/model/functional.py": FUNCTIONAL.replace("def loss", "def _loss")}, None,
         "src/model/functional.py has no loss(module, inputs, targets)"),
        ({}, ("causal",), "ModelConfig().vocab_size is None, not a number of tokens; a network that reads"),
        ({}, ("padding_invariant:*:*",), "'padding_invariant:*:*' is demanded; put the claim with the names"),
        ({"src/model/functional.py": FUNCTIONAL.replace("example_batch", "batch")}, ("batch_independent",),
         "src/model/functional.py has no example_batch(config, batch_size, seed)"),
        ({"src/model/config.py": CONFIG.replace("dim: int", "vocab_size: int = 9\n    dim: int")},
         ("causal", "permutation_invariant:x_BF"), "'permutation_invariant:x_BF' names an input; a causal network"),
    ],
    ids=["unknown", "no-tuple", "strange-input", "no-loss", "not-causal", "open-name", "no-batch", "nameless"],
)  # fmt: skip
def test_a_delivery_that_lacks_what_it_must_bring_is_told_what(loaded, changes, claims, words):
    with pytest.raises((ValueError, TypeError, UsageError), match=re.escape(words)):
        loaded(claims, **changes)


def batches(fill):
    """Give an example function whose inputs are made by `fill(batch_size, generator)`."""

    def example(batch_size, seed):
        return {"x": fill(batch_size, torch.Generator().manual_seed(seed))}, {}

    return example


@pytest.mark.parametrize(
    ("example", "error", "words"),
    [
        (batches(lambda size, _: torch.rand(size, 6)), ValueError, "gives other tensors for the same seed"),
        (batches(lambda size, _: torch.arange(6.0 * size).view(size, 6)), ValueError, "gives the same tensors for"),
        (batches(lambda size, chance: torch.rand(1, 6, generator=chance).repeat(size, 1)), ValueError,
         "gives the same example in every row"),
        (batches(lambda size, _: [size]), TypeError, "gives 'x' as list, not as a tensor"),
        (lambda size, _: torch.zeros(size), TypeError, r"does not give \(inputs, targets\), two dicts of tensors"),
    ],
    ids=["impure", "constant", "alike-rows", "no-tensor", "no-dicts"],
)  # fmt: skip
def test_an_example_batch_that_is_no_function_of_its_seed_is_refused(example, error, words):
    with pytest.raises(error, match=words):
        introduce(TensorModel(lambda: nn.Linear(6, 2), example, lambda *_: torch.zeros(())))


class Silent(nn.Module):
    """Returns no tensor."""

    def forward(self, x):
        """Give its number of rows."""
        return {"rows": len(x), "more": [None]}


def test_a_network_that_returns_no_tensor_is_refused():
    example = batches(lambda size, chance: torch.rand(size, 6, generator=chance))
    with pytest.raises(ValueError, match=r"model\(\*\*inputs\) gives dict, in which there is no tensor"):
        introduce(TensorModel(Silent, example, lambda *_: torch.zeros(())))
