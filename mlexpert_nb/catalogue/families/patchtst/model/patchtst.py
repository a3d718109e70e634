"""PatchTST: each series is cut into patches, and a Transformer encoder reads them as words; DLinear beside it.

Papers:
    PatchTST: Nie et al. 2023, "A Time Series is Worth 64 Words", arXiv:2211.14730; section 3.1
    RevIN: Kim et al. 2022, "Reversible Instance Normalization for Accurate Time-Series Forecasting against
        Distribution Shift", ICLR 2022; eq. 1 to 3, without learned scales
    DLinear: Zeng et al. 2023, "Are Transformers Effective for Time Series Forecasting?", arXiv:2205.13504; section 4

    PatchTST, patching      T = (L - P) / S + 2 patches; the last step is repeated S times   `patches`
    PatchTST, encoder       x_d = W_p x_p + W_pos                                            `PatchTST.forward`
                            softmax(q k^T / sqrt(E)) v in N heads; BatchNorm; GELU           `EncoderLayer`
    PatchTST, head          one linear layer over all tokens of a series                     `PatchTST.forward`
    RevIN eq. 1 to 3        (x - mean) / sqrt(variance + eps), and back                      `Forecaster.forward`
    DLinear                 H_s = W_s X_s, H_t = W_t X_t, X_t the moving average             `DLinear`

Shapes: B batch, C channels, L steps that are seen, H steps that are forecast, P steps of a patch, T patches, R series
(B C), D width, N heads, E head size.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.patchtst.model.config import ModelConfig

EPS = 1e-5  # added to the variance of a series
POSITION_RANGE = 0.02  # positions start within it, as the authors' do


class Forecaster(nn.Module):
    """Forecasts every channel from its own past, `(B, C, L) -> (B, C, H)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.core = PatchTST(config) if config.kind == "patchtst" else DLinear(config)

    def forward(self, past: Tensor) -> Tensor:
        """Scale each series by its own mean and deviation if so configured, forecast, and scale back."""
        expected = (self.config.num_channels, self.config.context_length)
        if tuple(past.shape[1:]) != expected:
            raise ValueError(f"past has shape {tuple(past.shape)}; it must be (batch, *{expected}): channels, steps")
        if not self.config.instance_norm:
            return self.core(past)
        variance_BC1, mean_BC1 = torch.var_mean(past, dim=-1, correction=0, keepdim=True)
        deviation_BC1 = (variance_BC1 + EPS).sqrt()
        return self.core((past - mean_BC1) / deviation_BC1) * deviation_BC1 + mean_BC1


class PatchTST(nn.Module):
    """Transformer encoder over the patches of each series, `(B, C, L) -> (B, C, H)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.patch_embedding = nn.Linear(config.patch_length, width)
        self.position_embedding = nn.Parameter(torch.empty(config.num_patches, width))
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_layers))
        self.head_dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(config.num_patches * width, config.prediction_length)
        nn.init.uniform_(self.position_embedding, -POSITION_RANGE, POSITION_RANGE)

    def forward(self, past_BCL: Tensor) -> Tensor:
        """Forecast; every series passes through the same layers, and none sees another."""
        patches_RTP = patches(past_BCL, self.config).flatten(0, 1)
        x_RTD = self.dropout(self.patch_embedding(patches_RTP) + self.position_embedding)
        for layer in self.layers:
            x_RTD = layer(x_RTD)
        return self.head(self.head_dropout(x_RTD.flatten(1))).unflatten(0, past_BCL.shape[:2])


class EncoderLayer(nn.Module):
    """Attention and a feed-forward network, each with a residual and a norm: `(R, T, D) -> (R, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre_norm = config.pre_norm
        width, norm = config.hidden_size, TokenBatchNorm if config.norm == "batch" else nn.LayerNorm
        self.attention = Attention(config)
        self.norm_attention = norm(width)
        self.ffn = nn.Sequential(
            nn.Linear(width, config.ffn_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.ffn_size, width),
        )
        self.norm_ffn = norm(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_RTD: Tensor) -> Tensor:
        """Let the patches of a series read each other, then transform each."""
        if self.pre_norm:
            x_RTD = x_RTD + self.dropout(self.attention(self.norm_attention(x_RTD)))
            return x_RTD + self.dropout(self.ffn(self.norm_ffn(x_RTD)))
        x_RTD = self.norm_attention(x_RTD + self.dropout(self.attention(x_RTD)))
        return self.norm_ffn(x_RTD + self.dropout(self.ffn(x_RTD)))


class Attention(nn.Module):
    """Multi-head self-attention over the patches of a series, `(R, T, D) -> (R, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.out = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x_RTD: Tensor) -> Tensor:
        """Let every patch read every patch, the later ones too: all of them are past."""
        qkv_RT3NE = self.query_key_value(x_RTD).unflatten(-1, (3, self.num_heads, -1))
        q_RNTE, k_RNTE, v_RNTE = qkv_RT3NE.permute(2, 0, 3, 1, 4).unbind(0)
        mixed_RNTE = F.scaled_dot_product_attention(q_RNTE, k_RNTE, v_RNTE)
        return self.out(mixed_RNTE.transpose(1, 2).flatten(2))


class TokenBatchNorm(nn.BatchNorm1d):
    """BatchNorm of each number of a token over all tokens of the batch, `(R, T, D) -> (R, T, D)`."""

    def forward(self, x_RTD: Tensor) -> Tensor:
        """Normalise."""
        return super().forward(x_RTD.flatten(0, 1)).view_as(x_RTD)


class DLinear(nn.Module):
    """One linear layer for the trend of a series and one for the rest, `(B, C, L) -> (B, C, H)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kernel_size = config.kernel_size
        self.trend = nn.Linear(config.context_length, config.prediction_length)
        self.season = nn.Linear(config.context_length, config.prediction_length)

    def forward(self, past_BCL: Tensor) -> Tensor:
        """Forecast trend and rest, and add them."""
        trend_BCL = moving_average(past_BCL, self.kernel_size)
        return self.trend(trend_BCL) + self.season(past_BCL - trend_BCL)


def patches(past_BCL: Tensor, config: ModelConfig) -> Tensor:
    """Cut every series into patches, the oldest first: (B, C, T, P)."""
    if config.pad_end:
        past_BCL = F.pad(past_BCL, (0, config.patch_stride), mode="replicate")
    return past_BCL.unfold(-1, config.patch_length, config.patch_stride)


def moving_average(past_BCL: Tensor, kernel_size: int) -> Tensor:
    """Average over as many steps before and after each; the first and the last step stand for what lies beyond."""
    reach = kernel_size // 2
    return F.avg_pool1d(F.pad(past_BCL, (reach, reach), mode="replicate"), kernel_size, stride=1)


def build_model(**config: Any) -> Forecaster:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return Forecaster(ModelConfig(**config))
