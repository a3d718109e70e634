"""The window attention operation against a dense mask."""

import pytest
import torch
from references import dense_attention
from torch.nn import functional as F

from model.functional import swa_op


def heads(tokens, batch=2, num_heads=4, groups=2, dim=6):
    q = torch.randn(batch, num_heads, tokens, dim, dtype=torch.float64)
    k, v = torch.randn(2, batch, groups, tokens, dim, dtype=torch.float64)
    return q, k, v


@pytest.mark.parametrize("window", [1, 2, 3, 8, 33, 64, 70])
@pytest.mark.parametrize("tokens", [1, 2, 6, 17, 64, 65, 71, 128, 199])
def test_the_banded_form_equals_a_dense_mask(window, tokens):
    q, k, v = heads(tokens)
    torch.testing.assert_close(swa_op(q, k, v, window), dense_attention(q, k, v, window))


@pytest.mark.parametrize("tokens", [4, 17, 131])
def test_a_window_of_one_returns_each_token_its_own_value(tokens):
    q, k, v = heads(tokens, num_heads=2)
    torch.testing.assert_close(swa_op(q, k, v, 1), v)


@pytest.mark.parametrize("window", [150, 151, 640])
def test_a_window_as_long_as_the_sequence_is_plain_causal_attention(window):
    q, k, v = heads(150, num_heads=2)
    torch.testing.assert_close(swa_op(q, k, v, window), F.scaled_dot_product_attention(q, k, v, is_causal=True))


@pytest.mark.parametrize("tokens", [7, 90])
def test_a_query_sees_exactly_the_last_window_keys_itself_included(tokens):
    window, (q, k, v) = 3, heads(tokens, batch=1, num_heads=1, groups=1)
    v.requires_grad_()
    for i in range(tokens):
        (seen,) = torch.autograd.grad(swa_op(q, k, v, window)[0, 0, i].sum(), v)
        expected = list(range(max(0, i - window + 1), i + 1))
        assert seen.abs().sum((0, 1, 3)).nonzero().flatten().tolist() == expected


@pytest.mark.parametrize("tokens", [5, 100])
def test_shared_key_and_value_heads_equal_repeated_ones(tokens):
    q, k, v = heads(tokens, num_heads=6, groups=2)
    repeated = swa_op(q, k.repeat_interleave(3, 1), v.repeat_interleave(3, 1), 4)
    torch.testing.assert_close(swa_op(q, k, v, 4), repeated)


def test_equal_keys_give_the_mean_of_the_visible_values():
    q, k, v = heads(83, num_heads=2)
    out = swa_op(q, torch.ones_like(k), v, 4)
    for i in range(83):
        torch.testing.assert_close(out[:, :, i], v[:, :, max(0, i - 3) : i + 1].mean(2))


def test_two_scores_are_weighed_by_the_softmax_of_their_scaled_difference():
    q = torch.tensor([[[[0.0] * 4, [2.0, 0.0, 0.0, 0.0]]]], dtype=torch.float64)
    k = torch.tensor([[[[3.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]]], dtype=torch.float64)
    v = torch.tensor([[[[1.0] * 4, [0.0] * 4]]], dtype=torch.float64)
    weight = torch.sigmoid(torch.tensor(2.0, dtype=torch.float64))  # (2*3 - 2*1) / sqrt(4)
    torch.testing.assert_close(swa_op(q, k, v, 2)[0, 0, 1], weight.expand(4))


@pytest.mark.parametrize("tokens", [6, 135])
def test_gradients_equal_those_of_the_dense_mask(tokens):
    inputs = [x.requires_grad_() for x in heads(tokens)]
    weight = torch.randn(2, 4, tokens, 6, dtype=torch.float64)
    fast = torch.autograd.grad((swa_op(*inputs, 4) * weight).sum(), inputs)
    slow = torch.autograd.grad((dense_attention(*inputs, 4) * weight).sum(), inputs)
    torch.testing.assert_close(fast, slow)


@pytest.mark.parametrize("tokens", [5, 77])
def test_batch_rows_do_not_see_each_other(tokens):
    q, k, v = heads(tokens, batch=3)
    rows = [swa_op(q[b : b + 1], k[b : b + 1], v[b : b + 1], 3) for b in range(3)]
    torch.testing.assert_close(swa_op(q, k, v, 3), torch.cat(rows))


def test_a_window_without_the_query_itself_is_refused():
    with pytest.raises(ValueError, match="window=0 must be at least 1"):
        swa_op(*heads(5), 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_result_keeps_the_dtype_and_stays_close_to_float64(dtype):
    q, k, v = heads(121)
    low = swa_op(q.to(dtype), k.to(dtype), v.to(dtype), 5)
    assert low.dtype == dtype
    torch.testing.assert_close(low.double(), swa_op(q, k, v, 5), rtol=0.05, atol=0.05)
