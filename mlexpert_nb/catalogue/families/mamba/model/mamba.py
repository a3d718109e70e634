"""Mamba: a language model without attention; each channel remembers by a state space that the tokens themselves steer.

Paper: Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv:2312.00752; figure 3
(block), algorithm 2 (selection), section 3.6 and table 12 (initialisation, sizes); where the paper is silent, the
authors' code (state-spaces/mamba).

    block       x + W_out(y * SiLU(z)),  [u; z] = W_in RMSNorm(x),  u = SiLU(conv(u))       `MambaBlock`
    algorithm 2 [r; B; C] = W_x u,  step = softplus(W_dt r + b_dt),  A = -exp(A_log)        `MambaBlock._scan`
    eq. 2, 4    h_t = exp(step_t A) h_{t-1} + step_t B_t u_t,  y_t = C_t h_t + D u_t        `selective_scan`

Shapes: B batch, T tokens, D width, E inner width, N state size, R rank of the step size, K kernel, V vocabulary.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.mamba.model.config import ModelConfig
from mlexpert_nb.catalogue.families.mamba.model.scan import selective_scan

INIT_STD = 0.02


class BlockState(NamedTuple):
    """What a block remembers of the tokens so far: the last inputs of its convolution (B, K - 1, E), and its state."""

    inputs_BKE: Tensor
    h_BEN: Tensor


class Mamba(nn.Module):
    """Causal language model, `(B, T)` token ids -> `(B, T, V)` logits; the embedding is the output matrix."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(MambaBlock(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.layer_norm_eps)
        nn.init.normal_(self.embedding.weight, std=INIT_STD)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits of the next token at every position, (B, T, V)."""
        return self.stream(ids_BT)[0]

    def stream(
        self, ids_BT: Tensor, state: tuple[BlockState, ...] | None = None
    ) -> tuple[Tensor, tuple[BlockState, ...]]:
        """Read more tokens: give their logits, and what is remembered after them; its size does not grow.

        Args:
            ids_BT: Tokens that follow those that `state` has seen.
            state: What was remembered, left as it was; nothing yet if None.
        """
        x_BTD = self.embedding(ids_BT)
        states = []
        for layer, before in zip(self.layers, state or [None] * len(self.layers), strict=True):
            x_BTD, after = layer(x_BTD, before)
            states.append(after)
        return F.linear(self.norm(x_BTD), self.embedding.weight), tuple(states)


class MambaBlock(nn.Module):
    """One pre-norm block with its residual, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.split = (config.time_step_rank, config.state_size, config.state_size)
        self.norm = nn.RMSNorm(width, eps=config.layer_norm_eps)
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, config.conv_kernel, groups=inner)
        self.x_proj = nn.Linear(inner, sum(self.split), bias=False)
        self.dt_proj = nn.Linear(config.time_step_rank, inner)
        self.A_log = nn.Parameter(torch.empty(inner, config.state_size))
        self.D = nn.Parameter(torch.empty(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        self._initialise(config)

    def forward(self, x_BTD: Tensor, state: BlockState | None = None) -> tuple[Tensor, BlockState]:
        """Give the tokens after the block, and what it remembers."""
        u_BTE, z_BTE = self.in_proj(self.norm(x_BTD)).chunk(2, dim=-1)
        u_BTE, inputs_BKE = self._convolved(u_BTE, state and state.inputs_BKE)
        y_BTE, h_BEN = self._scan(F.silu(u_BTE), state and state.h_BEN)
        return x_BTD + self.out_proj(y_BTE * F.silu(z_BTE)), BlockState(inputs_BKE, h_BEN)

    def _convolved(self, u_BTE: Tensor, before_BKE: Tensor | None) -> tuple[Tensor, Tensor]:
        """Convolve each channel with its own past; a sum over shifts is faster than conv1d, which wants time last."""
        weight_E1K, bias_E = self.conv.parameters()
        weight_KE, length = weight_E1K[:, 0].t(), u_BTE.shape[1]
        past = len(weight_KE) - 1
        seen = F.pad(u_BTE, (0, 0, past, 0)) if before_BKE is None else torch.cat([before_BKE, u_BTE], dim=1)
        mixed_BTE = torch.addcmul(bias_E, seen[:, :length], weight_KE[0])
        for shift in range(1, past + 1):
            mixed_BTE = torch.addcmul(mixed_BTE, seen[:, shift : shift + length], weight_KE[shift])
        return mixed_BTE, seen[:, length:]

    def _scan(self, u_BTE: Tensor, h_BEN: Tensor | None) -> tuple[Tensor, Tensor]:
        """Let the tokens choose step size, writing and reading; the scan itself runs in float32 at least."""
        r_BTR, B_BTN, C_BTN = self.x_proj(u_BTE).split(self.split, dim=-1)
        dtype = torch.promote_types(u_BTE.dtype, torch.float32)
        step_BTE = F.softplus(self.dt_proj(r_BTR).to(dtype))
        A_EN = -torch.exp(self.A_log.to(dtype))
        if h_BEN is None:
            h_BEN = A_EN.new_zeros(len(u_BTE), *A_EN.shape)
        y_BTE, h_BEN = selective_scan(u_BTE.to(dtype), step_BTE, A_EN, B_BTN.to(dtype), C_BTN.to(dtype), h_BEN)
        return torch.addcmul(y_BTE, u_BTE, self.D).to(u_BTE.dtype), h_BEN

    def _initialise(self, config: ModelConfig) -> None:
        """Start with rates of 1 to N, step sizes spread over orders of magnitude, and a small residual branch."""
        _, conv_bias_E = self.conv.parameters()
        nn.init.zeros_(conv_bias_E)
        nn.init.ones_(self.D)
        low, high = math.log(config.time_step_min), math.log(config.time_step_max)
        bound = config.time_step_rank**-0.5
        nn.init.uniform_(self.dt_proj.weight, -bound, bound)
        nn.init.uniform_(self.dt_proj.bias, low, high)
        with torch.no_grad():
            self.A_log.copy_(torch.arange(1, config.state_size + 1).log().expand_as(self.A_log))
            steps_E = self.dt_proj.bias.exp()
            self.dt_proj.bias.copy_(steps_E + torch.log(-torch.expm1(-steps_E)))  # softplus undoes it
            self.out_proj.weight.div_(math.sqrt(config.num_hidden_layers))


def build_model(**config: Any) -> Mamba:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return Mamba(ModelConfig(**config))
