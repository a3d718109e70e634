"""The configuration: what is refused, and how many parameters follow from it."""

from fnmatch import fnmatch

import pytest
import torch
from references import KINDS, SMALL

from model import ModelConfig, build_model, count_parameters, parameter_table

COLUMNS = {"num_features": 8, "cardinalities": (), "num_outputs": 1, "task": "regression"}
AUTHORS = {  # the sizes of the authors' package, for the 8 columns of California housing
    1: ({"num_layers": 1, "hidden_size": 96, "ffn_size": 128}, 76_577),
    3: ({"num_layers": 3, "hidden_size": 192, "ffn_size": 256}, 894_913),
    6: ({"num_layers": 6, "hidden_size": 384, "ffn_size": 512}, 7_111_681),
}
VARIANTS = [{}, {"num_layers": 1}, {"cardinalities": ()}, {"num_features": 0}, {"ffn_size": 9, "num_outputs": 2}]


@pytest.mark.parametrize("layers", AUTHORS)
def test_the_count_is_that_of_the_authors_sizes(layers):
    sizes, published = AUTHORS[layers]
    assert (
        count_parameters(ModelConfig(**{**SMALL, "kind": "ft_transformer", "num_heads": 8, **COLUMNS, **sizes}))
        == published
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", VARIANTS)
def test_the_table_counts_what_is_built_part_by_part(kind, changes):
    keys = {**SMALL, "kind": kind, **changes}
    built = dict(build_model(**keys).named_parameters())
    for part, count in parameter_table(ModelConfig(**keys)):
        assert count == sum(p.numel() for name, p in built.items() if fnmatch(name, part) or fnmatch(name, f"{part}.*"))
    assert count_parameters(ModelConfig(**keys)) == sum(p.numel() for p in built.values())


def test_the_delivered_configuration_is_the_default():
    with torch.device("meta"):
        model = build_model()
    assert model.config == ModelConfig()
    assert sum(p.numel() for p in model.parameters()) == count_parameters(ModelConfig())


def test_columns_are_those_of_both_kinds():
    assert ModelConfig(**SMALL).num_columns == 5
    assert ModelConfig(**{**SMALL, "num_features": 0}).num_columns == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "mlp"}, "kind='mlp' must be one of ft_transformer, resnet"),
        ({"task": "ranking"}, "task='ranking' must be one of classification, regression"),
        ({"num_heads": 5}, "num_heads=5 must divide hidden_size=12"),
        ({"num_features": 0, "cardinalities": ()}, "num_features=0 needs cardinalities: there is no column"),
        ({"cardinalities": (2, 0)}, r"cardinalities=\(2, 0\) must be whole numbers of at least 1"),
        ({"cardinalities": (2, 1.5)}, r"cardinalities=\(2, 1.5\) must be whole numbers"),
        ({"cardinalities": [2]}, r"cardinalities=\[2\] must be of type tuple"),
        ({"num_outputs": 1}, "num_outputs=1 must be at least 2 where task='classification'"),
        ({"num_outputs": 0}, "num_outputs=0 must lie between 1"),
        ({"num_features": -1}, "num_features=-1 must lie between 0"),
        ({"num_layers": 0}, "num_layers=0 must lie between 1 and 1000"),
        ({"ffn_dropout": 1.0}, r"ffn_dropout=1.0 must lie between 0 and 0.99"),
        ({"attention_dropout": -0.1}, r"attention_dropout=-0.1 must lie between 0 and 0.99"),
        ({"residual_dropout": float("nan")}, "residual_dropout=nan must be finite"),
        ({"hidden_size": 12.0}, "hidden_size=12.0 must be of type int"),
        ({"num_heads": True}, "num_heads=True must be of type int"),
    ],
)
def test_an_impossible_value_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{**SMALL, **changes})


def test_heads_that_are_not_used_need_not_divide_the_width():
    assert ModelConfig(**{**SMALL, "kind": "resnet", "num_heads": 5}).num_heads == 5


def test_one_number_can_be_predicted_and_a_column_may_have_one_category():
    config = ModelConfig(**{**SMALL, "task": "regression", "num_outputs": 1, "cardinalities": (1,), "ffn_dropout": 0})
    assert (config.num_outputs, config.num_columns) == (1, 4)
