"""Vision Transformer: an image is cut into patches, and a Transformer encoder reads them as a sequence.

Paper: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929; table 1 (sizes), appendix D.3 (mean).

    eq. 1   z_0 = [x_class; x_1 E; ...; x_S E] + E_pos          `VisionTransformer.tokens`
    eq. 2   z'_l = MSA(LN(z_{l-1})) + z_{l-1}                   `EncoderLayer`
    eq. 3   z_l = MLP(LN(z'_l)) + z'_l                          `EncoderLayer`
    eq. 4   y = LN(z_L^0), then a linear classifier             `VisionTransformer.forward`
    eq. 5-8 MSA: softmax(q k^T / sqrt(E)) v in N heads          `Attention`

Shapes: B batch, C channels, H height, W width, P patch size, S patches, F pixels of a patch times channels (C P P),
T tokens (S, one more with a class token), D width, N heads, E head size, K classes.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.vit.model.config import ModelConfig

INIT_STD = 0.02


class VisionTransformer(nn.Module):
    """Image classifier, `(B, C, H, W) -> (B, K)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.patch_embedding = nn.Linear(config.num_channels * config.patch_size**2, width)
        self.class_token = nn.Parameter(torch.empty(1, 1, width)) if config.pool == "cls" else None
        self.position_embedding = nn.Parameter(torch.empty(1, config.num_tokens, width))
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.head = nn.Linear(width, config.num_classes)
        self._initialise()

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Give the logits of the classes, (B, K)."""
        x_BTD = self.tokens(images_BCHW)
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        if self.class_token is None:
            return self.head(self.norm(x_BTD).mean(dim=1))
        return self.head(self.norm(x_BTD[:, 0]))

    def tokens(self, images_BCHW: Tensor) -> Tensor:
        """Embed the patches, put the class token first, and add the positions: (B, T, D)."""
        expected = (self.config.num_channels, self.config.image_size, self.config.image_size)
        if tuple(images_BCHW.shape[1:]) != expected:
            raise ValueError(f"images have shape {tuple(images_BCHW.shape)}; resize them to (batch, *{expected})")
        x_BTD = self.patch_embedding(patches(images_BCHW, self.config.patch_size))
        if self.class_token is not None:
            x_BTD = torch.cat([self.class_token.expand(len(x_BTD), -1, -1), x_BTD], dim=1)
        return self.dropout(x_BTD + self.position_embedding)

    def _initialise(self) -> None:
        """Start as the authors' code does: Xavier's weights, narrow positions; only the head is not quite zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, Attention):
                for square_DD in module.query_key_value.weight.chunk(3):  # queries, keys and values: three matrices
                    nn.init.xavier_uniform_(square_DD)
        narrow = [self.position_embedding, self.head.weight]
        for parameter in narrow if self.class_token is None else [*narrow, self.class_token]:
            nn.init.trunc_normal_(parameter, std=INIT_STD)


class EncoderLayer(nn.Module):
    """One pre-norm encoder layer, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.norm_attention = nn.LayerNorm(width, eps=eps)
        self.attention = Attention(width, config.num_heads)
        self.norm_mlp = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Sequential(
            nn.Linear(width, config.mlp_dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.mlp_dim, width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Mix the tokens, then the features of each."""
        x_BTD = x_BTD + self.dropout(self.attention(self.norm_attention(x_BTD)))
        return x_BTD + self.dropout(self.mlp(self.norm_mlp(x_BTD)))


class Attention(nn.Module):
    """Multi-head self-attention over all tokens, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Let every token attend to all of them."""
        parts = self.query_key_value(x_BTD).chunk(3, dim=-1)
        q_BNTE, k_BNTE, v_BNTE = (each.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for each in parts)
        mixed_BNTE = F.scaled_dot_product_attention(q_BNTE, k_BNTE, v_BNTE)
        return self.out(mixed_BNTE.transpose(1, 2).flatten(2))


def patches(images_BCHW: Tensor, size: int) -> Tensor:
    """Cut images into patches, row by row: (B, S, F); the pixels of a patch lie channel by channel."""
    cut_BCYPXQ = images_BCHW.unflatten(3, (-1, size)).unflatten(2, (-1, size))
    return cut_BCYPXQ.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def build_model(**config: Any) -> VisionTransformer:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return VisionTransformer(ModelConfig(**config))
