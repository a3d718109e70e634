"""Independence, gradients, determinism, saving and number types: what training code relies on."""

import pytest
import torch
from references import KINDS, SMALL, random_past, small_model

from model import ModelConfig, build_model, functional

SHIFTS = ("patch_embedding.bias", "attention.out.bias", "ffn.3.bias")  # the BatchNorm that follows takes means out


def batch(seed=0, size=4, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_forecast_alone(kind):
    model, past = small_model(kind=kind), random_past(4)
    changed = torch.cat([past[:1], 5 * random_past(3)])
    torch.testing.assert_close(model(changed)[0], model(past)[0], rtol=0, atol=1e-11)
    assert (model(changed)[1:] - model(past)[1:]).abs().max() > 1e-3
    assert "batch_independent" in functional.CLAIMS


@pytest.mark.parametrize("kind", KINDS)
def test_channels_may_come_in_any_order(kind):
    model, past = small_model(kind=kind), random_past(3)
    torch.testing.assert_close(model(past.flip(1)), model(past).flip(1), rtol=0, atol=1e-11)
    assert "permutation_equivariant:past" in functional.CLAIMS


def test_an_example_batch_is_a_pure_function_of_its_seed():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    (inputs, targets), (again, _), (other, _) = batch(1), batch(1), batch(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs["past"].shape == (4, 2, 14)
    assert targets["future"].shape == (4, 2, 5)
    assert torch.equal(inputs["past"], again["past"])
    assert not torch.equal(inputs["past"], other["past"])
    assert not torch.equal(inputs["past"][0], inputs["past"][1])


def test_the_future_goes_on_where_the_past_ends():
    inputs, targets = batch(size=500)
    steps = torch.cat([inputs["past"], targets["future"]], dim=-1).diff(dim=-1)
    assert 0.9 < steps.std() < 1.1
    assert 0.8 < (targets["future"][..., 0] - inputs["past"][..., -1]).std() < 1.2


def test_the_loss_is_the_mean_squared_error():
    model, (inputs, targets) = build_model(**SMALL).eval(), batch()
    expected = ((model(**inputs) - targets["future"]) ** 2).sum() / 40
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(kind):
    model, (inputs, targets) = build_model(**{**SMALL, "kind": kind}), batch()
    functional.loss(model, inputs, targets).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all()
        if not name.endswith(SHIFTS):
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
    model, past = small_model(kind=kind), random_past(2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**{**SMALL, "kind": kind}).double().eval()
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(past), model(past))


@pytest.mark.parametrize("kind", KINDS)
def test_a_forward_pass_changes_nothing(kind):
    model, past = small_model(kind=kind, dropout=0.2), random_past(2)
    kept, before = past.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    assert torch.equal(model(past), model(past))
    assert torch.equal(past, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_gives_nearly_the_same_forecast(kind):
    model, past = small_model(kind=kind), random_past(2)[:, :1].expand(-1, 2, -1)
    exact, coarse = model(past), model.bfloat16()(past.bfloat16())
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), exact, rtol=0.1, atol=0.5)
