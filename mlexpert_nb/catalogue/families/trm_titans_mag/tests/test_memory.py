"""The memory operation of depth 1 against the token-by-token recursion (Titans eq. 12-15)."""

import pytest
import torch
from references import memory_inputs, memory_loop
from torch.nn import functional as F

from model.functional import memory_op


def start_state(batch=2, heads=3, dim=4):
    return torch.randn(2, batch, heads, dim, dim, dtype=torch.float64).unbind()


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 8, 64])
@pytest.mark.parametrize("tokens", [1, 3, 8, 11])
def test_every_chunk_size_equals_the_token_loop(chunk, tokens):
    inputs, (M, S) = memory_inputs(tokens=tokens), start_state()
    torch.testing.assert_close(memory_op(*inputs, M, S, chunk=chunk), memory_loop(*inputs, M, S))


def test_no_start_state_means_an_empty_memory():
    inputs = memory_inputs()
    torch.testing.assert_close(memory_op(*inputs, chunk=4), memory_loop(*inputs))


@pytest.mark.parametrize("cuts", [(1,), (4,), (5, 6), (3, 7, 10), (2, 4, 8)])
def test_a_split_sequence_continues_from_the_returned_state(cuts):
    inputs, (M, S) = memory_inputs(), start_state()
    whole, M_whole, S_whole = memory_op(*inputs, M, S, chunk=4)
    pieces = []
    for a, b in zip((0, *cuts), (*cuts, 11), strict=True):
        piece, M, S = memory_op(*(x[:, :, a:b] for x in inputs), M, S, chunk=4)
        pieces.append(piece)
    torch.testing.assert_close((torch.cat(pieces, 2), M, S), (whole, M_whole, S_whole))


@pytest.mark.parametrize("chunk", [3, 16])
def test_gradients_of_inputs_gates_and_state_equal_the_token_loop(chunk):
    leaves = [x.requires_grad_() for x in (*memory_inputs(), *start_state())]
    weights = [torch.randn_like(x) for x in memory_loop(*leaves)]
    fast, slow = (
        torch.autograd.grad(sum((o * w).sum() for o, w in zip(out, weights, strict=True)), leaves)
        for out in (memory_op(*leaves, chunk=chunk), memory_loop(*leaves))
    )
    torch.testing.assert_close(fast, slow)


def test_the_gradient_passes_a_numerical_check():
    inputs = [x.requires_grad_() for x in memory_inputs(batch=1, heads=1, tokens=3, dim=2)]
    assert torch.autograd.gradcheck(lambda *x: memory_op(*x, chunk=2), inputs)


def test_one_write_stores_a_pair_that_its_key_reads_back():
    k = F.normalize(torch.randn(1, 1, 1, 4, dtype=torch.float64), dim=-1)
    v = torch.randn(1, 1, 1, 4, dtype=torch.float64)
    zero, one = torch.zeros(1, 1, 1, dtype=torch.float64), torch.ones(1, 1, 1, dtype=torch.float64)
    read, M, _ = memory_op(k, k, v, zero, zero, one)
    torch.testing.assert_close(read, v)
    torch.testing.assert_close(M, k.transpose(-1, -2) @ v)


def test_a_token_reads_after_its_own_write_and_not_before():
    _, k, v, alpha, eta, theta = memory_inputs(batch=1, heads=1, tokens=1)
    before = memory_op(k, k, v, alpha, eta, theta)[0]
    after = memory_op(k, k, 2 * v, alpha, eta, theta)[0]
    assert before.abs().max() > 1e-3
    torch.testing.assert_close(after, 2 * before)


def test_the_second_value_written_to_a_key_replaces_the_first():
    k = F.normalize(torch.randn(1, 1, 1, 4, dtype=torch.float64), dim=-1).repeat(1, 1, 2, 1)
    v = torch.randn(1, 1, 2, 4, dtype=torch.float64)
    zero, one = torch.zeros(1, 1, 2, dtype=torch.float64), torch.ones(1, 1, 2, dtype=torch.float64)
    torch.testing.assert_close(memory_op(k, k, v, zero, zero, one)[0], v)


