"""Batch independence, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import KINDS, SMALL, small_model, small_table

from model import ModelConfig, build_model, functional

SHIFTS = {"stem.bias", *(f"layers.{n}.narrow.bias" for n in range(3))}  # a BatchNorm takes the mean out again


def batch(seed=0, size=4, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_read_alone(kind):
    model, table, others = small_model(kind), small_table(4), small_table(4)
    changed = {name: torch.cat([table[name][:1], others[name][1:]]) for name in table}
    torch.testing.assert_close(model(**changed)[0], model(**table)[0], rtol=0, atol=1e-12)
    assert (model(**changed)[1:] - model(**table)[1:]).abs().max() > 1e-3
    assert "batch_independent" in functional.CLAIMS


def test_an_example_batch_is_a_pure_function_of_its_seed():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, _), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert (inputs["x_num"].shape, inputs["x_cat"].shape, targets["labels"].shape) == ((4, 3), (4, 2), (4,))
    assert all(torch.equal(inputs[name], again[name]) for name in inputs)
    assert not torch.equal(inputs["x_num"], other["x_num"])
    assert not torch.equal(inputs["x_num"][0], inputs["x_num"][1])


def test_example_batches_cover_categories_and_classes():
    inputs, targets = batch(size=200)
    assert [column.unique().tolist() for column in inputs["x_cat"].T] == [[0, 1], [0, 1, 2, 3, 4]]
    assert targets["labels"].unique().tolist() == [0, 1, 2]


def test_example_batches_leave_out_columns_that_the_table_lacks():
    assert list(batch(cardinalities=())[0]) == ["x_num"]
    assert list(batch(num_features=0)[0]) == ["x_cat"]


def test_the_loss_of_classes_is_the_cross_entropy():
    model, (inputs, targets) = build_model(**SMALL), batch()
    chances = model(**inputs).softmax(1)
    expected = -sum(chances[row, label].log() for row, label in enumerate(targets["labels"])) / 4
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


def test_the_loss_of_numbers_is_the_mean_squared_error():
    model, (inputs, targets) = build_model(**{**SMALL, "task": "regression"}), batch(task="regression")
    assert targets["values"].shape == (4, 3)
    expected = ((model(**inputs) - targets["values"]) ** 2).sum() / 12
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(kind):
    model, (inputs, targets) = build_model(**{**SMALL, "kind": kind}), batch(size=32)
    functional.loss(model, inputs, targets).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all()
        if name not in SHIFTS:
            assert parameter.grad.abs().max() > 1e-6, name


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_network(kind):
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(build_model(**{**SMALL, "kind": kind}).state_dict())
    same, again, other = (torch.cat([value.flatten() for value in state.values()]) for state in states)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_weights_give_the_same_network(kind, tmp_path):
    model, table = small_model(kind), small_table(2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**{**SMALL, "kind": kind}).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(**table), model(**table))


@pytest.mark.parametrize("kind", KINDS)
def test_a_forward_pass_changes_nothing(kind):
    model, table = small_model(kind, ffn_dropout=0.2, attention_dropout=0.2), small_table(2)
    kept = {name: columns.clone() for name, columns in table.items()}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(**table)
    assert all(torch.equal(table[name], columns) for name, columns in kept.items())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_gives_nearly_the_same_output(kind):
    model, table = small_model(kind), small_table(2)
    exact = model(**table)
    coarse = model.bfloat16()(table["x_num"].bfloat16(), table["x_cat"])
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.1, atol=0.3)
