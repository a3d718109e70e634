"""Independence of rows, gradients, losses, saving and number types: what training code relies on."""

import pytest
import torch

from model import ModelConfig, build_model, functional

SMALL = {
    "in_features": 3,
    "out_features": 4,
    "hidden_size": 5,
    "num_layers": 2,
    "grid_size": 4,
    "spline_order": 3,
    "grid_limit": 1.0,
    "task": "classification",
}


def batch(size=4, seed=0, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


@torch.no_grad()
def test_a_row_does_not_see_the_other_rows():
    model, (inputs, _) = build_model(**SMALL).double().eval(), batch()
    x = inputs["x_BI"].double()
    changed = torch.cat([x[:1], 2 * x[1:] + 0.1])
    torch.testing.assert_close(model(changed)[0], model(x)[0], rtol=0, atol=1e-14)
    assert (model(changed)[1:] - model(x)[1:]).abs().max() > 1e-3
    assert functional.CLAIMS == ("batch_independent",)


def test_an_example_batch_is_a_pure_function_of_its_seed():
    before = torch.get_rng_state()
    x = batch(500, 1, grid_limit=2.0)[0]["x_BI"]
    assert torch.equal(torch.get_rng_state(), before)
    assert x.shape == (500, 3)
    assert -2 <= x.min() < -1.9
    assert 1.9 < x.max() <= 2
    assert torch.equal(batch(500, 1, grid_limit=2.0)[0]["x_BI"], x)
    assert not torch.equal(batch(500, 2, grid_limit=2.0)[0]["x_BI"], x)
    assert batch(200)[1]["labels"].unique().tolist() == [0, 1, 2, 3]
    assert batch(task="regression")[1]["values"].shape == (4, 4)


def test_the_loss_is_that_of_the_task_averaged_over_the_batch():
    model, (inputs, targets) = build_model(**SMALL), batch()
    chances = model(**inputs).softmax(1)
    expected = -sum(chances[row, label].log() for row, label in enumerate(targets["labels"])) / 4
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)
    inputs, targets = batch(task="regression")
    expected = ((model(**inputs) - targets["values"]) ** 2).sum() / 16
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(task):
    model, (inputs, targets) = build_model(**{**SMALL, "task": task}), batch(16, task=task)
    functional.loss(model, inputs, targets).backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


def test_gradients_are_those_of_finite_differences():
    model, x = build_model(**SMALL).double(), batch()[0]["x_BI"].double().requires_grad_()
    assert torch.autograd.gradcheck(model, x)


@torch.no_grad()
def test_saved_weights_give_the_same_network(tmp_path):
    model, (inputs, _) = build_model(**SMALL), batch()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL)
    assert not torch.equal(fresh(**inputs), model(**inputs))
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(**inputs), model(**inputs))


@torch.no_grad()
def test_half_precision_gives_nearly_the_same():
    model, (inputs, _) = build_model(**SMALL), batch()
    exact, coarse = model(**inputs), model.bfloat16()(inputs["x_BI"].bfloat16())
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.float(), exact, rtol=0.1, atol=0.05)