def test_total_forgetting_leaves_only_the_last_write():
    q, k, v, alpha, eta, theta = memory_inputs()
    read, M, _ = memory_op(q, k, v, torch.ones_like(alpha), torch.zeros_like(eta), theta, chunk=4)
    torch.testing.assert_close(
        (read, M), memory_loop(q, k, v, torch.ones_like(alpha), torch.zeros_like(eta), theta)[:2]
    )
    assert torch.linalg.matrix_rank(M).eq(1).all()


def test_without_learning_the_memory_decays_by_the_product_of_what_is_kept():
    q, k, v, alpha, eta, theta = memory_inputs()
    M, _ = start_state()
    read, last, _ = memory_op(q, k, v, alpha, eta, torch.zeros_like(theta), M, chunk=4)
    kept = (1 - alpha).cumprod(-1)
    torch.testing.assert_close(last, kept[..., -1, None, None] * M)
    torch.testing.assert_close(read, kept[..., None] * (q @ M))


def test_without_learning_the_momentum_keeps_moving_the_memory():
    q, k, v, alpha, eta, theta = memory_inputs()
    _, S = start_state()
    _, M, last = memory_op(q, k, v, torch.zeros_like(alpha), eta, torch.zeros_like(theta), None, S, chunk=4)
    torch.testing.assert_close(last, eta.prod(-1)[..., None, None] * S)
    torch.testing.assert_close(M, eta.cumprod(-1).sum(-1)[..., None, None] * S)


def test_momentum_of_zero_is_the_plain_delta_rule():
    q, k, v, _, eta, theta = memory_inputs(batch=1, heads=1)
    zero = torch.zeros_like(eta)
    M = torch.zeros(4, 4, dtype=torch.float64)
    for t in range(11):
        key, value = k[0, 0, t], v[0, 0, t]
        M = M + theta[0, 0, t] * torch.outer(key, value - key @ M)
    torch.testing.assert_close(memory_op(q, k, v, zero, zero, theta, chunk=4)[1][0, 0], M)


def test_five_hundred_repeats_of_one_key_converge_to_its_value():
    k = torch.zeros(1, 1, 500, 4, dtype=torch.float64)
    k[..., 0] = 1
    v = torch.full((1, 1, 500, 4), 3.0, dtype=torch.float64)
    gates = [torch.full((1, 1, 500), g, dtype=torch.float64) for g in (0.0, 0.5, 0.1)]
    read = memory_op(k, k, v, *gates, chunk=64)[0]
    assert read.abs().max() < 6
    torch.testing.assert_close(read[:, :, -1], v[:, :, -1], rtol=0, atol=1e-3)


def test_frozen_gradients_take_every_error_at_the_start_of_the_chunk():
    q, k, v, alpha, eta, theta = memory_inputs(tokens=10)
    M, S = start_state()
    read, chunks = [], [slice(0, 4), slice(4, 8), slice(8, 10)]
    out = memory_op(q, k, v, alpha, eta, theta, M, S, chunk=4, exact=False)
    for part in chunks:
        start = M
        for t in range(part.start, part.stop):
            error = (k[:, :, t, None] @ start)[:, :, 0] - v[:, :, t]
            S = eta[..., t, None, None] * S - theta[..., t, None, None] * k[:, :, t, :, None] * error[:, :, None]
            M = (1 - alpha[..., t, None, None]) * M + S
            read.append((q[:, :, t, None] @ M)[:, :, 0])
    torch.testing.assert_close(out, (torch.stack(read, 2), M, S))


def test_frozen_and_true_gradients_differ_inside_a_chunk_and_agree_for_chunks_of_one():
    inputs = memory_inputs()
    frozen, exact = (memory_op(*inputs, chunk=4, exact=e)[0] for e in (False, True))
    assert (frozen - exact).abs().max() > 1e-3
    torch.testing.assert_close(memory_op(*inputs, chunk=1, exact=False), memory_op(*inputs, chunk=1))


