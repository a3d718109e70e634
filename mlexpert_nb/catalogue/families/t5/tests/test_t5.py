"""The network against the paper's equations, and what follows from them."""

import pytest
import torch
from references import SMALL, VARIANTS, bucket_of, fed_forward, logits, random_pair, small_model, stacked

from model import build_model
from model.t5 import bucket


def close(left, right, atol=1e-11):
    torch.testing.assert_close(left, right, rtol=0, atol=atol)


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_logits_are_those_of_the_equations(changes):
    model, (source, target) = small_model(**changes), random_pair(2)
    found = model(source, target)
    assert found.shape == (2, 6, 17)
    close(found, torch.stack([logits(*pair, model) for pair in zip(source, target, strict=True)]))


def test_the_encoder_is_that_of_the_equations():
    model, (source, _) = small_model(), random_pair(2)
    close(model.encode(source), torch.stack([stacked(row, model) for row in source]))


@pytest.mark.parametrize("changes", VARIANTS[:2])
def test_padding_is_never_read(changes):
    model, (source, target) = small_model(**changes), random_pair(3)
    mask = torch.arange(9) < torch.tensor([[4], [8], [1]])
    found = model(source, target, mask)
    for row, length in enumerate((4, 8, 1)):
        close(found[row], logits(source[row, :length], target[row], model))
    close(model(source, target, mask.long()), found)
    close(model(source, target, torch.ones_like(mask)), model(source, target))


@pytest.mark.parametrize("is_decoder", [False, True])
@pytest.mark.parametrize(("count", "most"), [(32, 128), (8, 10), (4, 3), (16, 20)])
def test_buckets_are_exact_for_near_places_and_logarithmic_for_far_ones(is_decoder, count, most):
    distances = torch.arange(-200, 201)
    found = bucket(distances, count, most, both_sides=not is_decoder).tolist()
    assert found == [bucket_of(each, count, most, is_decoder) for each in range(-200, 201)]
    assert (min(found), max(found)) == (0, count - 1)
    assert found[200] == 0


def test_published_buckets():
    distances = torch.tensor([-1000, -128, -127, -64, -16, -15, -8, -7, -1, 0, 1, 7, 8, 127, 128])
    both = [15, 15, 15, 14, 10, 9, 8, 7, 1, 0, 17, 23, 24, 31, 31]
    assert bucket(distances, 32, 128, both_sides=True).tolist() == both
    behind = [31, 31, 31, 26, 16, 15, 8, 7, 1, 0, 0, 0, 0, 0, 0]
    assert bucket(distances, 32, 128, both_sides=False).tolist() == behind


def test_only_distances_matter():
    model = small_model()
    bias = model.encoder.bias(9)
    assert bias.shape == (1, 3, 9, 9)
    assert torch.equal(bias[..., :-1, :-1], bias[..., 1:, 1:])
    assert not torch.equal(bias, bias.transpose(2, 3))
    ahead = torch.ones(6, 6).triu(1).bool()
    assert (model.decoder.bias(6)[..., ahead] == -torch.inf).all()
    assert model.decoder.bias(6)[..., ~ahead].isfinite().all()


def test_the_target_may_be_longer_than_the_source_and_than_the_buckets():
    model, (source, target) = small_model(), random_pair(1, 2, 14)
    close(model(source, target)[0], logits(source[0], target[0], model))


def test_writing_takes_the_most_likely_token_each_time():
    model, (source, _) = small_model(), random_pair(8)
    mask = torch.arange(9) < torch.tensor([4, 7, 2, 9, 9, 9, 1, 5])[:, None]
    written = {start: model.generate(source, mask, start=start, length=5) for start in (0, 3)}
    for start, ids in written.items():
        read = torch.cat([torch.full((8, 1), start), ids[:, :-1]], dim=1)
        assert torch.equal(model(source, read, mask).argmax(-1), ids)
        assert ids.shape == (8, 5)
    assert not torch.equal(written[0], written[3])


def test_source_and_target_share_the_embedding():
    model, (source, target) = small_model(), random_pair(1)
    token = source[0, 0]
    before, encoded = model(source, target), model.encode(source)
    with torch.no_grad():
        model.embedding.weight[token] += 1.0
    assert (model.encode(source) - encoded).abs().max() > 1e-3
    assert (model(source, target) - before)[..., token].abs().max() > 1e-3


@pytest.mark.parametrize("changes", VARIANTS[:2])
def test_dropout_acts_in_training_alone(changes):
    model, (source, target) = small_model(**changes, dropout=0.5), random_pair(2)
    assert torch.equal(model(source, target), model(source, target))
    close(model(source, target)[0], logits(source[0], target[0], model))
    model.train()
    assert not torch.equal(model(source, target), model(source, target))


def test_dropout_falls_on_the_embeddings_and_on_the_last_norm():
    model, (source, _) = small_model(dropout=0.5), random_pair(2)
    seen = []
    model.encoder.dropout.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    out = model.encode(source)
    close(seen[0], model.embedding(source))
    close(seen[1], out)
    assert len(seen) == 2
    assert model.encoder.dropout.p == model.decoder.dropout.p == 0.5


def test_dropout_falls_on_attention_probabilities():
    module, x = small_model(dropout=0.5).encoder.layers[0].attention.part.train(), torch.randn(1, 7, 12).double()
    assert (module(x, None) - module(x, None)).abs().max() > 1e-3
    close(torch.stack([module(x, None) for _ in range(2000)]).mean(0), module.eval()(x, None), atol=0.4)


@pytest.mark.parametrize("kind", ["relu", "gated-gelu"])
def test_dropout_falls_within_the_feed_forward_layer_and_behind_each_part(kind):
    layer = small_model(dropout=0.5, feed_forward=kind).decoder.layers[1].train()
    x, part = torch.randn(3, 7, 12).double(), layer.feed_forward.part
    seen = []
    part.dropout.register_forward_hook(lambda _, inputs, out: seen.append((inputs[0], out)))
    found = part(x)
    hidden, dropped = seen[0]
    assert set((dropped / hidden)[hidden != 0].round(decimals=6).tolist()) == {0.0, 2.0}
    close(found, dropped @ part.narrow.weight.T)
    close(part.eval()(x), fed_forward(x, part, kind))
    for residual in (layer.attention, layer.cross_attention, layer.feed_forward):
        residual.part = torch.nn.Identity()
        ratio = (residual(x) - x) / residual.norm(x)
        assert set(ratio.round(decimals=6).unique().tolist()) == {0.0, 2.0}


def test_the_weights_start_with_the_spread_of_the_authors_code():
    sizes = {"d_model": 96, "d_kv": 24, "d_ff": 160, "vocab_size": 400, "num_heads": 6}
    model = build_model(**{**SMALL, **sizes, "tie_word_embeddings": False})
    layer = model.decoder.layers[0]
    spreads = {
        model.embedding: 1,
        model.output: 1,
        layer.attention.part.query: (96 * 24) ** -0.5,
        layer.cross_attention.part.key_value: 96**-0.5,
        layer.attention.part.out: 144**-0.5,
        layer.feed_forward.part.wide: 96**-0.5,
        layer.feed_forward.part.narrow: 160**-0.5,
    }
    for module, spread in spreads.items():
        assert module.weight.std().item() == pytest.approx(spread, rel=0.05)
    many = {"d_model": 16, "relative_attention_num_buckets": 400, "relative_attention_max_distance": 999}
    wide = build_model(**{**SMALL, **many})
    assert wide.encoder.position_bias.weight.std().item() == pytest.approx(0.25, rel=0.1)
    assert torch.equal(model.encoder.norm.weight, torch.ones(96))
