"""Perceiver IO: a few latents read a long input by cross-attention, attend to each other, and are read by a query.

Papers: Jaegle et al. 2021, "Perceiver IO", arXiv:2107.14795, section 3.1 and appendix E (`AttentionLayer`, eq. 1-6);
Jaegle et al. 2021, "Perceiver", arXiv:2103.03206 (shared weights of the blocks). The cost of reading is linear in the
pixels; that of everything after it does not depend on them.

    encode   z = read(latents, x): cross-attention to x, then an MLP      `Perceiver.encode`
    process  z = layer(z): self-attention among the latents, then an MLP  `Perceiver.encode`
    decode   y = answer(query, z): cross-attention to z, then an MLP      `Perceiver.forward`

Shapes: B batch, C channels, H height, W width, S pixels, M channels of an embedding, I input channels (2 M), L latents,
D width of a latent, Q queries or latents that attend, T what they attend to, N heads, E head size, K classes.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.perceiver.model.config import ModelConfig

INIT_STD = 0.02


class Perceiver(nn.Module):
    """Image classifier, `(B, C, H, W) -> (B, K)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        embedding, width = config.d_model, config.d_latents
        self.pixel_embedding = nn.Linear(config.num_channels, embedding)
        self.positions = nn.Parameter(torch.empty(config.num_pixels, embedding))
        self.position_projection = nn.Linear(embedding, embedding)
        self.latents = nn.Parameter(torch.empty(config.num_latents, width))
        self.read = AttentionLayer(config, config.num_cross_attention_heads, 2 * embedding)
        self.layers = nn.ModuleList(
            AttentionLayer(config, config.num_self_attention_heads) for _ in range(config.num_self_attends_per_block)
        )
        self.query = nn.Parameter(torch.empty(1, width))
        self.answer = AttentionLayer(config, 1, width)
        self.head = nn.Linear(width, config.num_classes)
        self._initialise()

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Give the logits of the classes, (B, K)."""
        z_BLD = self.encode(self.inputs(images_BCHW))
        answer_B1D = self.answer(self.query.expand(len(z_BLD), -1, -1), z_BLD)
        return self.head(answer_B1D[:, 0])

    def inputs(self, images_BCHW: Tensor) -> Tensor:
        """Give every pixel as its embedding with that of its position beside it, (B, S, I)."""
        expected = (self.config.num_channels, self.config.image_size, self.config.image_size)
        if tuple(images_BCHW.shape[1:]) != expected:
            raise ValueError(f"images have shape {tuple(images_BCHW.shape)}; resize them to (batch, *{expected})")
        pixels_BSM = self.pixel_embedding(images_BCHW.flatten(2).transpose(1, 2))
        positions_SM = self.position_projection(self.positions)
        return torch.cat([pixels_BSM, positions_SM.expand_as(pixels_BSM)], dim=-1)

    def encode(self, x_BSI: Tensor) -> Tensor:
        """Let the latents read the input, then each other, block after block: (B, L, D)."""
        z_BLD = self.read(self.latents.expand(len(x_BSI), -1, -1), x_BSI)
        for _ in range(self.config.num_blocks):
            for layer in self.layers:
                z_BLD = layer(z_BLD)
        return z_BLD

    def _initialise(self) -> None:
        """Start weights by the width of what they read, latents narrow, positions as wide as normalised pixels.

        The authors' code starts the positions narrow too; wide ones tell pixels apart from the first step.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.positions)
        nn.init.normal_(self.latents, std=INIT_STD)
        nn.init.normal_(self.query, std=INIT_STD)


class AttentionLayer(nn.Module):
    """Attention to an input, or to each other where there is none, then an MLP; each adds to what it is given.

    Args:
        config: Configuration of the network.
        num_heads: Heads.
        input_channels: Channels of the input that is attended to, which keys and values keep; None for self-attention.
    """

    def __init__(self, config: ModelConfig, num_heads: int, input_channels: int | None = None) -> None:
        super().__init__()
        width = config.d_latents
        self.norm_attention = nn.LayerNorm(width)
        self.norm_input = nn.LayerNorm(input_channels) if input_channels else None
        self.attention = Attention(width, input_channels or width, num_heads, config.dropout)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, config.mlp_dim), nn.GELU(), nn.Linear(config.mlp_dim, width))

    def forward(self, z_BQD: Tensor, x_BTI: Tensor | None = None) -> Tensor:
        """Attend, then let every row think by itself."""
        query_BQD = self.norm_attention(z_BQD)
        source = query_BQD if self.norm_input is None else self.norm_input(x_BTI)
        z_BQD = z_BQD + self.attention(query_BQD, source)
        return z_BQD + self.mlp(self.norm_mlp(z_BQD))


class Attention(nn.Module):
    """Multi-head attention of queries to a source, as wide inside as the source."""

    def __init__(self, width: int, source_channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.query = nn.Linear(width, source_channels)
        self.key_value = nn.Linear(source_channels, 2 * source_channels)
        self.out = nn.Linear(source_channels, width)

    def forward(self, query_BQD: Tensor, source_BTI: Tensor) -> Tensor:
        """Give what every query finds in the source, (B, Q, D)."""
        parts = (self.query(query_BQD), *self.key_value(source_BTI).chunk(2, dim=-1))
        q_BNQE, k_BNTE, v_BNTE = (each.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for each in parts)
        dropped = self.dropout if self.training else 0.0
        found_BNQE = F.scaled_dot_product_attention(q_BNQE, k_BNTE, v_BNTE, dropout_p=dropped)
        return self.out(found_BNQE.transpose(1, 2).flatten(2))


def build_model(**config: Any) -> Perceiver:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return Perceiver(ModelConfig(**config))
