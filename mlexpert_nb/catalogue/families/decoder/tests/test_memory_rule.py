"""The write rule of the long-term memory against the token-by-token recursion (Titans eq. 12 to 16)."""

import pytest
import torch
from references import memory_inputs, memory_loop
from torch.nn import functional as F

from model.titans import ChunkState, Writes, chunk_memory, linear_memory


def writes(*inputs):
    """Give the gates as logarithms; a closed gate stays finite."""
    q, k, v, alpha, eta, theta = inputs
    return Writes(q, k, v, *(gate.clamp_min(1e-26).log() for gate in (1 - alpha, eta)), theta)


def start_state(rows=3, dim=4):
    return torch.randn(2, rows, dim, dim, dtype=torch.float64).unbind()


@pytest.mark.parametrize("chunk", [1, 2, 4, 64])
@pytest.mark.parametrize("tokens", [1, 3, 8, 11])
def test_every_chunk_size_gives_what_the_token_loop_gives(chunk, tokens):
    inputs, (M, S) = memory_inputs(tokens=tokens), start_state()
    torch.testing.assert_close(linear_memory(writes(*inputs), M, S, chunk), memory_loop(inputs, M, S))


@pytest.mark.parametrize("chunk", [3, 16])
def test_gradients_of_inputs_gates_and_state_are_those_of_the_token_loop(chunk):
    leaves = [x.requires_grad_() for x in (*memory_inputs(), *start_state())]
    out = linear_memory(writes(*leaves[:6]), *leaves[6:], chunk), memory_loop(leaves[:6], *leaves[6:])
    weights = [torch.randn_like(x) for x in out[0]]
    fast, slow = (
        torch.autograd.grad(sum((o * w).sum() for o, w in zip(each, weights, strict=True)), leaves) for each in out
    )
    torch.testing.assert_close(fast, slow)


def test_one_write_stores_a_pair_and_a_second_one_to_its_key_replaces_it():
    k = F.normalize(torch.randn(1, 1, 4, dtype=torch.float64), dim=-1).repeat(1, 2, 1)
    v = torch.randn(1, 2, 4, dtype=torch.float64)
    zero, one = torch.zeros(1, 2, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    empty = torch.zeros(1, 4, 4, dtype=torch.float64)
    read, M, _ = linear_memory(writes(k, k, v, zero, zero, one), empty, empty, 8)
    torch.testing.assert_close(read, v)
    torch.testing.assert_close(M, k[:, :1].mT @ v[:, 1:])


@pytest.mark.parametrize("gate", [(1.0, 0.5), (1.0, 0.0), (0.0, 1.0), (0.999999, 1e-6)])
def test_gates_at_their_limits_stay_finite_in_value_and_gradient(gate):
    q, k, v, alpha, eta, theta = memory_inputs(dtype=torch.float32)
    empty = torch.zeros(3, 4, 4)
    leaves = [torch.full_like(alpha, gate[0]).requires_grad_(), torch.full_like(eta, gate[1]).requires_grad_()]
    read, _, _ = linear_memory(writes(q, k, v, *leaves, theta), empty, empty, 4)
    expected, _, _ = memory_loop((q, k, v, *leaves, theta), empty, empty)
    torch.testing.assert_close(read, expected, rtol=1e-4, atol=1e-5)
    assert all(g.isfinite().all() for g in torch.autograd.grad(read.sum(), leaves))


def test_strong_gates_lose_no_accuracy_in_float32():
    q, k, v, _, _, theta = memory_inputs(tokens=128)
    alpha, eta = (torch.sigmoid(3 * torch.randn(3, 128, dtype=torch.float64)) for _ in range(2))
    inputs, empty = (q, k, v, alpha, eta, 0.1 * theta), torch.zeros(3, 4, 4, dtype=torch.float64)
    low, _, _ = linear_memory(Writes(*(x.float() for x in writes(*inputs))), empty.float(), empty.float(), 64)
    torch.testing.assert_close(low.double(), memory_loop(inputs, empty, empty)[0], rtol=0, atol=5e-6)


@pytest.mark.parametrize("split", [(10,), (1,) * 10, (3, 1, 6), (4, 4, 2), (9, 1)])
def test_frozen_gradients_take_every_error_at_the_start_of_the_chunk(split):
    inputs, (M, S) = memory_inputs(tokens=10), start_state()
    state, read = ChunkState((M,), (S,), (M,), 0), []
    for piece in zip(*(each.split(split, 1) for each in writes(*inputs)), strict=True):
        o, state = chunk_memory(Writes(*piece), state, 4)
        read.append(o)
    expected = memory_loop(inputs, M, S, frozen=4)
    torch.testing.assert_close((torch.cat(read, 1), state.weights[0], state.momenta[0]), expected)
    assert state.position == 2
