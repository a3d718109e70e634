"""The network against the paper's equations, and what follows from them."""

import pytest
import torch
from references import SMALL, affine, encoded, layer_norm, logits, random_ids, small_model

from model import build_model
from model.bert import Attention

VARIANTS = [{}, {"num_attention_heads": 1}, {"num_hidden_layers": 1}, {"type_vocab_size": 3}, {"layer_norm_eps": 0.1}]


def close(left, right, atol=1e-11):
    torch.testing.assert_close(left, right, rtol=0, atol=atol)


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_logits_are_those_of_the_equations(changes):
    model, ids = small_model(**changes), random_ids(3)
    types = torch.randint(model.config.type_vocab_size, ids.shape)
    found = model(ids, None, types)
    assert found.shape == (3, 7, 19)
    close(found, torch.stack([logits(row, kinds, model, range(7)) for row, kinds in zip(ids, types, strict=True)]))


def test_padding_is_never_a_key():
    model, ids = small_model(), random_ids(3)
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1]]).bool()
    found = model(ids, mask)
    for row in range(3):
        close(found[row], logits(ids[row], [0] * 7, model, mask[row].nonzero()[:, 0]))
    close(model(ids, mask.long()), found)


def test_features_are_those_below_the_head():
    model, ids = small_model(), random_ids(2)
    mask = torch.ones(2, 7).bool()
    types = torch.randint(2, (2, 7))
    found = model.encode(ids, mask, types)
    close(found, torch.stack([encoded(ids[row], types[row], model, range(7)) for row in range(2)]))
    close(model.head(found, model.token_embedding.weight), model(ids, mask, types))


def test_without_segments_all_is_of_the_first():
    model, ids = small_model(), random_ids(2)
    close(model(ids), model(ids, None, torch.zeros_like(ids)))
    assert (model(ids) - model(ids, None, torch.ones_like(ids))).abs().max() > 1e-3


def test_a_token_reads_both_sides():
    model, ids = small_model(), random_ids(1)
    for place in (0, 3, 6):
        changed = ids.clone()
        changed[0, place] = (changed[0, place] + 1) % 19
        assert ((model(changed) - model(ids)).abs().amax(-1) > 1e-6).all()


def test_only_positions_tell_the_order_of_tokens():
    model, ids = small_model(), random_ids(1)
    order = torch.tensor([3, 1, 0, 2, 6, 5, 4])
    assert (model(ids[:, order]) - model(ids)[:, order]).abs().max() > 1e-3
    torch.nn.init.zeros_(model.position_embedding.weight)
    close(model(ids[:, order]), model(ids)[:, order])


def test_the_token_embedding_is_the_output_matrix():
    model, ids = small_model(), random_ids(1)
    before, absent = model(ids), next(token for token in range(19) if token not in ids)
    with torch.no_grad():
        model.token_embedding.weight[absent] += 1.0
    moved = (model(ids) - before).abs().amax((0, 1)) > 1e-9
    assert moved.nonzero().flatten().tolist() == [absent]


def test_a_sequence_may_be_as_long_as_there_are_positions_and_no_longer():
    model = small_model()
    assert model(random_ids(1, 9)).shape == (1, 9, 19)
    with pytest.raises(ValueError, match="10 tokens are too many; cut to max_position_embeddings=9"):
        model(random_ids(1, 10))


def test_dropout_acts_in_training_alone():
    model, ids = small_model(dropout=0.5), random_ids(2)
    assert torch.equal(model(ids), model(ids))
    close(model(ids)[0], logits(ids[0], [0] * 7, model, range(7)))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_dropout_follows_the_embeddings():
    model = small_model(dropout=0.5, num_hidden_layers=1).train()
    model.layers = torch.nn.ModuleList()
    dropped = model.encode(random_ids(50))
    assert 0.4 < (dropped == 0).double().mean() < 0.6


def test_dropout_falls_on_attention_probabilities():
    model = small_model(dropout=0.5)
    module, x = model.layers[0].attention.train(), torch.randn(1, 7, 12, dtype=torch.float64)
    assert isinstance(module, Attention)
    first, second = module(x, None), module(x, None)
    assert (first - second).abs().max() > 1e-3
    mean = torch.stack([module(x, None) for _ in range(1500)]).mean(0)
    close(mean, module.eval()(x, None), atol=0.2)


def test_dropout_falls_on_both_branches_of_a_layer_and_never_on_the_residual():
    layer = small_model(dropout=0.5).layers[0].train()
    x = torch.randn(4, 7, 12, dtype=torch.float64)
    for module in (layer.attention.out, layer.mlp[2]):
        torch.nn.init.zeros_(module.weight)
        torch.nn.init.zeros_(module.bias)
    still = layer_norm(layer_norm(x, layer.norm_attention, 1e-3), layer.norm_mlp, 1e-3)
    close(layer(x, None), still)
    torch.nn.init.ones_(layer.mlp[2].bias)
    kept = {round(value, 6) for value in branch(layer, x).flatten().tolist()}
    assert kept == {0.0, 2.0}
    torch.nn.init.zeros_(layer.mlp[2].bias)
    torch.nn.init.ones_(layer.attention.out.bias)
    layer.norm_attention, layer.norm_mlp = torch.nn.Identity(), torch.nn.Identity()
    assert {round(value, 6) for value in (layer(x, None) - x).flatten().tolist()} == {0.0, 2.0}


def branch(layer, x):
    """What the MLP adds, with the last norm taken out."""
    norm, layer.norm_mlp = layer.norm_mlp, torch.nn.Identity()
    added = layer(x, None) - layer_norm(x, layer.norm_attention, 1e-3)
    layer.norm_mlp = norm
    return added


def test_the_hidden_layer_of_the_mlp_is_gelu():
    model = small_model()
    layer, x = model.layers[0], torch.randn(2, 7, 12, dtype=torch.float64)
    hidden = affine(x, layer.mlp[0])
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0)
    close(layer.mlp(x), affine(hidden * normal.cdf(hidden), layer.mlp[2]))


def test_the_weights_start_narrow_and_the_biases_at_zero():
    model = build_model(**{**SMALL, "hidden_size": 96, "intermediate_size": 192, "vocab_size": 300})
    for name, parameter in model.named_parameters():
        if "norm" in name:
            assert torch.equal(parameter, torch.full_like(parameter, float(name.endswith("weight"))))
        elif name.endswith("bias"):
            assert not parameter.any()
        else:
            assert 0.014 < parameter.std() < 0.022
            assert parameter.abs().max() <= 0.04
            assert parameter.mean().abs() < 0.004
