"""Each layer against a plain reference.

Shapes: B batch, T time, D width, H heads, K channels of a head.
"""

import math

import pytest
import torch

from model import ModelConfig
from model.layers import Attention, Block, SwiGLU, rope

CONFIG = ModelConfig(vocab_size=17, dim=24, num_heads=3, num_layers=2, hidden_dim=40)


@pytest.fixture
def x_BTD():
    return torch.randn(2, 9, CONFIG.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def make(layer):
    torch.manual_seed(1)
    return layer(CONFIG).double()


def heads(y_BTD):
    """Split a projection into heads, `(B, H, T, K)`."""
    return y_BTD.unflatten(-1, (CONFIG.num_heads, CONFIG.head_dim)).transpose(1, 2)


class TestRope:
    @pytest.fixture
    def x_BHTK(self):
        return torch.randn(2, 3, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def test_the_first_position_is_not_rotated(self, x_BHTK):
        torch.testing.assert_close(rope(x_BHTK, 0, 1e4)[:, :, 0], x_BHTK[:, :, 0])

    def test_lengths_are_kept(self, x_BHTK):
        torch.testing.assert_close(rope(x_BHTK, 5, 1e4).norm(dim=-1), x_BHTK.norm(dim=-1))

    def test_scores_depend_on_the_distance_only(self, x_BHTK):
        near, far = (rope(x_BHTK, start, 1e4) @ rope(x_BHTK, start, 1e4).mT for start in (0, 300))
        torch.testing.assert_close(near, far)

    def test_a_later_start_is_a_later_part(self, x_BHTK):
        torch.testing.assert_close(rope(x_BHTK, 0, 1e4)[:, :, 3:], rope(x_BHTK[:, :, 3:], 3, 1e4))

    def test_a_pair_turns_by_its_angle(self):
        x = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(1, 1, 4, 2)
        angle_T = torch.arange(4, dtype=torch.float64)
        torch.testing.assert_close(rope(x, 0, 1e4)[0, 0], torch.stack([angle_T.cos(), angle_T.sin()], -1))

    def test_low_precision_comes_back_as_it_went_in(self, x_BHTK):
        low = x_BHTK.bfloat16()
        assert rope(low, 1000, 1e4).dtype is torch.bfloat16
        torch.testing.assert_close(rope(low, 1000, 1e4), rope(low.double(), 1000, 1e4).bfloat16(), rtol=0.02, atol=0.02)


class TestAttention:
    def test_it_is_the_softmax_of_the_masked_scores(self, x_BTD):
        layer = make(Attention)
        q, k, v = (heads(part) for part in layer.qkv(x_BTD).chunk(3, -1))
        q, k = rope(q, 0, CONFIG.rope_theta), rope(k, 0, CONFIG.rope_theta)
        future = torch.ones(9, 9, dtype=torch.bool).triu(1)
        weights = (q @ k.mT / math.sqrt(CONFIG.head_dim)).masked_fill(future, -torch.inf).softmax(-1)
        torch.testing.assert_close(layer(x_BTD)[0], layer.out((weights @ v).transpose(1, 2).flatten(2)))

    def test_an_output_has_no_gradient_from_later_tokens_or_other_rows(self, x_BTD):
        x_BTD.requires_grad_()
        (grad_BTD,) = torch.autograd.grad(make(Attention)(x_BTD)[0][0, 4].sum(), x_BTD)
        assert grad_BTD[0, :5].any(-1).all()
        assert not grad_BTD[0, 5:].any()
        assert not grad_BTD[1].any()

    def test_the_cache_holds_every_token_and_is_not_written_to(self, x_BTD):
        layer = make(Attention)
        _, before = layer(x_BTD[:, :5])
        kept = [each.clone() for each in before]
        _, after = layer(x_BTD[:, 5:], before)
        assert after[0].shape == after[1].shape == (2, CONFIG.num_heads, 9, CONFIG.head_dim)
        assert all(torch.equal(now, then) for now, then in zip(before, kept, strict=True))


class TestSwiGLU:
    def test_it_is_the_gated_product(self, x_BTD):
        layer = make(SwiGLU)
        gate_DF, up_DF = layer.gate_up.weight.split(CONFIG.hidden_dim)
        gate, up = x_BTD @ gate_DF.T, x_BTD @ up_DF.T
        torch.testing.assert_close(layer(x_BTD), layer.down(gate * torch.sigmoid(gate) * up))


class TestBlock:
    def test_both_parts_are_added_to_the_stream(self, x_BTD):
        block = make(Block)
        with torch.no_grad():
            block.attention.out.weight.zero_()
            block.feed_forward.down.weight.zero_()
        assert torch.equal(block(x_BTD)[0], x_BTD)

    def test_the_parts_read_a_normalised_stream(self, x_BTD):
        block = make(Block)
        one, seven = (block(scale * x_BTD)[0] - scale * x_BTD for scale in (1, 7))
        assert not torch.allclose(one, seven)  # the second part also sees what the first added
        attention = [block.attention(block.norm_attention(scale * x_BTD))[0] for scale in (1, 7)]
        torch.testing.assert_close(*attention, rtol=1e-4, atol=1e-5)
