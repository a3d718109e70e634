"""Attention against its definition, query by query: windows, grouped heads, rotary positions, ALiBi."""

import math

import pytest
import torch
from networks import network, options

from model.attention import Attention, alibi, banded, turn, visible
from model.config import ModelConfig


def angle_turned(x, position, theta):
    """Turn pairs of channels as complex numbers."""
    half = len(x) // 2
    found = x.clone()
    for i in range(half):
        angle = position * theta ** (-2 * i / len(x))
        turned = torch.complex(x[i], x[i + half]) * complex(math.cos(angle), math.sin(angle))
        found[i], found[i + half] = turned.real, turned.imag
    return found


def attended(layer, x, config):
    """Write attention out for one row: each head, each query, each key that it may see."""
    H, G, K = config.num_heads, config.num_kv_heads, config.head_dim
    rows = x @ layer.qkv.weight.T + (0 if layer.qkv.bias is None else layer.qkv.bias)
    out = torch.zeros(len(x), H * K, dtype=x.dtype)
    for h, i in ((h, i) for h in range(H) for i in range(len(x))):
        group = H + h // (H // G)
        first = max(0, i - config.window + 1) if config.window else 0
        scores, values = [], []
        for j in range(first, i + 1):
            q, k = rows[i, h * K : (h + 1) * K], rows[j, group * K : (group + 1) * K]
            if config.position == "rope":
                q, k = angle_turned(q, i, config.rope_theta), angle_turned(k, j, config.rope_theta)
            bias = -(2.0 ** (-8 * (h + 1) / H)) * (i - j) if config.position == "alibi" else 0.0
            scores.append(q @ k / math.sqrt(K) + bias)
            values.append(rows[j, (group + G) * K : (group + G + 1) * K])
        out[i, h * K : (h + 1) * K] = torch.stack(scores).softmax(0) @ torch.stack(values)
    return out @ layer.out.weight.T + (0 if layer.out.bias is None else layer.out.bias)


@pytest.mark.parametrize("window", [0, 1, 3, 5, 30])
@pytest.mark.parametrize("position", ["rope", "alibi", "none"])
@torch.no_grad()
def test_attention_is_its_definition_written_out(position, window):
    keys = {"attention": "sliding", "window": window} if window else {}
    config = ModelConfig(**{**options(position=position, bias=True), **keys})
    layer = Attention(config).double()
    x = torch.randn(1, 12, 16, dtype=torch.float64)
    y, cache = layer(x, 0, None)
    torch.testing.assert_close(y[0], attended(layer, x[0], config))
    assert cache.k.shape == cache.v.shape == (1, 2, min(12, window - 1) if window else 12, 4)


def test_turning_depends_on_the_distance_alone():
    q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64).unbind()

    def score(i, j):
        return (turn(q, i, 100.0) * turn(k, j, 100.0)).sum()

    torch.testing.assert_close(score(7, 4), score(103, 100))
    assert not torch.isclose(score(7, 4), score(7, 5))
    assert turn(q.bfloat16(), 3, 100.0).dtype == torch.bfloat16


def test_what_is_visible_is_the_past_or_a_window_of_it():
    assert visible(2, 4, 0, torch.device("cpu")).tolist() == [[True, True, True, False], [True] * 4]
    assert visible(2, 4, 2, torch.device("cpu")).tolist() == [[False, True, True, False], [False, False, True, True]]


def test_the_slopes_of_alibi_are_those_of_the_paper():
    bias = alibi(8, 3, 3, 0)
    torch.testing.assert_close(bias[:, 2, 1], -torch.tensor([0.5**n for n in range(1, 9)]))
    torch.testing.assert_close(bias[:, 2, 0], 2 * bias[:, 2, 1])
    assert bias[:, 0, 1:].eq(-torch.inf).all()
    assert alibi(2, 3, 3, 2)[:, 2, 0].eq(-torch.inf).all()


@pytest.mark.parametrize(("length", "window"), [(9, 2), (12, 4), (13, 4), (16, 3), (5, 1)])
def test_a_band_gives_what_a_mask_gives(length, window):
    q, k, v = torch.randn(3, 2, 3, length, 4, dtype=torch.float64).unbind()
    mask = visible(length, length, window, q.device)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(banded(q, k, v, window), expected)


@torch.no_grad()
def test_a_token_sees_exactly_as_far_as_the_windows_of_all_blocks_reach():
    model = network(attention="sliding", window=3)
    ids = torch.randint(13, (1, 12))
    changed = ids.clone()
    changed[0, 2] = (changed[0, 2] + 1) % 13
    moved = (model(ids) - model(changed)).abs().amax(-1)[0]
    assert moved[2:7].gt(1e-9).all()
    assert moved[:2].max() < 1e-12
    assert moved[7:].max() < 1e-12
