"""The attention layer: rotary positions, grouped heads, persistent slots, and what it remembers of a stream."""

import pytest
import torch
from references import dense_attention, rotate

from model.titans_mag import AttentionShape, SlidingWindowAttention
from model.titans_mag import rotate as fast_rotate


def layer(**changes):
    sizes = {"dim": 16, "num_heads": 4, "num_kv_heads": 2, "window": 3, "num_persist": 2, "rope_theta": 100.0}
    return SlidingWindowAttention(AttentionShape(**{**sizes, **changes})).double()


def written_out(module, x_BTd, *, start=0):
    """Compute the layer from its weights with the slow references."""
    shape = module.shape
    D, H, G = module.head_dim, shape.num_heads, shape.num_kv_heads
    q_rows, k_rows, v_rows = module.qkv.weight.split([H * D, G * D, G * D])
    q, k, v = (
        (x_BTd @ rows.T).view(*x_BTd.shape[:2], heads, D).transpose(1, 2)
        for rows, heads in ((q_rows, H), (k_rows, G), (v_rows, G))
    )
    q, k = rotate(q, shape.rope_theta, start), rotate(k, shape.rope_theta, start)
    o_BHTD = dense_attention(q, k, v, shape.window, module.persistent_kv)
    return o_BHTD.transpose(1, 2).reshape(x_BTd.shape)


@pytest.mark.parametrize("tokens", [1, 7, 90])
@pytest.mark.parametrize("changes", [{}, {"num_persist": 0}, {"num_kv_heads": 4}, {"window": 40}], ids=str)
def test_the_layer_equals_its_equations(changes, tokens):
    module, x = layer(**changes), torch.randn(2, tokens, 16, dtype=torch.float64)
    torch.testing.assert_close(module(x)[0], written_out(module, x))


def test_the_rotation_equals_its_formula():
    x = torch.randn(2, 3, 9, 6, dtype=torch.float64)
    torch.testing.assert_close(fast_rotate(x, torch.arange(5, 14), 10000.0), rotate(x, 10000.0, 5))


def test_rotated_products_depend_on_the_distance_only():
    q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)
    at = [torch.tensor([position]) for position in (0, 3, 50)]
    products = [(fast_rotate(q, t + 4, 100.0) * fast_rotate(k, t, 100.0)).sum() for t in at]
    torch.testing.assert_close(torch.stack(products), products[0].expand(3))
    assert abs(float(products[0] - (q * k).sum())) > 1e-3


@pytest.mark.parametrize("tokens", [6, 100])
def test_every_query_sees_every_persistent_slot(tokens):
    module, x = layer(), torch.randn(1, tokens, 16, dtype=torch.float64)
    before = module(x)[0]
    for slot in range(2):
        changed = layer()
        changed.load_state_dict(module.state_dict())
        with torch.no_grad():
            changed.persistent_kv[1, :, slot] += 1
        assert (changed(x)[0] - before).abs().amax(-1).min() > 1e-4


@pytest.mark.parametrize("split", [(2, 5, 1, 4), (1,) * 12, (12,), (100, 80, 20)])
def test_a_stream_continues_at_the_right_position_with_the_right_keys(split):
    module, x = layer(), torch.randn(2, sum(split), 16, dtype=torch.float64)
    state, pieces = None, []
    for piece in x.split(list(split), 1):
        out, state = module(piece, state)
        pieces.append(out)
    torch.testing.assert_close(torch.cat(pieces, 1), module(x)[0])
    assert state.position == sum(split)


@pytest.mark.parametrize(("window", "kept"), [(1, 0), (3, 2), (8, 7), (40, 12)])
def test_a_stream_remembers_one_key_less_than_the_window(window, kept):
    _, state = layer(window=window)(torch.randn(2, 12, 16, dtype=torch.float64))
    assert state.k_BGPD.shape == state.v_BGPD.shape == (2, 2, kept, 4)


def test_the_layer_has_no_output_projection_and_no_bias():
    names = {name: tuple(p.shape) for name, p in layer().named_parameters()}
    assert names == {"qkv.weight": (32, 16), "persistent_kv": (2, 2, 2, 4)}
