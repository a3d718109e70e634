"""The solvers against torchdiffeq: the same states, the same gradients of state and weights."""

import pytest
import torch
import torchdiffeq
from torchdiffeq._impl.rk_common import rk4_step_func

from mlexpert_nb.catalogue.families.neural_ode.model.neural_ode import build_model
from mlexpert_nb.catalogue.families.neural_ode.model.solvers import Solver, odeint

pytestmark = pytest.mark.oracle
SMALL = {"in_features": 3, "num_classes": 4, "hidden_size": 5, "mlp_dim": 6, "num_steps": 200}
TIGHT = {"rtol": 1e-12, "atol": 1e-12}


def gap(mine, others):
    return max((a - b).abs().max().item() for a, b in zip(mine, others, strict=True))


def compare(figures, name, *, ours, theirs, parameters):
    """Compare states and the gradients of a scalar of them."""
    gradients = [torch.autograd.grad(each.pow(3).sum(), parameters) for each in (ours, theirs)]
    figures.add("neural-ode", name, output=gap([ours], [theirs]), gradient=gap(*gradients))


@pytest.mark.parametrize("method", ["euler", "midpoint", "dopri5"])
def test_states_and_gradients_are_those_of_torchdiffeq(figures, method):
    f = build_model(**SMALL).double().dynamics
    z = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    times = torch.tensor([0.0, 1.5], dtype=torch.float64)
    settings = TIGHT if method == "dopri5" else {"options": {"step_size": 1.5 / 200}}
    compare(
        figures,
        f"torchdiffeq odeint ({method})",
        ours=odeint(f, z, 0.0, 1.5, Solver(method, 200, 1e-12, 1e-12)),
        theirs=torchdiffeq.odeint(f, z, times, method=method, **settings)[-1],
        parameters=[z, *f.parameters()],
    )


def test_the_classical_runge_kutta_step_is_that_of_torchdiffeq(figures):
    f = build_model(**SMALL).double().dynamics
    z = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    theirs = z
    for index in range(8):
        t = index / 8
        theirs = theirs + rk4_step_func(lambda t, z, **_: f(t, z), t, 1 / 8, t + 1 / 8, theirs)
    compare(
        figures,
        "torchdiffeq rk4_step_func",
        ours=odeint(f, z, 0.0, 1.0, Solver("rk4", 8)),
        theirs=theirs,
        parameters=[z, *f.parameters()],
    )


def test_the_adjoint_has_the_gradients_of_torchdiffeq(figures):
    model = build_model(**SMALL, gradient="adjoint").double()
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    times = torch.tensor([0.0, 1.0], dtype=torch.float64)
    theirs = torchdiffeq.odeint_adjoint(model.dynamics, model.stem(x), times, method="dopri5", **TIGHT)[-1]
    compare(
        figures,
        "torchdiffeq odeint_adjoint",
        ours=model(x),
        theirs=model.head(theirs),
        parameters=[x, *model.parameters()],
    )
