"""Feed-forward layers against their formulas, and experts against a loop over tokens."""

import pytest
import torch
from networks import options

from model import ModelConfig
from model.feed_forward import GELU, Experts, SwiGLU, balance_loss


def silu(x):
    return x / (1 + (-x).exp())


@torch.no_grad()
def test_swiglu_and_gelu_are_their_formulas():
    config = ModelConfig(**options(bias=True))
    x = torch.randn(2, 5, 16, dtype=torch.float64)
    layer = SwiGLU(config).double()
    h = x @ layer.gate_up.weight.T + layer.gate_up.bias
    expected = (silu(h[..., :20]) * h[..., 20:]) @ layer.out.weight.T + layer.out.bias
    torch.testing.assert_close(layer(x), expected)
    layer = GELU(config).double()
    h = x @ layer.up.weight.T + layer.up.bias
    h = 0.5 * h * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (h + 0.044715 * h**3)))
    torch.testing.assert_close(layer(x), h @ layer.out.weight.T + layer.out.bias)


@pytest.mark.parametrize("top_k", [1, 2, 3])
@torch.no_grad()
def test_a_token_visits_its_best_experts_weighted_by_their_chances(top_k):
    layer = Experts(ModelConfig(**{**options(ffn="moe"), "top_k": top_k})).double()
    layer.gate_up.normal_()
    layer.out.normal_()
    layer.router.weight.normal_()
    x = torch.randn(2, 7, 16, dtype=torch.float64)
    y, logits = layer(x)
    torch.testing.assert_close(logits, x.flatten(0, 1) @ layer.router.weight.T)
    for i, token in enumerate(x.flatten(0, 1)):
        chance = logits[i].softmax(0)
        chosen = chance.argsort(descending=True)[:top_k]
        expected = 0
        for e in chosen:
            h = layer.gate_up[e] @ token
            expected = expected + chance[e] / chance[chosen].sum() * (layer.out[e] @ (silu(h[:20]) * h[20:]))
        torch.testing.assert_close(y.flatten(0, 1)[i], expected)


def test_gradients_reach_the_router_and_only_the_experts_that_were_visited():
    layer = Experts(ModelConfig(**{**options(ffn="moe"), "top_k": 2}))
    layer(torch.randn(1, 1, 16))[0].square().sum().backward()
    assert layer.router.weight.grad.ne(0).any()
    assert layer.gate_up.grad.flatten(1).ne(0).any(1).sum() == 2


def test_the_balance_is_least_where_all_experts_are_used_alike():
    alike = torch.eye(4) * 5
    assert balance_loss([alike], 1).item() == pytest.approx(1.0)
    one = torch.tensor([[5.0, 0, 0, 0]]).repeat(4, 1)
    chance = one.softmax(-1)[0, 0].item()
    assert balance_loss([one], 1).item() == pytest.approx(4 * chance)
    logits = torch.randn(2, 6, 4)
    chance = logits.flatten(0, 1).softmax(-1)
    share = torch.zeros(4)
    for row in chance:
        share[row.argsort(descending=True)[:2]] += 1 / 12
    torch.testing.assert_close(balance_loss(list(logits), 2), 4 * (share * chance.mean(0)).sum())
