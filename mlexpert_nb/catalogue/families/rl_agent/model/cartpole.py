"""CartPole for many environments at once: a pole on a cart that must not fall.

Paper: Barto, Sutton and Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
problems"; equations and limits as in gymnasium's CartPole-v1.
Shapes: N environments.
"""

import math

import torch
from torch import Tensor

GRAVITY, CART_MASS, POLE_MASS, HALF_POLE, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
FARTHEST, STEEPEST = 2.4, 12 * math.pi / 180
LONGEST = 500  # steps of an episode
START = 0.05


class CartPole:
    """N poles on carts; an episode that ends begins anew.

    Args:
        num_environments: How many run at once.
        seed: Seed of the states in which episodes begin.
        dtype: Precision of the states.
    """

    def __init__(self, num_environments: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._dtype = dtype
        self.state_N4 = self._begin(num_environments)
        self.steps_N = torch.zeros(num_environments, dtype=torch.long)

    def step(self, actions_N: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Push every cart to the left (0) or to the right (1) for 20 ms.

        Returns:
            The states afterwards, the rewards, whether the pole fell, and whether the episode ended, by falling or at
            its longest; what ended has begun anew in `state_N4`.
        """
        next_N4 = dynamics(self.state_N4, actions_N)
        self.steps_N = self.steps_N + 1
        fell_N = (next_N4[:, 0].abs() > FARTHEST) | (next_N4[:, 2].abs() > STEEPEST)
        ended_N = fell_N | (self.steps_N >= LONGEST)
        begun_N4 = self._begin(len(ended_N))
        self.state_N4 = torch.where(ended_N[:, None], begun_N4, next_N4)
        self.steps_N = torch.where(ended_N, 0, self.steps_N)
        return next_N4, torch.ones(len(ended_N), dtype=self._dtype), fell_N, ended_N

    def _begin(self, count: int) -> Tensor:
        return (torch.rand(count, 4, generator=self._generator, dtype=self._dtype) * 2 - 1) * START


def dynamics(state_N4: Tensor, actions_N: Tensor) -> Tensor:
    """Give the states 20 ms later; a state is position, speed, angle and angular speed."""
    _, x_dot, angle, angle_dot = state_N4.unbind(1)
    force = torch.where(actions_N == 1, FORCE, -FORCE).to(state_N4.dtype)
    sine, cosine = angle.sin(), angle.cos()
    mass, moment = CART_MASS + POLE_MASS, POLE_MASS * HALF_POLE
    push = (force + moment * angle_dot.square() * sine) / mass
    turn = (GRAVITY * sine - cosine * push) / (HALF_POLE * (4 / 3 - POLE_MASS * cosine.square() / mass))
    pull = push - moment * turn * cosine / mass
    rates = torch.stack([x_dot, pull, angle_dot, turn], dim=1)
    return state_N4 + SECONDS * rates