def test_a_read_does_not_depend_on_later_tokens():
    inputs = memory_inputs(tokens=12)
    whole = memory_op(*inputs, chunk=5)[0]
    for t in (1, 4, 5, 6, 10, 11):
        later = [x.clone() for x in inputs]
        for x in later:
            x[:, :, t:] = x[:, :, t:].flip(2) * 0.5
        cut = memory_op(*later, chunk=5)[0]
        torch.testing.assert_close(cut[:, :, :t], whole[:, :, :t], rtol=0, atol=1e-13)
        assert (cut[:, :, t:] - whole[:, :, t:]).abs().max() > 1e-3


def test_heads_and_rows_keep_separate_memories():
    inputs, (M, S) = memory_inputs(), start_state()
    out = memory_op(*inputs, M, S, chunk=4)
    for b in range(2):
        for h in range(3):
            at = (slice(b, b + 1), slice(h, h + 1))
            alone = memory_op(*(x[at] for x in inputs), M[at], S[at], chunk=4)
            torch.testing.assert_close(alone, tuple(x[at] for x in out))


@pytest.mark.parametrize("exact", [True, False])
def test_a_chunk_without_tokens_is_refused(exact):
    with pytest.raises(ValueError, match="chunk=0 must be at least 1"):
        memory_op(*memory_inputs(), chunk=0, exact=exact)


def test_keys_and_queries_are_used_as_given():
    q, k, v, alpha, eta, theta = memory_inputs()
    small = [0.3 * q, 0.7 * k, v, alpha, eta, theta]
    torch.testing.assert_close(memory_op(*small, chunk=4), memory_loop(*small))


def test_the_arguments_are_left_as_they_were():
    inputs = [*memory_inputs(), *start_state()]
    copies = [x.clone() for x in inputs]
    memory_op(*inputs, chunk=4)
    torch.testing.assert_close(inputs, copies, rtol=0, atol=0)


@pytest.mark.parametrize("gate", [(1.0, 0.5), (1.0, 0.0), (0.0, 1.0), (0.999999, 1e-6)])
def test_gates_at_their_limits_stay_finite_in_value_and_gradient(gate):
    q, k, v, alpha, eta, theta = memory_inputs(dtype=torch.float32)
    leaves = [torch.full_like(alpha, gate[0]).requires_grad_(), torch.full_like(eta, gate[1]).requires_grad_()]
    read, _, _ = memory_op(q, k, v, *leaves, theta, chunk=4)
    torch.testing.assert_close(read, memory_loop(q, k, v, *leaves, theta)[0], rtol=1e-4, atol=1e-5)
    assert all(g.isfinite().all() for g in torch.autograd.grad(read.sum(), leaves))


def test_strong_gates_lose_no_accuracy_in_float32():
    q, k, v, _, _, theta = memory_inputs(tokens=128)
    alpha, eta = (torch.sigmoid(3 * torch.randn(2, 3, 128, dtype=torch.float64)) for _ in range(2))
    inputs = (q, k, v, alpha, eta, 0.1 * theta)
    low = memory_op(*(x.float() for x in inputs), chunk=64)[0]
    torch.testing.assert_close(low.double(), memory_loop(*inputs)[0], rtol=0, atol=5e-6)


def test_float64_is_not_rounded_and_bfloat16_is_computed_in_float32():
    inputs = memory_inputs()
    assert memory_op(*inputs)[1].dtype == torch.float64
    half = [x.bfloat16() for x in inputs]
    exact = memory_loop(*(x.float() for x in half))
    for low, high in zip(memory_op(*half, chunk=4), exact, strict=True):
        assert low.dtype in (torch.float32, torch.bfloat16)
        torch.testing.assert_close(low.float(), high, rtol=1e-2, atol=1e-2)
