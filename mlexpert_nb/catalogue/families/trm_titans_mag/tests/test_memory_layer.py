"""The memory layer: projections, convolution, gates, both depths, and what it carries through a stream."""

import pytest
import torch
from references import memory_loop, mlp_memory_autograd, random_ids, small_model
from torch.nn import functional as F

from model import functional
from model.titans_mag import LongTermMemory, MemoryShape


def layer(noise=0.4, **changes):
    sizes = {"dim": 8, "num_heads": 2, "head_dim": 3, "chunk": 4, "theta_max": 0.7, "conv_kernel": 3}
    module = LongTermMemory(MemoryShape(**{**sizes, **changes})).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
        module.gates.bias.view(3, -1)[0] += 5 * noise  # forget something, or the test could not see it
    return module


def prepared(module, x_BTd):
    """Compute queries, keys, values (B, H, T, D) and the three gates (B, H, T) as the paper writes them."""
    shape, (B, T, _) = module.shape, x_BTd.shape
    raw = x_BTd @ module.qkv.weight.T
    mixed = torch.zeros_like(raw)
    for tap in range(shape.conv_kernel):
        back = shape.conv_kernel - 1 - tap
        mixed += F.pad(raw, (0, 0, back, 0))[:, :T] * module.conv[:, 0, 0, tap]
    split = [part.reshape(B, T, shape.num_heads, -1).transpose(1, 2) for part in F.silu(mixed).chunk(3, -1)]
    q, k = (each / each.norm(dim=-1, keepdim=True) for each in split[:2])
    a, h, r = (x_BTd @ module.gates.weight.T + module.gates.bias).transpose(1, 2).chunk(3, 1)
    return q, k, split[2], a.sigmoid(), h.sigmoid(), shape.theta_max * r.sigmoid()


def joined(module, o_BHTD):
    return module.out(o_BHTD.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("tokens", [1, 4, 11])
@pytest.mark.parametrize("changes", [{}, {"conv_kernel": 1}, {"head_dim": 4}, {"chunk": 64}], ids=str)
def test_the_matrix_memory_equals_its_equations(changes, tokens):
    module, x = layer(**changes), torch.randn(2, tokens, 8, dtype=torch.float64)
    start = module.initial[0].expand(2, -1, -1, -1)
    expected = memory_loop(*prepared(module, x), start, torch.zeros_like(start))
    out, state = module(x)
    torch.testing.assert_close(out, joined(module, expected[0]))
    torch.testing.assert_close(
        (state.memory.weights[0], state.memory.momenta[0]), tuple(each.flatten(0, 1) for each in expected[1:])
    )


@pytest.mark.parametrize("tokens", [1, 3, 4, 10])
@pytest.mark.parametrize("chunk", [1, 4, 64])
def test_the_two_layer_memory_equals_autograd_at_the_chunk_start(chunk, tokens):
    module, x = layer(depth=2, chunk=chunk), torch.randn(2, tokens, 8, dtype=torch.float64)
    inputs = prepared(module, x)
    expected = torch.empty_like(inputs[0])
    for b in range(2):
        for h in range(2):
            weights = [w[h].detach().T for w in module.initial]
            expected[b, h] = mlp_memory_autograd([each[b, h].detach() for each in inputs], weights, chunk)
    torch.testing.assert_close(module(x)[0], joined(module, expected))


@pytest.mark.parametrize("changes", [{}, {"depth": 2}, {"is_exact": False}, {"conv_kernel": 1}], ids=str)
@pytest.mark.parametrize("split", [(1,) * 11, (3, 1, 7), (4, 4, 3), (5, 6), (9, 2)])
def test_a_stream_may_stop_anywhere_even_inside_a_chunk(changes, split):
    module, x = layer(**changes), torch.randn(2, 11, 8, dtype=torch.float64)
    state, pieces = None, []
    for piece in x.split(list(split), 1):
        out, state = module(piece, state)
        pieces.append(out)
    whole, last = module(x)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    torch.testing.assert_close(state.memory[:2], last.memory[:2])


@torch.no_grad()
def test_the_chunk_changes_the_network_only_where_gradients_are_frozen():
    ids = random_ids(2, 12)
    for frozen in ({"mem_exact": False}, {"mem_depth": 2}):
        by_chunk = logits_by_chunk(ids, **frozen)
        assert (by_chunk[0] - by_chunk[1]).abs().max() > 1e-6
        assert (by_chunk[1] - by_chunk[2]).abs().max() > 1e-6
    exact = logits_by_chunk(ids)
    torch.testing.assert_close(exact[0], exact[1])
    torch.testing.assert_close(exact[0], exact[2])
    torch.testing.assert_close(exact[0], logits_by_chunk(ids, mem_exact=False)[0])  # a chunk of one is exact


def logits_by_chunk(ids, **changes):
    logits = []
    for chunk in (1, 4, 12):
        torch.manual_seed(1)
        logits.append(functional.logits(small_model(mem_chunk=chunk, **changes), ids))
    return logits


def test_the_stream_keeps_the_last_inputs_of_the_convolution_only():
    module, x = layer(conv_kernel=4), torch.randn(2, 9, 8, dtype=torch.float64)
    _, state = module(x)
    torch.testing.assert_close(state.tail_BKC, (x @ module.qkv.weight.T)[:, -3:])


@pytest.mark.parametrize("depth", [1, 2])
def test_gradients_reach_every_weight_of_the_memory(depth):
    module, x = layer(depth=depth), torch.randn(2, 9, 8, dtype=torch.float64)
    module(x)[0].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in module.parameters())


def test_a_fresh_memory_forgets_little_keeps_half_its_momentum_and_learns_at_half_its_limit():
    module, x = LongTermMemory(MemoryShape(dim=8, num_heads=2, head_dim=4)).double(), torch.zeros(1, 1, 8).double()
    alpha, eta, theta = prepared(module, x + 1e-9)[3:]
    assert alpha.mean().item() == pytest.approx(0.0025, rel=0.02)
    assert eta.mean().item() == pytest.approx(0.5)
    assert theta.mean().item() == pytest.approx(module.shape.theta_max / 2)


def test_a_fresh_matrix_is_empty_and_a_fresh_network_is_not():
    matrix, network = layer(noise=0).initial, layer(noise=0, depth=2).initial
    assert [w.abs().sum().item() for w in matrix] == [0]
    assert len(network) == 2
    assert all(0.3 < w.std().item() * w.shape[1] ** 0.5 < 3 for w in network)


def test_a_fresh_convolution_lets_the_token_itself_through():
    taps = LongTermMemory(MemoryShape(dim=64, num_heads=4, head_dim=16, conv_kernel=4)).conv[:, 0, 0]
    assert taps[:, -1].mean().item() == pytest.approx(1, abs=0.01)
    assert taps[:, :-1].abs().max() < 0.1
    assert taps.std(0).min() > 0.01


def test_the_learning_rate_of_a_fresh_two_layer_memory_does_not_blow_it_up():
    module = LongTermMemory(MemoryShape(dim=8, num_heads=2, head_dim=4, depth=2, chunk=16)).double()
    x = torch.randn(1, 1, 8, dtype=torch.float64).expand(1, 300, 8)
    assert module(x)[0].abs().max() < 10
