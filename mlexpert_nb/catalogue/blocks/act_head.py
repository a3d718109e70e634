"""Adaptive computation beyond the halting head: Graves' and PonderNet's halting, and halting that really saves work.

Papers: Graves 2016, arXiv:1603.08983, eq. 5 to 13 (ACT); Banino, Balaguer & Blundell 2021, arXiv:2107.05407, eq. 2 to 6
(PonderNet).

    ponder      p_n = halt_n prod_{j<n} (1 - halt_j), the last step the rest;  loss = sum p_n CE_n + beta KL(p | prior)
    graves      stop when sum h_n >= 1 - eps;  answer = sum p_n y_n;  cost = steps + remainder

Shapes: N steps, A tokens that still run, d width; `...` stands for any token dimensions.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mlexpert_nb.catalogue.blocks.halting_head import SPREAD_EPS, halting_distribution

GRAVES_EPS = 0.01  # Graves' epsilon: lets a single step suffice

Step = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
Rule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def graves(h_N: Tensor, eps: float = GRAVES_EPS) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give Graves' step weights, number of steps, remainder and ponder cost (steps + remainder).

    The cost is differentiable through the remainder: -1 for every step before the last one taken, 0 after.
    """
    runs_N = torch.cat([torch.ones_like(h_N[:1], dtype=torch.bool), h_N.cumsum(0)[:-1] < 1 - eps])
    goes_on_N = torch.cat([runs_N[1:], torch.zeros_like(runs_N[:1])])
    spent = (h_N * goes_on_N).sum(0)
    p_N = torch.where(goes_on_N, h_N, (1 - spent) * runs_N)
    steps = runs_N.sum(0)
    return p_N, steps, 1 - spent, steps + (1 - spent)


def prior_divergence(p_N: Tensor, halt_prior: float) -> Tensor:
    """Give PonderNet's KL(p | truncated geometric) of each token; the prior halts with `halt_prior` at each step."""
    prior_N = halting_distribution(torch.full_like(p_N, halt_prior))
    return (p_N * (p_N.clamp_min(SPREAD_EPS).log() - prior_N.log())).sum(0)


def above(threshold: float) -> Rule:
    """Halt where the halting probability exceeds the threshold, with the answer of that step."""

    def rule(h_A: Tensor, spent_A: Tensor) -> tuple[Tensor, Tensor]:
        halts_A = h_A > threshold
        return halts_A, halts_A * (1 - spent_A)

    return rule


def graves_rule(h_A: Tensor, spent_A: Tensor) -> tuple[Tensor, Tensor]:
    """Halt where the halting probabilities add up to one, with the mixture of all answers."""
    halts_A = spent_A + h_A >= 1 - GRAVES_EPS
    return halts_A, torch.where(halts_A, 1 - spent_A, h_A)


def run_adaptive(
    step: Step, head: nn.Module, rule: Rule, start: tuple[Tensor, ...], num_steps: int
) -> tuple[Tensor, Tensor]:
    """Let every token run until it halts, at `num_steps` at the latest; halted tokens leave the batch.

    Args:
        step: Gives the next answer and latent from x, answer, latent and the numbers of the tokens that still run.
        head: Halting logit of an answer.
        rule: Says from the halting probability, and from the weight already spent, who halts, and weighs the answer.
        start: x, first answer and first latent, each `(A, d)`.
        num_steps: Most steps that a token may take.

    Returns:
        Weighted answer and number of steps of each token.
    """
    x_Ad, y_Ad, z_Ad = start
    active_A = torch.arange(len(x_Ad), device=x_Ad.device)
    final_Ad, spent_A, steps_A = torch.zeros_like(x_Ad), torch.zeros_like(x_Ad[:, 0]), torch.zeros_like(active_A)
    for number in range(1, num_steps + 1):
        y_Ad, z_Ad = step(x_Ad, y_Ad, z_Ad, active_A)
        halts_A, weight_A = rule(head(y_Ad).sigmoid(), spent_A[active_A])
        if number == num_steps:
            halts_A, weight_A = torch.ones_like(halts_A), 1 - spent_A[active_A]
        final_Ad[active_A] += weight_A.unsqueeze(-1) * y_Ad
        spent_A[active_A] += weight_A
        steps_A[active_A[halts_A]] = number
        x_Ad, y_Ad, z_Ad, active_A = (each[~halts_A] for each in (x_Ad, y_Ad, z_Ad, active_A))
    return final_Ad, steps_A
