"""Networks for tables: FT-Transformer, which makes a token of each column, and ResNet, which reads a row as a vector.

Paper: Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", arXiv:2106.11959.

    section 3.2   ResNetBlock(x) = x + Dropout(Linear(Dropout(ReLU(Linear(BatchNorm(x))))))     `ResNetLayer`
                  Prediction(x) = Linear(ReLU(BatchNorm(x)))                                    `TabularResNet`
    section 3.3   T_j = b_j + x_j W_j for a number, b_j + W_j[x_j] for a category               `Tokens`
                  T = [class token; T_1; ...], then L pre-norm layers, no norm before the first `TransformerLayer`
                  Prediction(T) = Linear(ReLU(LayerNorm(T_class)))                              `FTTransformer`
    appendix      ReGLU: FFN(x) = W_2 (a * ReLU(b)) with a, b = W_1 x                           `GatedFFN`

Shapes: B rows, N columns of numbers, C columns of categories, T tokens (1 + N + C), Q tokens that ask, D width,
H heads, F hidden width of a layer, O outputs.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.tabular.model.config import ModelConfig


class FTTransformer(nn.Module):
    """Feature tokens and a Transformer, `(B, N) and (B, C) -> (B, O)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = Tokens(config)
        self.layers = nn.ModuleList(TransformerLayer(config, is_first=n == 0) for n in range(config.num_layers))
        self.norm = nn.LayerNorm(config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.num_outputs)

    def forward(self, x_num: Tensor | None = None, x_cat: Tensor | None = None) -> Tensor:
        """Give the logits of the classes or the numbers, (B, O); leave out a kind of column that the table lacks."""
        check_columns(self.config, x_num, x_cat)
        x_BTD = self.tokens(x_num, x_cat)
        *layers, last = self.layers
        for layer in layers:
            x_BTD = layer(x_BTD)
        x_B1D = last(x_BTD, num_asking=1)  # no other token is read any more
        return self.head(F.relu(self.norm(x_B1D[:, 0])))


class Tokens(nn.Module):
    """One token for each column, and a class token before them: `(B, N) and (B, C) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.weight = nn.Parameter(torch.empty(config.num_features, width)) if config.num_features else None
        self.bias = nn.Parameter(torch.empty(config.num_columns, width))
        self.categories = Categories(config.cardinalities, width)
        for parameter in (self.class_token, self.weight, self.bias):
            if parameter is not None:
                nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        """Embed the columns."""
        parts = []
        if x_num is not None and self.weight is not None:
            parts.append(x_num[:, :, None] * self.weight)
        if x_cat is not None:
            parts.append(self.categories(x_cat))
        columns_BTD = torch.cat(parts, dim=1) + self.bias
        return torch.cat([self.class_token.expand(len(columns_BTD), -1, -1), columns_BTD], dim=1)


class Categories(nn.ModuleList):
    """One table of vectors for each column of categories, `(B, C) -> (B, C, width)`."""

    def __init__(self, cardinalities: tuple[int, ...], width: int) -> None:
        tables = [nn.Embedding(each, width) for each in cardinalities]
        for table in tables:
            nn.init.uniform_(table.weight, -(width**-0.5), width**-0.5)
        super().__init__(tables)

    def forward(self, x_cat: Tensor) -> Tensor:
        """Look every category up in the table of its column."""
        return torch.stack([table(column_B) for table, column_B in zip(self, x_cat.unbind(1), strict=True)], dim=1)


class TransformerLayer(nn.Module):
    """One pre-norm layer, in which the first tokens, or all, ask all of them: `(B, T, D) -> (B, Q, D)`."""

    def __init__(self, config: ModelConfig, *, is_first: bool) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm_attention = nn.Identity() if is_first else nn.LayerNorm(width)
        self.attention = Attention(config)
        self.norm_ffn = nn.LayerNorm(width)
        self.ffn = GatedFFN(config)
        self.dropout = nn.Dropout(config.residual_dropout)

    def forward(self, x_BTD: Tensor, num_asking: int | None = None) -> Tensor:
        """Attend, then transform each asking token."""
        y_BTD = self.norm_attention(x_BTD)
        x_BQD = x_BTD[:, :num_asking] + self.dropout(self.attention(y_BTD[:, :num_asking], y_BTD))
        return x_BQD + self.dropout(self.ffn(self.norm_ffn(x_BQD)))


