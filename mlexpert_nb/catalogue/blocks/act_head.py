"""Adaptive computation: a head that says per token when to stop, its losses, and halting that really saves work.

Papers: Graves 2016, arXiv:1603.08983, eq. 5 to 13 (ACT); Banino, Balaguer & Blundell 2021, arXiv:2107.05407, eq. 2 to 6
(PonderNet); Jolicoeur-Martineau 2025, arXiv:2510.04871, sec. 4.6 (TRM: halt when the answer is right).

    qhalt       target c_s = [argmax logits_s = label] of each token;  loss = BCE(q_s, c_s) over steps and valid tokens
    ponder      p_n = halt_n prod_{j<n} (1 - halt_j), the last step the rest;  loss = sum p_n CE_n + beta KL(p | prior)
    graves      stop when sum h_n >= 1 - eps;  answer = sum p_n y_n;  cost = steps + remainder
    diversity   e_i = E[N] of token i under sharpened halting;  loss = relu(gamma - std_i(e_i)) / gamma

The standard deviation, not the variance, keeps a constant gradient while the spread goes to zero. Every decision is
made per token, never from a mean over time or batch.
Shapes: N steps, B batch, T tokens, A tokens that still run, d width; `...` stands for any token dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRAVES_EPS = 0.01  # Graves' epsilon: lets a single step suffice
SPREAD_EPS = 1e-8  # keeps the square root differentiable where all tokens agree

Step = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
Rule = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class ActWeights:
    """Weights of the halting losses.

    Attributes:
        lambda_halt: Weight of the halting target.
        lambda_div: Weight of the diversity term.
        lambda_ponder: Price of one step.
        gamma: Spread of the expected steps, in steps, that the diversity term asks for.
        tau: Temperature that sharpens the halting probability inside the diversity term.
    """

    lambda_halt: float = 0.5
    lambda_div: float = 0.1
    lambda_ponder: float = 0.0
    gamma: float = 0.5
    tau: float = 0.5


class HaltingHead(nn.Module):
    """One halting logit a token, `(..., d) -> (...)`; the bias makes a fresh head go on."""

    def __init__(self, dim: int, *, bias: float, std: float) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1)
        nn.init.normal_(self.score.weight, std=std)
        nn.init.constant_(self.score.bias, bias)

    def forward(self, y: Tensor) -> Tensor:
        """Score each token: above zero it would halt at the threshold 0.5."""
        return self.score(y).squeeze(-1)


def halting_distribution(halt_N: Tensor) -> Tensor:
    """Turn the halting probability of each step into P(halt at step n); the last step takes what is left."""
    go_on_N = torch.cat([torch.ones_like(halt_N[:1]), (1 - halt_N[:-1]).cumprod(0)])
    return go_on_N * torch.cat([halt_N[:-1], torch.ones_like(halt_N[:1])])


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


def halting_loss(
    q_logit_NBT: Tensor,
    correct_NBT: Tensor,
    mask_BT: Tensor,
    weights: ActWeights,
    *,
    head_logit_NBT: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weigh the halting target, the diversity term and the price of the expected steps over the valid tokens.

    Args:
        q_logit_NBT: Halting logits of each step.
        correct_NBT: Whether the answer of that step is right.
        mask_BT: Which tokens count.
        weights: How much each term counts.
        head_logit_NBT: Logits for the last two terms where these shall train the head alone: the head on detached
            answers.
    """
    spread_NBT = q_logit_NBT if head_logit_NBT is None else head_logit_NBT
    target_NBT = correct_NBT.to(q_logit_NBT.dtype)
    bce_NBT = F.binary_cross_entropy_with_logits(q_logit_NBT, target_NBT, reduction="none")
    terms = {
        "halt": masked_mean(bce_NBT.mean(0), mask_BT),
        "div": diversity(expected_steps(spread_NBT / weights.tau), mask_BT, weights.gamma),
        "ponder": masked_mean(expected_steps(spread_NBT), mask_BT),
    }
    total = weights.lambda_halt * terms["halt"] + weights.lambda_div * terms["div"]
    return total + weights.lambda_ponder * terms["ponder"], terms


def expected_steps(q_logit_N: Tensor) -> Tensor:
    """Give E[N] of each token, in steps from 1."""
    p_N = halting_distribution(q_logit_N.sigmoid())
    steps_N = torch.arange(1, p_N.shape[0] + 1, device=p_N.device, dtype=p_N.dtype)
    return torch.einsum("n,n...->...", steps_N, p_N)


def diversity(steps_BT: Tensor, mask_BT: Tensor, gamma: float) -> Tensor:
    """Ask that the expected steps of the valid tokens spread by gamma; fewer than two tokens cannot spread: 0."""
    variance = masked_mean((steps_BT - masked_mean(steps_BT, mask_BT)).square(), mask_BT)
    return F.relu(gamma - (variance + SPREAD_EPS).sqrt()) / gamma * (mask_BT.sum() > 1)


def prior_divergence(p_N: Tensor, halt_prior: float) -> Tensor:
    """Give PonderNet's KL(p | truncated geometric) of each token; the prior halts with `halt_prior` at each step."""
    prior_N = halting_distribution(torch.full_like(p_N, halt_prior))
    return (p_N * (p_N.clamp_min(SPREAD_EPS).log() - prior_N.log())).sum(0)


def masked_mean(x_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Average over the valid tokens; 0 if there are none."""
    return torch.where(mask_BT, x_BT, 0.0).sum() / mask_BT.sum().clamp_min(1)


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
