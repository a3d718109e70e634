"""The block: two branches from one normalised input, each normalised, mixed by the gate, around residual paths."""

import pytest
import torch
from references import SMALL, random_ids, small_model, swiglu, unit

from model import functional


def first_block(**changes):
    return small_model(**changes).backbone.blocks[0], torch.randn(2, 9, 16, dtype=torch.float64)


def written_out(block, x, mix):
    u = unit(x) * block.norm_in.weight
    y = unit(block.attention(u)[0]) * block.norm_attention.weight
    m = unit(block.memory(u)[0]) * block.norm_memory.weight
    x = x + mix(y, m) @ block.out.weight.T
    return x + swiglu(unit(x) * block.norm_ff.weight, block.feed_forward)


def test_the_convex_gate_equals_its_equations():
    block, x = first_block()

    def mix(y, m):
        g = torch.sigmoid(torch.cat([y, m], -1) @ block.gate.weight.T + block.gate.bias)
        return g * y + (1 - g) * m

    torch.testing.assert_close(block(x)[0], written_out(block, x, mix))


def test_the_product_gate_equals_its_equation():
    block, x = first_block(gate="product")
    torch.testing.assert_close(block(x)[0], written_out(block, x, lambda y, m: y * torch.sigmoid(m)))


@pytest.mark.parametrize("gate", ["convex", "product"])
@pytest.mark.parametrize("g", [0.0, 0.3, 1.0])
def test_an_override_mixes_by_the_given_number(gate, g):
    model = small_model(gate=gate)
    block, x = model.backbone.blocks[1], torch.randn(2, 9, 16, dtype=torch.float64)
    functional.set_gate(model, g)
    torch.testing.assert_close(block(x)[0], written_out(block, x, lambda y, m: g * y + (1 - g) * m))


@torch.no_grad()
def test_each_setting_of_the_gate_gives_another_network():
    model, ids = small_model(), random_ids(2, 9)
    learned, seen = functional.logits(model, ids), []
    for g in (0.0, 0.5, 1.0):
        functional.set_gate(model, g)
        seen.append(functional.logits(model, ids))
    for a in range(3):
        assert (seen[a] - learned).abs().max() > 1e-3
        assert (seen[a] - seen[a - 1]).abs().max() > 1e-3


@torch.no_grad()
def test_an_override_is_taken_back_by_none():
    model, ids = small_model(), random_ids(2, 9)
    learned = functional.logits(model, ids)
    functional.set_gate(model, 0.3)
    functional.set_gate(model, None)
    assert torch.equal(functional.logits(model, ids), learned)


@pytest.mark.parametrize(("g", "closed", "open_branch"), [(1.0, "memory", "attention"), (0.0, "attention", "memory")])
def test_a_closed_branch_gets_no_gradient_and_the_open_one_does(g, closed, open_branch):
    model = small_model()
    functional.set_gate(model, g)
    functional.logits(model, random_ids(2, 9)).square().sum().backward()
    for block in model.backbone.blocks:
        for p in getattr(block, closed).parameters():
            assert p.grad is None or not p.grad.any()
        assert all(p.grad.abs().sum() > 0 for p in getattr(block, open_branch).parameters())


@torch.no_grad()
def test_the_backbone_scales_the_embedding_and_ends_with_a_norm():
    backbone, ids = small_model(n_layers=2).backbone, random_ids(2, 9)
    x = 4.0 * backbone.embedding.weight[ids]  # sqrt(16)
    for block in backbone.blocks:
        x = block(x)[0]
    torch.testing.assert_close(backbone(ids)[0], unit(x) * backbone.norm.weight)


def test_fresh_embeddings_enter_the_blocks_with_unit_size():
    model = functional.build(**{**SMALL, "vocab_size": 2000, "d_model": 64})
    assert model.backbone.embedding.weight.std().item() * 64**0.5 == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("gate", [-0.1, 1.1])
def test_a_gate_outside_zero_and_one_is_refused(gate):
    with pytest.raises(ValueError, match="gate"):
        functional.set_gate(small_model(), gate)
