"""Solvers of dz/dt = f(t, z): equal steps (Euler, midpoint, Runge-Kutta) and the adaptive method of Dormand and Prince.

Papers: Dormand and Prince 1980, "A family of embedded Runge-Kutta formulae" (`DORMAND_PRINCE`); Hairer, Norsett, Wanner
1993, "Solving Ordinary Differential Equations I", section II.4 (step sizes, eq. 4.11-4.13); Lienen and Guennemann 2022,
arXiv:2210.12375 (a step size for each row of a batch, so that no row depends on the others).
Shapes: B batch, D state.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Time = float | Tensor  # a Tensor (B, 1): each row has its own
Dynamics = Callable[[Time, Tensor], Tensor]

DORMAND_PRINCE = (  # time, then the weights of the slopes so far; the last row is the step of order 5
    (1 / 5, (1 / 5,)),
    (3 / 10, (3 / 40, 9 / 40)),
    (4 / 5, (44 / 45, -56 / 15, 32 / 9)),
    (8 / 9, (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729)),
    (1.0, (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656)),
    (1.0, (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)),
)
ORDER_4 = (
    5179 / 57600,
    0.0,
    7571 / 16695,
    393 / 640,
    -92097 / 339200,
    187 / 2100,
    1 / 40,
)  # whose difference is the error
SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0  # the next step: a little below what the error allows, within bounds
MAX_STEPS = 10_000


@dataclass(frozen=True)
class Solver:
    """How an equation is solved.

    Attributes:
        method: "euler", "midpoint", "rk4" or "dopri5".
        num_steps: Equal steps of the first three.
        rtol: Error of a step of "dopri5" that is accepted, relative to the state.
        atol: The same, absolute.
    """

    method: str = "rk4"
    num_steps: int = 4
    rtol: float = 1e-3
    atol: float = 1e-3


def odeint(f: Dynamics, z_BD: Tensor, start: float, end: float, solver: Solver) -> Tensor:
    """Give the state at the end; `f(t, z_BD)` is its slope, and `end` may lie before `start`."""
    if solver.method == "dopri5":
        if end < start:
            return _adaptive(lambda t, z_BD: -f(-t, z_BD), z_BD, -start, -end, solver)
        return _adaptive(f, z_BD, start, end, solver)
    step = STEPS[solver.method]
    length = (end - start) / solver.num_steps
    for index in range(solver.num_steps):
        z_BD = z_BD + length * step(f, start + index * length, z_BD, length)
    return z_BD


def _euler(f: Dynamics, t: float, z_BD: Tensor, length: float) -> Tensor:
    del length
    return f(t, z_BD)


def _midpoint(f: Dynamics, t: float, z_BD: Tensor, length: float) -> Tensor:
    return f(t + length / 2, z_BD + length / 2 * f(t, z_BD))


def _rk4(f: Dynamics, t: float, z_BD: Tensor, length: float) -> Tensor:
    first = f(t, z_BD)
    second = f(t + length / 2, z_BD + length / 2 * first)
    third = f(t + length / 2, z_BD + length / 2 * second)
    fourth = f(t + length, z_BD + length * third)
    return (first + 2 * (second + third) + fourth) / 6


STEPS = {"euler": _euler, "midpoint": _midpoint, "rk4": _rk4}


def _adaptive(f: Dynamics, z_BD: Tensor, start: float, end: float, solver: Solver) -> Tensor:
    """Step every row by itself until all have arrived; a row that has arrived takes steps of length zero."""
    rows = z_BD.new_zeros(len(z_BD), 1, dtype=torch.promote_types(z_BD.dtype, torch.float32))
    t_B1, slope_BD = rows + start, f((rows + start).to(z_BD.dtype), z_BD)
    length_B1 = _first_length(z_BD.detach(), slope_BD.detach(), solver).clamp(max=end - start)
    for _ in range(MAX_STEPS):
        length_B1 = torch.minimum(length_B1, end - t_B1)
        if not (length_B1 > 0).any():
            return z_BD
        new_BD, new_slope_BD, error_BD = _dormand_prince(f, t_B1, z_BD, slope_BD, length_B1)
        ratio_B1 = _size(error_BD.detach(), torch.maximum(z_BD.abs(), new_BD.abs()).detach(), solver)
        accepted_B1 = ratio_B1 <= 1
        is_last_B1 = length_B1 >= end - t_B1
        t_B1 = torch.where(accepted_B1, torch.where(is_last_B1, rows + end, t_B1 + length_B1), t_B1)
        z_BD = torch.where(accepted_B1, new_BD, z_BD)
        slope_BD = torch.where(accepted_B1, new_slope_BD, slope_BD)
        growth_B1 = (SAFETY * ratio_B1.clamp(min=1e-10) ** -0.2).clamp(SHRINK, GROW)
        length_B1 = length_B1 * torch.where(accepted_B1, growth_B1.clamp(min=1.0), growth_B1)
    raise RuntimeError(f"the solver has not arrived after {MAX_STEPS} steps; raise rtol={solver.rtol} or atol")


def _dormand_prince(
    f: Dynamics, t_B1: Tensor, z_BD: Tensor, slope_BD: Tensor, length_B1: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Give the state after a step, its slope there, and the error that the step of order 4 sees in it."""
    slopes, length, new_BD = [slope_BD], length_B1.to(z_BD.dtype), z_BD
    for time, weights in DORMAND_PRINCE:
        new_BD = z_BD + length * _weighted(weights, slopes)
        slopes.append(f((t_B1 + time * length_B1).to(z_BD.dtype), new_BD))
    order_5 = (*DORMAND_PRINCE[-1][1], 0.0)
    errors = tuple(fifth - fourth for fifth, fourth in zip(order_5, ORDER_4, strict=True))
    return new_BD, slopes[-1], length * _weighted(errors, slopes)


def _weighted(weights: tuple[float, ...], slopes: list[Tensor]) -> Tensor:
    total = weights[0] * slopes[0]
    for weight, slope_BD in zip(weights[1:], slopes[1:], strict=True):
        if weight:
            total = total + weight * slope_BD
    return total


def _first_length(z_BD: Tensor, slope_BD: Tensor, solver: Solver) -> Tensor:
    """Guess the first step of each row: one that changes the state by about a hundredth."""
    state_B1, slope_B1 = _size(z_BD, z_BD.abs(), solver), _size(slope_BD, z_BD.abs(), solver)
    return (0.01 * state_B1 / slope_B1.clamp(min=1e-10)).clamp(min=1e-6)


def _size(x_BD: Tensor, state_BD: Tensor, solver: Solver) -> Tensor:
    """Measure each row in units of the error that is accepted: root mean square, (B, 1)."""
    dtype = torch.promote_types(x_BD.dtype, torch.float32)
    scaled_BD = x_BD.to(dtype) / (solver.atol + solver.rtol * state_BD.to(dtype))
    return scaled_BD.square().mean(dim=1, keepdim=True).sqrt()
