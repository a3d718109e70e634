"""Solvers against equations whose solutions are known, and against the formulas of their tables."""

import math

import pytest
import torch

from model import Solver, odeint, solvers
from model.solvers import DORMAND_PRINCE, ORDER_4

ORDERS = {"euler": 1, "midpoint": 2, "rk4": 4}
METHODS = [*ORDERS, "dopri5"]


def slope(t, z):
    """Give the slope of z = exp(sin t) z(0): it depends on time and on the state."""
    return z * (t.cos() if isinstance(t, torch.Tensor) else math.cos(t))


def error(solver, end=1.5):
    z = odeint(slope, torch.tensor([[1.0, -2.0]], dtype=torch.float64), 0.0, end, solver)
    return (z / math.exp(math.sin(end)) - torch.tensor([1.0, -2.0])).abs().max().item()


@pytest.mark.parametrize(("method", "order"), ORDERS.items())
def test_halving_the_steps_shrinks_the_error_by_the_order(method, order):
    rate = math.log2(error(Solver(method, 32)) / error(Solver(method, 64)))
    assert rate == pytest.approx(order, abs=0.2)


def test_single_steps_are_those_of_the_formulas():
    z = torch.tensor([[2.0]], dtype=torch.float64)

    def f(t, z):
        return z * z + t

    def after(method):
        return odeint(f, z, 1.0, 1.5, Solver(method, 1)).item()

    k1 = f(1.0, 2.0)
    k2 = f(1.25, 2 + 0.25 * k1)
    k3 = f(1.25, 2 + 0.25 * k2)
    k4 = f(1.5, 2 + 0.5 * k3)
    assert after("euler") == pytest.approx(2 + 0.5 * k1)
    assert after("midpoint") == pytest.approx(2 + 0.5 * k2)
    assert after("rk4") == pytest.approx(2 + 0.5 / 6 * (k1 + 2 * k2 + 2 * k3 + k4))


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_the_adaptive_solver_keeps_its_tolerance_without_waste(tolerance):
    times = []

    def counted(t, z):
        times.append(t)
        return slope(t, z)

    start = torch.ones(1, 1, dtype=torch.float64)
    z = odeint(counted, start, 0.0, 1.5, Solver("dopri5", rtol=tolerance, atol=tolerance))
    assert abs(z.item() / math.exp(math.sin(1.5)) - 1) < 5 * tolerance
    assert len(times) < 30 * tolerance**-0.15
    assert max(t.max().item() for t in times) == 1.5


def test_the_table_of_dormand_and_prince_fulfils_the_conditions_of_its_orders():
    for time, weights in DORMAND_PRINCE:
        assert sum(weights) == pytest.approx(time, abs=1e-12)
    nodes = [0.0, *(time for time, _ in DORMAND_PRINCE)]
    for weights, order in (((*DORMAND_PRINCE[-1][1], 0.0), 5), (ORDER_4, 4)):
        for power in range(order):
            total = sum(w * c**power for w, c in zip(weights, nodes, strict=True))
            assert total == pytest.approx(1 / (power + 1), abs=1e-12)
    assert sum(w * c**4 for w, c in zip(ORDER_4, nodes, strict=True)) != pytest.approx(1 / 5, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_going_back_leads_to_the_start(method):
    solver = Solver(method, 2000 if method == "euler" else 100, 1e-8, 1e-8)
    z = torch.tensor([[1.0, -2.0], [0.3, 5.0]], dtype=torch.float64)
    back = odeint(slope, odeint(slope, z, 0.2, 1.2, solver), 1.2, 0.2, solver)
    torch.testing.assert_close(back, z, rtol=0, atol={"euler": 1e-2, "midpoint": 1e-3}.get(method, 1e-6))


@pytest.mark.parametrize("method", METHODS)
def test_a_row_takes_its_steps_without_regard_to_the_others(method):
    rates = torch.tensor([[1.0], [30.0], [0.0]], dtype=torch.float64)
    z = torch.ones(3, 2, dtype=torch.float64)
    solver = Solver(method, 40, 1e-5, 1e-5)
    together = odeint(lambda t, z: -rates * z + 0 * t, z, 0.0, 1.0, solver)
    alone = odeint(lambda t, z: -rates[:1] * z + 0 * t, z[:1], 0.0, 1.0, solver)
    torch.testing.assert_close(together[:1], alone, rtol=0, atol=1e-15)
    torch.testing.assert_close(together[2], z[2], rtol=0, atol=1e-15)
    assert together[1].abs().max() < 1e-4


def test_the_gradient_of_the_adaptive_solver_is_that_of_the_solution():
    z = torch.tensor([[1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    odeint(slope, z, 0.0, 1.5, Solver("dopri5", rtol=1e-9, atol=1e-9)).sum().backward()
    torch.testing.assert_close(z.grad, torch.full((1, 2), math.exp(math.sin(1.5)), dtype=torch.float64))


def test_the_lengths_of_steps_are_constants_for_the_gradient():
    z = torch.tensor([[1.0]], dtype=torch.float64, requires_grad=True)
    end = odeint(lambda t, z: -z + 0 * t, z, 0.0, 3.0, Solver("dopri5", rtol=0.1, atol=0.1))
    end.sum().backward()
    torch.testing.assert_close(z.grad, end.detach(), rtol=0, atol=1e-14)


def test_a_wider_state_takes_no_more_steps():
    calls = []

    def counted(t, z):
        calls.append(1)
        return slope(t, z)

    costs = []
    for width in (1, 100):
        calls.clear()
        odeint(counted, torch.ones(1, width, dtype=torch.float64), 0.0, 1.5, Solver("dopri5", rtol=1e-7, atol=1e-7))
        costs.append(len(calls))
    assert costs[0] == costs[1]


def test_a_tolerance_counts_relative_to_the_state_and_absolutely():
    calls = []

    def counted(t, z):
        calls.append(1)
        return slope(t, z)

    def cost(scale, rtol, atol):
        calls.clear()
        odeint(counted, torch.full((1, 1), scale, dtype=torch.float64), 0.0, 1.5, Solver("dopri5", 1, rtol, atol))
        return len(calls)

    assert cost(1e6, 1e-6, 1e-12) == cost(1.0, 1e-6, 1e-18) == cost(-1e6, 1e-6, 1e-12)
    assert cost(1e6, 1e-12, 1e-6) > 1.5 * cost(1.0, 1e-12, 1e-6)


def test_a_solver_that_never_arrives_says_so(monkeypatch):
    monkeypatch.setattr(solvers, "MAX_STEPS", 5)
    with pytest.raises(RuntimeError, match="not arrived after 5 steps; raise rtol=1e-09 or atol"):
        odeint(slope, torch.ones(1, 1), 0.0, 1.5, Solver("dopri5", rtol=1e-9, atol=1e-12))
