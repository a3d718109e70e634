"""The delta rule in chunks against the recursion of the paper, token by token."""

import pytest
import torch
from networks import options
from torch.nn import functional as F

from model import ModelConfig
from model.delta_rule import DeltaRule, delta_rule


def recursion(*writes):
    """Write, then read, one token after the other."""
    q, k, v, log_keep, write, S = writes
    read = []
    for t in range(q.shape[2]):
        S = S * log_keep[:, :, t, None, None].exp()
        error = v[:, :, t] - torch.einsum("bhk,bhkv->bhv", k[:, :, t], S)
        S = S + torch.einsum("bhk,bhv->bhkv", k[:, :, t], write[:, :, t, None] * error)
        read.append(torch.einsum("bhk,bhkv->bhv", q[:, :, t], S) / q.shape[-1] ** 0.5)
    return torch.stack(read, 2), S


def drawn(length, batch=2, heads=3, size=4):
    q, k, v = torch.randn(3, batch, heads, length, size, dtype=torch.float64).unbind()
    log_keep, write = (-2 * torch.rand(2, batch, heads, length, dtype=torch.float64)).unbind()
    S = torch.randn(batch, heads, size, size, dtype=torch.float64)
    return F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, log_keep, -write / 2, S


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 130])
def test_a_chunk_at_a_time_gives_what_the_recursion_gives(length):
    *writes, S = (each.detach().requires_grad_() for each in drawn(length))
    for start in (S, torch.zeros_like(S)):
        o, after = delta_rule(*writes, start if start is S else None)
        expected, expected_after = recursion(*writes, start)
        torch.testing.assert_close(o, expected)
        torch.testing.assert_close(after, expected_after)
    ours, theirs = (
        torch.autograd.grad(sum(each.square().sum() for each in rule(*writes, S)), (*writes, S))
        for rule in (delta_rule, recursion)
    )
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


def test_a_memory_that_is_written_once_recalls_and_one_that_forgets_does_not():
    k = F.normalize(torch.randn(1, 1, 2, 8, dtype=torch.float64), dim=-1)
    v, ones = torch.randn(1, 1, 2, 8, dtype=torch.float64), torch.ones(1, 1, 2, dtype=torch.float64)
    o, _ = delta_rule(k, k, v, 0 * ones, ones)
    torch.testing.assert_close(o * 8**0.5, v)
    kept, _ = delta_rule(k[:, :, [0, 0]], k[:, :, [0, 0]], v, 0 * ones, ones * torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(kept[:, :, 1] * 8**0.5, v[:, :, 0])
    lost, _ = delta_rule(k[:, :, [0, 0]], k[:, :, [0, 0]], v, -50 * ones, ones * torch.tensor([1.0, 0.0]))
    assert lost[:, :, 1].abs().max() < 1e-9


@torch.no_grad()
def test_the_layer_is_convolution_gates_rule_and_gated_norm():
    layer = DeltaRule(ModelConfig(**options(attention="linear", position="none"))).double()
    for parameter in layer.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    x = torch.randn(2, 9, 16, dtype=torch.float64)
    rows = x @ layer.qkv.weight.T
    mixed = torch.zeros_like(rows)
    for t in range(9):
        for tap in range(4):
            if t - 3 + tap >= 0:
                mixed[:, t] += layer.conv[:, 0, tap] * rows[:, t - 3 + tap]
    mixed = mixed * mixed.sigmoid()
    q, k, v = (each.unflatten(-1, (4, 4)).transpose(1, 2) for each in mixed.chunk(3, -1))
    q, k = (each / each.norm(dim=-1, keepdim=True) for each in (q, k))
    rate, write = ((x @ layer.gates.weight.T)[..., part].transpose(1, 2) for part in (slice(0, 4), slice(4, 8)))
    log_keep = -layer.log_rate.exp()[:, None] * (1 + (rate + layer.rate_bias[:, None]).exp()).log()
    o, _ = recursion(q, k, v, log_keep, write.sigmoid(), torch.zeros(2, 4, 4, 4, dtype=torch.float64))
    o = o.transpose(1, 2)
    o = o / (o.square().mean(-1, keepdim=True) + 1e-6).sqrt() * layer.norm.weight
    gate = (x @ layer.out_gate.weight.T).unflatten(-1, (4, 4))
    expected = (o * gate * gate.sigmoid()).flatten(2) @ layer.out.weight.T
    torch.testing.assert_close(layer(x, 0, None)[0], expected)


def test_a_new_layer_forgets_slowly_and_writes_half():
    layer = DeltaRule(ModelConfig(**options(attention="linear", position="none")))
    keep = (-layer.log_rate.exp() * F.softplus(layer.rate_bias)).exp()
    assert keep.min() > 0.9
    assert layer.conv.std().item() == pytest.approx(0.5, abs=0.1)
