"""The network: formula, independence of rows, gradients by two ways, precision, saving."""

import pytest
import torch

from model import ModelConfig, Solver, build_model, functional, odeint

SMALL = {
    "in_features": 3,
    "num_classes": 4,
    "hidden_size": 5,
    "mlp_dim": 6,
    "num_layers": 3,
    "num_steps": 3,
    "end_time": 1.0,
    "method": "rk4",
    "rtol": 1e-3,
    "atol": 1e-3,
    "gradient": "backprop",
}
METHODS = ["euler", "midpoint", "rk4", "dopri5"]


def moved(**changes):
    """Build a small network in float64, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def batch(size=4, seed=0, **changes):
    return functional.example_batch(ModelConfig(**{**SMALL, **changes}), size, seed)


def gradients(model, x):
    return torch.autograd.grad(model(x).square().sum(), [x, *model.parameters()])


@torch.no_grad()
def test_the_network_is_its_formula():
    model, x = moved(method="euler", end_time=2.0), torch.randn(4, 3, dtype=torch.float64)
    z = x @ model.stem.weight.T + model.stem.bias
    for step in range(3):
        t, u = torch.full((4, 1), step * 2 / 3, dtype=torch.float64), z
        for number, layer in enumerate(model.dynamics.layers):
            weight = torch.cat([layer.linear.weight, layer.time_weight[:, None]], dim=1)
            u = torch.cat([u, t], dim=1) @ weight.T + layer.linear.bias
            u = u.tanh() if number < 2 else u
        z = z + 2 / 3 * u
    torch.testing.assert_close(model(x), z @ model.head.weight.T + model.head.bias)


@pytest.mark.parametrize("method", METHODS)
@torch.no_grad()
def test_the_method_and_its_settings_reach_the_solver(method):
    model = moved(method=method, num_steps=2, rtol=1e-2, atol=1e-4, end_time=1.7)
    z = odeint(model.dynamics, model.stem(torch.ones(1, 3).double()), 0.0, 1.7, Solver(method, 2, 1e-2, 1e-4))
    assert torch.equal(model(torch.ones(1, 3).double()), model.head(z))


@torch.no_grad()
def test_every_method_nears_the_same_solution():
    exact = moved(method="dopri5", rtol=1e-10, atol=1e-10)
    x = torch.randn(4, 3, dtype=torch.float64)
    for method, steps in (("euler", 4000), ("midpoint", 200), ("rk4", 50)):
        model = build_model(**{**SMALL, "method": method, "num_steps": steps}).double()
        model.load_state_dict(exact.state_dict())
        torch.testing.assert_close(model(x), exact(x), rtol=0, atol=2e-3 if method == "euler" else 1e-4)


@pytest.mark.parametrize("method", METHODS)
@torch.no_grad()
def test_a_row_does_not_see_the_other_rows(method):
    model, x = moved(method=method), batch()[0]["x_BI"].double()
    changed = torch.cat([x[:1], 3 * x[1:] + 1])
    torch.testing.assert_close(model(changed)[0], model(x)[0], rtol=0, atol=1e-13)
    assert (model(changed)[1:] - model(x)[1:]).abs().max() > 1e-3
    assert functional.CLAIMS == ("batch_independent",)


@pytest.mark.parametrize("method", ["midpoint", "rk4"])
def test_the_adjoint_gives_the_gradients_of_backpropagation(method):
    model = moved(method=method, num_steps=200, end_time=1.3)
    adjoint = build_model(**{**SMALL, "method": method, "num_steps": 200, "end_time": 1.3, "gradient": "adjoint"})
    adjoint = adjoint.double()
    adjoint.load_state_dict(model.state_dict())
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.equal(adjoint(x), model(x))
    for found, expected in zip(gradients(adjoint, x), gradients(model, x), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3 if method == "midpoint" else 1e-7)


def test_the_adjoint_keeps_no_step():
    def kept(gradient, steps):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
            build_model(**{**SMALL, "gradient": gradient, "num_steps": steps})(torch.randn(4, 3))
        return sum(sizes)

    assert kept("adjoint", 20) == kept("adjoint", 1)
    assert kept("backprop", 20) > 10 * kept("backprop", 1) / 2


@pytest.mark.parametrize("changes", [{}, {"method": "dopri5"}, {"gradient": "adjoint"}], ids=str)
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(changes):
    model, (inputs, targets) = build_model(**{**SMALL, **changes}), batch()
    functional.loss(model, inputs, targets).backward()
    for parameter in model.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


def test_time_weights_start_within_the_bounds_of_a_linear_layer():
    layer = build_model(**{**SMALL, "hidden_size": 99, "mlp_dim": 4000}).dynamics.layers[0]
    assert 0.099 < layer.time_weight.max() <= 0.1
    assert -0.1 <= layer.time_weight.min() < -0.099


def test_the_loss_is_the_mean_cross_entropy():
    model, (inputs, targets) = moved().float(), batch()
    chances = model(**inputs).softmax(1)
    expected = -sum(chances[row, label].log() for row, label in enumerate(targets["labels"])) / 4
    torch.testing.assert_close(functional.loss(model, inputs, targets), expected)


def test_an_example_batch_is_drawn_from_its_seed():
    inputs, targets = batch(100, 1)
    assert inputs["x_BI"].shape == (100, 3)
    assert targets["labels"].unique().tolist() == [0, 1, 2, 3]
    assert torch.equal(batch(100, 1)[0]["x_BI"], inputs["x_BI"])
    assert not torch.equal(batch(100, 2)[0]["x_BI"], inputs["x_BI"])


@torch.no_grad()
def test_saved_weights_give_the_same_network(tmp_path):
    model, (inputs, _) = build_model(**SMALL), batch()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    fresh = build_model(**SMALL)
    assert not torch.equal(fresh(**inputs), model(**inputs))
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(fresh(**inputs), model(**inputs))


@pytest.mark.parametrize("method", METHODS)
@torch.no_grad()
def test_half_precision_gives_nearly_the_same(method):
    model, (inputs, _) = build_model(**{**SMALL, "method": method}), batch()
    exact, coarse = model(**inputs), model.bfloat16()(inputs["x_BI"].bfloat16())
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.float(), exact, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("gradient", ["backprop", "adjoint"])
def test_training_fits_a_small_batch(gradient):
    model, (inputs, targets) = build_model(**{**SMALL, "gradient": gradient}), batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    first = functional.loss(model, inputs, targets).item()
    for _ in range(100):
        loss = functional.loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * first
