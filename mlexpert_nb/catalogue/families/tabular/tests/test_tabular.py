"""The networks against the paper's equations, and what follows from them."""

import pytest
import torch
from references import KINDS, SMALL, predicted, row_of, small_model, small_table, tokens

from model import FTTransformer, TabularResNet, build_model
from model.tabular import Categories

VARIANTS = [{}, {"num_layers": 1}, {"num_layers": 2, "num_outputs": 2}, {"cardinalities": ()}, {"num_features": 0}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", VARIANTS)
def test_the_output_is_that_of_the_equations(kind, changes):
    model = small_model(kind, **changes)
    table = small_table(4, model.config)
    expected = predicted(table, model)
    assert expected.shape == (4, changes.get("num_outputs", 3))
    torch.testing.assert_close(model(**table), expected, rtol=0, atol=1e-11)


def test_the_kind_chooses_the_network():
    assert isinstance(build_model(**{**SMALL, "kind": "ft_transformer"}), FTTransformer)
    assert isinstance(build_model(**{**SMALL, "kind": "resnet"}), TabularResNet)


def test_every_column_is_a_token_and_the_class_token_comes_first():
    model, table = small_model("ft_transformer"), small_table(2)
    made = model.tokens(**table)
    assert made.shape == (2, 6, 12)
    expected = torch.stack([tokens(row_of(table, index), model.tokens) for index in range(2)])
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_reaches_every_output(kind):
    model, table = small_model(kind), small_table(1)
    before = model(**table)
    for name, columns in table.items():
        for column in range(columns.shape[1]):
            changed = columns.clone()
            changed[0, column] = (changed[0, column] + 1) % 2 if name == "x_cat" else 1 - changed[0, column]
            moved = model(**{**table, name: changed}) - before
            assert (moved.abs() > 1e-9).all()


def test_a_category_is_looked_up_in_the_table_of_its_own_column():
    tables = Categories((2, 3), 4)
    found = tables(torch.tensor([[1, 2], [0, 0]]))
    assert found.shape == (2, 2, 4)
    assert torch.equal(found[0, 0], tables[0].weight[1])
    assert torch.equal(found[0, 1], tables[1].weight[2])
    assert torch.equal(found[1, 1], tables[1].weight[0])
    with pytest.raises(IndexError):
        tables(torch.tensor([[2, 0]]))


def test_the_first_layer_has_no_norm_before_its_attention():
    first, *others = build_model(**SMALL).layers
    assert not list(first.norm_attention.parameters())
    assert all(isinstance(layer.norm_attention, torch.nn.LayerNorm) for layer in others)


def test_a_layer_gives_the_tokens_that_ask():
    layer, x = small_model("ft_transformer").layers[1], torch.randn(2, 6, 12, dtype=torch.float64)
    torch.testing.assert_close(layer(x, num_asking=2), layer(x)[:, :2], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", ["ffn_dropout", "residual_dropout"])
def test_dropout_acts_in_training_alone(kind, key):
    model, table = small_model(kind, **{key: 0.5}), small_table(4)
    torch.testing.assert_close(model(**table), predicted(table, model), rtol=0, atol=1e-11)
    assert not torch.equal(model.train()(**table), model(**table))


def test_attention_weights_are_dropped_in_training_alone():
    attention = small_model("ft_transformer", attention_dropout=0.5).layers[0].attention
    x = torch.randn(1, 4, 12, dtype=torch.float64)
    assert torch.equal(attention(x, x), attention(x, x))
    attention.train()
    assert not torch.equal(attention(x, x), attention(x, x))
    with torch.no_grad():
        attention.out.weight.copy_(torch.eye(12))
        attention.out.bias.zero_()
        attention.key_value.weight.zero_()
        attention.key_value.bias.fill_(1.0)
    values = set(attention(x, x).flatten().detach().round(decimals=6).tolist())
    assert values <= {0.0, 0.5, 1.0, 1.5, 2.0}  # each of four weights of 1/4 is dropped or doubled
    assert len(values) > 2


def test_hidden_dropout_of_the_transformer_falls_on_the_gated_values():
    ffn = small_model("ft_transformer", ffn_dropout=0.5, ffn_size=400).layers[0].ffn.train()
    with torch.no_grad():
        ffn.wide.weight.zero_()
        ffn.wide.bias.fill_(1.0)
        ffn.narrow.weight.fill_(1 / 400)
        ffn.narrow.bias.zero_()
    assert 0.8 < ffn(torch.zeros(12, dtype=torch.float64))[0] < 1.2
    assert ffn(torch.zeros(12, dtype=torch.float64))[0] != 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_residual_dropout_falls_on_what_a_layer_adds(kind):
    layer = small_model(kind, residual_dropout=0.5).layers[0].train()
    shape = (40, 12) if kind == "resnet" else (40, 6, 12)
    x = torch.randn(shape, dtype=torch.float64)
    with torch.no_grad():
        narrow = layer.narrow if kind == "resnet" else layer.ffn.narrow
        narrow.weight.zero_()
        narrow.bias.fill_(1.0)
        if kind == "ft_transformer":
            layer.attention.out.weight.zero_()
            layer.attention.out.bias.fill_(10.0)
    added = set((layer(x) - x).flatten().round(decimals=6).tolist())
    assert added == ({0.0, 2.0} if kind == "resnet" else {0.0, 2.0, 20.0, 22.0})


def test_the_resnet_normalises_by_the_batch_in_training_and_by_what_it_saw_in_evaluation():
    model, table = small_model("resnet").train(), small_table(50)
    before = model.norm.running_mean.clone()
    model(**table)
    assert not torch.equal(model.norm.running_mean, before)
    seen = model.eval().norm.running_mean.clone()
    model(**table)
    assert torch.equal(model.norm.running_mean, seen)
    assert all(layer.norm.num_batches_tracked == 1 for layer in model.layers)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_start_in_their_ranges(kind):
    model = build_model(**{**SMALL, "kind": kind, "num_features": 100, "hidden_size": 48, "embedding_size": 16})
    width = 48 if kind == "ft_transformer" else 16
    tables = model.tokens.categories if kind == "ft_transformer" else model.categories
    drawn = [table.weight for table in tables]
    if kind == "ft_transformer":
        drawn += [model.tokens.class_token, model.tokens.weight, model.tokens.bias]
        attention = model.layers[0].attention
        assert not any(linear.bias.any() for linear in (attention.query, attention.key_value, attention.out))
    for weight in drawn:
        assert 0.7 * width**-0.5 < weight.abs().max() <= width**-0.5
        assert weight.min() < 0 < weight.max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "table", "message"),
    [
        ({}, {"x_num": torch.zeros(2, 3)}, r"x_cat has shape None; it must be \(batch, 2\)"),
        ({}, {"x_num": torch.zeros(2, 4), "x_cat": torch.zeros(2, 2).long()}, r"x_num has shape \(2, 4\)"),
        ({}, {"x_num": torch.zeros(2, 3), "x_cat": torch.zeros(2, 1).long()}, r"x_cat has shape \(2, 1\)"),
        ({"num_features": 0}, {"x_num": torch.zeros(2, 1), "x_cat": torch.zeros(2, 2).long()}, "leave it out"),
        ({"cardinalities": ()}, {"x_cat": torch.zeros(2, 1).long()}, r"x_num has shape None; it must be \(batch, 3\)"),
    ],
)
def test_other_columns_are_refused(kind, changes, table, message):
    with pytest.raises(ValueError, match=message):
        build_model(**{**SMALL, "kind": kind, **changes})(**table)