class Attention(nn.Module):
    """Multi-head attention, `(B, Q, D) and (B, T, D) -> (B, Q, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.num_heads, self.dropout = config.num_heads, config.attention_dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        for linear in (self.query, self.key_value, self.out):
            nn.init.zeros_(linear.bias)

    def forward(self, x_BQD: Tensor, x_BTD: Tensor) -> Tensor:
        """Let every asking token read all tokens."""
        q_BHQE = self.query(x_BQD).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        kv_BT2HE = self.key_value(x_BTD).unflatten(-1, (2, self.num_heads, -1))
        k_BHTE, v_BHTE = kv_BT2HE.permute(2, 0, 3, 1, 4).unbind(0)
        dropout = self.dropout if self.training else 0.0
        mixed_BHQE = F.scaled_dot_product_attention(q_BHQE, k_BHTE, v_BHTE, dropout_p=dropout)
        return self.out(mixed_BHQE.transpose(1, 2).flatten(2))


class GatedFFN(nn.Module):
    """Two dense layers with ReGLU between them, `(..., D) -> (..., D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.wide = nn.Linear(config.hidden_size, 2 * config.ffn_size)
        self.narrow = nn.Linear(config.ffn_size, config.hidden_size)
        self.dropout = nn.Dropout(config.ffn_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Widen, gate, narrow."""
        value, gate = self.wide(x).chunk(2, dim=-1)
        return self.narrow(self.dropout(value * F.relu(gate)))


class TabularResNet(nn.Module):
    """Residual network over the whole row, `(B, N) and (B, C) -> (B, O)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.categories = Categories(config.cardinalities, config.embedding_size)
        num_inputs = config.num_features + len(config.cardinalities) * config.embedding_size
        self.stem = nn.Linear(num_inputs, width)
        self.layers = nn.ModuleList(ResNetLayer(config) for _ in range(config.num_layers))
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Linear(width, config.num_outputs)

    def forward(self, x_num: Tensor | None = None, x_cat: Tensor | None = None) -> Tensor:
        """Give the logits of the classes or the numbers, (B, O); leave out a kind of column that the table lacks."""
        check_columns(self.config, x_num, x_cat)
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts.append(self.categories(x_cat).flatten(1))
        x_BD = self.stem(torch.cat(parts, dim=1))
        for layer in self.layers:
            x_BD = layer(x_BD)
        return self.head(F.relu(self.norm(x_BD)))


class ResNetLayer(nn.Module):
    """One residual layer, `(B, D) -> (B, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(config.hidden_size)
        self.wide = nn.Linear(config.hidden_size, config.ffn_size)
        self.narrow = nn.Linear(config.ffn_size, config.hidden_size)
        self.ffn_dropout = nn.Dropout(config.ffn_dropout)
        self.residual_dropout = nn.Dropout(config.residual_dropout)

    def forward(self, x_BD: Tensor) -> Tensor:
        """Normalise, widen, narrow, add."""
        hidden_BF = self.ffn_dropout(F.relu(self.wide(self.norm(x_BD))))
        return x_BD + self.residual_dropout(self.narrow(hidden_BF))


def check_columns(config: ModelConfig, x_num: Tensor | None, x_cat: Tensor | None) -> None:
    """Refuse rows whose columns are not those of the configuration."""
    for name, x, count in (("x_num", x_num, config.num_features), ("x_cat", x_cat, len(config.cardinalities))):
        given = None if x is None else tuple(x.shape)
        if (given is not None) != (count > 0) or (given is not None and given[1:] != (count,)):
            needed = f"it must be (batch, {count})" if count else "leave it out: the table has no such column"
            raise ValueError(f"{name} has shape {given}; {needed}")


def build_model(**config: Any) -> FTTransformer | TabularResNet:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    checked = ModelConfig(**config)
    return FTTransformer(checked) if checked.kind == "ft_transformer" else TabularResNet(checked)
