"""CartPole: the equations of motion, when an episode ends, and how it begins anew."""

import math

import torch

from model import CartPole
from model.cartpole import dynamics


def test_the_motion_follows_newton_written_out():
    state = torch.tensor([[0.1, -0.3, 0.15, 0.8], [-1.0, 0.4, -0.2, -0.5]], dtype=torch.float64)
    moved = dynamics(state, torch.tensor([1, 0]))
    for row, force, found in zip(state.tolist(), (10.0, -10.0), moved.tolist(), strict=True):
        x, v, angle, turning = row
        push = (force + 0.05 * turning**2 * math.sin(angle)) / 1.1
        turn = (9.8 * math.sin(angle) - math.cos(angle) * push) / (0.5 * (4 / 3 - 0.1 * math.cos(angle) ** 2 / 1.1))
        pull = push - 0.05 * turn * math.cos(angle) / 1.1
        expected = [x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * turning, turning + 0.02 * turn]
        torch.testing.assert_close(torch.tensor(found), torch.tensor(expected))


def test_a_pole_that_falls_or_a_cart_that_leaves_ends_its_episode_and_no_other():
    carts = CartPole(4)
    steep = 12 * math.pi / 180
    carts.state_N4 = torch.tensor([[0, 0, 0, 0], [0, 0, steep + 0.01, 0], [2.41, 0, 0, 0], [-2.39, 0, 1e-3 - steep, 0]])
    after, rewards, fell, ended = carts.step(torch.tensor([0, 1, 0, 1]))
    assert fell.tolist() == ended.tolist() == [False, True, True, False]
    assert rewards.tolist() == [1, 1, 1, 1]
    assert torch.equal(carts.state_N4[[0, 3]], after[[0, 3]])
    assert carts.state_N4[1:3].abs().max() <= 0.05
    assert carts.steps_N.tolist() == [1, 0, 0, 1]


def test_an_episode_ends_after_five_hundred_steps_without_a_fall():
    carts = CartPole(2)
    carts.state_N4 = torch.zeros(2, 4)
    carts.steps_N = torch.tensor([498, 499])
    _, _, fell, ended = carts.step(torch.tensor([0, 1]))
    assert fell.tolist() == [False, False]
    assert ended.tolist() == [False, True]
    assert carts.steps_N.tolist() == [499, 0]


def test_episodes_begin_near_upright_and_by_the_seed():
    start = CartPole(500, seed=3).state_N4
    assert start.shape == (500, 4)
    assert start.abs().max() <= 0.05
    assert start.min() < -0.04 < 0.04 < start.max()
    assert torch.equal(CartPole(500, seed=3).state_N4, start)
    assert not torch.equal(CartPole(500, seed=4).state_N4, start)
    assert CartPole(1, dtype=torch.float64).state_N4.dtype == torch.float64
