"""Small deliveries whose tests are worth much, little or nothing."""

from collections.abc import Mapping

NETWORK = '''"""A pre-norm attention layer with a key mask."""

import math

import torch
from torch import Tensor, nn


class Layer(nn.Module):
    """One layer, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, dim: int = 6) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Attend to what the mask shows."""
        q_BTD, k_BTD, v_BTD = self.qkv(self.norm(x_BTD)).chunk(3, -1)
        score_BTT = q_BTD @ k_BTD.mT / math.sqrt(q_BTD.shape[-1])
        share_BTT = score_BTT.masked_fill(~mask_BT[:, None], -math.inf).softmax(-1)
        return x_BTD + self.dropout(share_BTT @ v_BTD)


def pooled(x_BTD: Tensor) -> Tensor:
    """Give the mean over time."""
    return x_BTD.mean(1)
'''
STRONG = '''"""The layer equals its formula, and its dropout acts in training alone."""

import torch
from model import Layer, pooled


def layer():
    torch.manual_seed(0)
    made = Layer().double().eval()
    torch.nn.init.normal_(made.norm.weight)
    return made


def inputs():
    torch.manual_seed(1)
    return torch.randn(2, 4, 6, dtype=torch.float64), torch.tensor([[1, 1, 0, 1], [1, 1, 1, 0]]).bool()


def formula(made, x_BTD, mask_BT):
    out = x_BTD.clone()
    for b in range(2):
        q, k, v = made.qkv(made.norm(x_BTD[b])).split(6, -1)
        for t in range(4):
            e = torch.stack([(q[t] @ k[s] / 6**0.5).exp() * mask_BT[b, s] for s in range(4)])
            out[b, t] += sum(e[s] * v[s] for s in range(4)) / sum(e)
    return out


def test_it_equals_its_formula():
    made, (x, mask) = layer(), inputs()
    torch.testing.assert_close(made(x, mask), formula(made, x, mask))


def test_every_parameter_learns():
    made, (x, mask) = layer(), inputs()
    pooled(made(x, mask)).square().sum().backward()
    assert all(each.grad.abs().sum() > 0 for each in made.parameters())


def test_dropout_acts_in_training_alone():
    made, (x, mask) = layer(), inputs()
    assert torch.equal(made(x, mask), made(x, mask))
    assert not torch.equal(made.train()(x, mask), made(x, mask))


def test_pooling_takes_the_mean_over_time():
    x, _ = inputs()
    torch.testing.assert_close(pooled(x), (x[:, 0] + x[:, 1] + x[:, 2] + x[:, 3]) / 4)
'''
WEAK = '''"""Shapes alone."""

import torch
from model import Layer, pooled


def test_the_shape_stays():
    out = Layer()(torch.zeros(2, 4, 6), torch.ones(2, 4).bool())
    assert out.shape == (2, 4, 6)
    assert pooled(out).shape == (2, 6)
'''
PLAIN = '''"""Functions that need no torch."""


def newest(values, count):
    """Give the last `count`."""
    return values[len(values) - count :]


def ends(values):
    """Give the first and the last."""
    return values[0], values[-1]


def total(values, count):
    """Add the first `count`."""
    result = 0
    for place in range(count):
        result += values[place]
    return result


def larger(left, right):
    """Give the larger one."""
    return left if left > right else right
'''
COUNTDOWN = '''"""Counts down; with one fault it never ends."""


def settled(number):
    """Count down to zero."""
    while number:
        number = number if number < 1 else number - 1
    return number
'''
PLAIN_TESTS = '''"""They do what they say."""

from model import ends, larger, newest, total


def test_the_newest_are_the_last():
    assert newest([1, 2, 3], 2) == [2, 3]


def test_the_ends_are_the_first_and_the_last():
    assert ends([1, 2, 3]) == (1, 3)


def test_a_total_adds_up():
    assert total([1, 2, 3], 2) == 3


def test_the_larger_one_is_given():
    assert larger(1, 2) == 2
'''


def network(tests: str) -> Mapping[str, str]:
    """Give the files of the attention layer with these tests."""
    return {"src/model/__init__.py": NETWORK, "tests/test_layer.py": tests}


def plain(tests: str = PLAIN_TESTS, **more: str) -> Mapping[str, str]:
    """Give the files of the plain functions with these tests."""
    return {"src/model/__init__.py": PLAIN, "tests/test_plain.py": tests, **more}
