"""Halting head: says per token when to stop, and learns it from whether the answer is right.

Papers: Jolicoeur-Martineau 2025 (Tiny Recursive Model), arXiv:2510.04871, sec. 4.6 (halt when the answer is right);
Banino, Balaguer & Blundell 2021 (PonderNet), arXiv:2107.05407, eq. 2 (chance to halt at a step).

    target      c_s = [argmax logits_s = label] of each token;  loss = BCE(q_s, c_s) over steps and valid tokens
    chance      p_n = halt_n prod_{j<n} (1 - halt_j), the last step takes the rest
    diversity   e_i = E[N] of token i under sharpened halting;  loss = relu(gamma - std_i(e_i)) / gamma

The standard deviation, not the variance, keeps a constant gradient while the spread goes to zero. Every decision is
made per token, never from a mean over time or batch.
Shapes: N steps, B batch, T tokens, d width; `...` stands for any token dimensions.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SPREAD_EPS = 1e-8  # keeps the square root differentiable where all tokens agree


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


def masked_mean(x_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Average over the valid tokens; 0 if there are none."""
    return torch.where(mask_BT, x_BT, 0.0).sum() / mask_BT.sum().clamp_min(1)
