"""A small delivery: a GRU language model with tests, in the generic contract (no functional.py)."""

from collections.abc import Mapping

INIT = '''"""A small recurrent language model."""

from model.config import ModelConfig
from model.network import TinyLM


def build_model(**config: object) -> TinyLM:
    """Build the network in its delivered configuration, changed where `config` says so."""
    return TinyLM(ModelConfig(**config))


__all__ = ["ModelConfig", "TinyLM", "build_model"]
'''
CONFIG = '''"""Configuration of the language model."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network."""

    vocab_size: int = 23
    dim: int = 24

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be built."""
        if self.dim < 1:
            raise ValueError(f"dim is {self.dim}, must be at least 1")
'''
NETWORK = '''"""GRU language model: reads tokens from left to right.

Shapes: B batch, T time, D width, V vocabulary.
"""

from torch import Tensor, nn

from model.config import ModelConfig


class TinyLM(nn.Module):
    """Embedding, one GRU, a linear head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed = nn.Embedding(config.vocab_size, config.dim)
        self.gru = nn.GRU(config.dim, config.dim, batch_first=True)
        self.head = nn.Linear(config.dim, config.vocab_size)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits of every position."""
        x_BTD, _ = self.gru(self.embed(ids_BT))
        return self.head(x_BTD)
'''
FUNCTIONAL = '''"""What training and generation call."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def loss(model: nn.Module, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
    """Cross entropy of the labels."""
    return functional.cross_entropy(model(ids_BT).flatten(0, 1), labels_BT.flatten())


def stream(model: nn.Module, ids_BT: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Give the logits of new tokens and the state after them."""
    x_BTD, after = model.gru(model.embed(ids_BT), state)
    return model.head(x_BTD), after
'''
TEST_NETWORK = '''"""The network keeps its promises."""

import pytest
import torch
from model import ModelConfig, build_model


@pytest.mark.parametrize("length", [1, 5])
def test_logits_have_one_column_a_token(length):
    assert build_model()(torch.zeros(2, length, dtype=torch.long)).shape == (2, length, 23)


class TestConfig:
    def test_an_impossible_width_is_refused(self):
        with pytest.raises(ValueError, match="at least 1"):
            ModelConfig(dim=0)
'''
TEST_INTEGRATION = '''"""The network learns."""

import torch
from model import build_model


def test_a_step_lowers_the_loss():
    torch.manual_seed(0)
    model, ids = build_model(), torch.arange(20).reshape(2, 10)
    losses = []
    for _ in range(2):
        loss = torch.nn.functional.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():  # an optimizer would load torch's compiler, which takes seconds
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= 0.5 * gradient
        losses.append(loss.item())
    assert losses[1] < losses[0]
'''
FILES: Mapping[str, str] = {
    "README.md": "# A small language model\n",
    "docs/architecture.md": "# Architecture\n",
    "examples/train.py": '"""Trains the model."""\n',
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
    "src/model/__init__.py": INIT,
    "src/model/config.py": CONFIG,
    "src/model/network.py": NETWORK,
    "tests/test_integration_training.py": TEST_INTEGRATION,
    "tests/test_network.py": TEST_NETWORK,
}
