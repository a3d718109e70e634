"""Feed-forward layers: SwiGLU, GELU, and experts of which each token visits a few.

Papers: Shazeer 2020, arXiv:2002.05202, eq. 6 (SwiGLU); Jiang et al. 2024, arXiv:2401.04088, sec. 2.1 (top-k experts of
SwiGLU); Fedus, Zoph & Shazeer 2021, arXiv:2101.03961, eq. 4 to 6 (load balancing).
Shapes: B batch, T tokens, A = B T, D width, F hidden size, E experts, k experts of a token.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig

INIT_STD = 0.02


class SwiGLU(nn.Module):
    """`W_out (SiLU(x W_gate) * x W_up)`, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=config.bias)
        self.out = nn.Linear(config.intermediate_size, config.hidden_size, bias=config.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Transform each token on its own."""
        gate, up = self.gate_up(x_BTD).chunk(2, -1)
        return self.out(F.silu(gate) * up)


class GELU(nn.Module):
    """`W_out GELU(x W_in)` as in GPT-2, with the tanh form of GELU, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.bias)
        self.out = nn.Linear(config.intermediate_size, config.hidden_size, bias=config.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Transform each token on its own."""
        return self.out(F.gelu(self.up(x_BTD), approximate="tanh"))


class Experts(nn.Module):
    """The `top_k` experts that a router likes best, weighted by how much, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        D, F_, E = config.hidden_size, config.intermediate_size, config.num_experts
        self.top_k = config.top_k
        self.router = nn.Linear(D, E, bias=False)
        self.gate_up = nn.Parameter(torch.randn(E, 2 * F_, D) * INIT_STD)
        self.out = nn.Parameter(torch.randn(E, D, F_) * INIT_STD)

    def forward(self, x_BTD: Tensor) -> tuple[Tensor, Tensor]:
        """Give what the chosen experts make of each token, and the router's logits (A, E)."""
        x_AD = x_BTD.flatten(0, 1)
        logits_AE = self.router(x_AD)
        weight_Ak, chosen_Ak = logits_AE.softmax(-1, dtype=_float32(x_AD)).topk(self.top_k)
        weight_Ak = (weight_Ak / weight_Ak.sum(-1, keepdim=True)).to(x_AD.dtype)
        y_AD = torch.zeros_like(x_AD)
        for expert, (gate_up, out) in enumerate(zip(self.gate_up.unbind(), self.out.unbind(), strict=True)):
            token, slot = (chosen_Ak == expert).nonzero(as_tuple=True)
            gate, up = F.linear(x_AD[token], gate_up).chunk(2, -1)
            part = F.linear(F.silu(gate) * up, out) * weight_Ak[token, slot, None]
            y_AD = y_AD.index_add(0, token, part)
        return y_AD.view_as(x_BTD), logits_AE


def balance_loss(logits: Sequence[Tensor], top_k: int) -> Tensor:
    """Give E times the sum over experts of (share of tokens) x (mean chance): k where all experts are used alike.

    Args:
        logits: Router logits (A, E) of each block.
        top_k: Experts that a token visits.
    """
    chance_AE = torch.cat(list(logits)).softmax(-1)
    chosen_Ak = chance_AE.topk(top_k).indices
    share_E = F.one_hot(chosen_Ak, chance_AE.shape[1]).to(chance_AE.dtype).mean(0).sum(0)
    return chance_AE.shape[1] * (share_E * chance_AE.mean(0)).sum()


def _float32(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)
