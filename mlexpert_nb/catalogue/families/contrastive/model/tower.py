"""The Transformer that reads an image: CLIP's Vision Transformer, from pixels to one vector.

Papers: Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 1-4 (a Transformer over patches); Radford et al. 2021,
arXiv:2103.00020, section 2.4 ("an additional layer normalization to the combined patch and position embeddings").

    tokens   z_0 = LN([x_class; x_1 E; ...; x_S E] + E_pos)     `ImageTower.forward`
    layer    z'_l = z_{l-1} + MSA(LN(z_{l-1}))                  `EncoderLayer`
             z_l = z'_l + MLP(LN(z'_l))                         `EncoderLayer`
    vector   h = LN(z_L^0)                                      `ImageTower.forward`
    MSA      softmax(q k^T / sqrt(E)) v in N heads              `Attention`
    MLP      W_2 a(W_1 x), a(x) = x sigmoid(1.702 x)            `quick_gelu`

Shapes: B batch, C channels, H height, W width, S patches, F pixels of a patch times channels, T tokens (S + 1 of an
image), D width, N heads, E head size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig, TowerConfig

GELU_SLOPE = 1.702  # of the sigmoid that stands in for the normal distribution in GELU (arXiv:1606.08415, section 2)


class ImageTower(nn.Module):
    """Image encoder, `(B, C, H, W) -> (B, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        tower = config.image_tower
        width, pixels = tower.hidden_size, config.num_channels * config.patch_size**2
        self.patch_size = config.patch_size
        self.image_shape = (config.num_channels, config.image_size, config.image_size)
        self.patch_embedding = nn.Linear(pixels, width, bias=False)
        self.class_token = nn.Parameter(torch.empty(width))
        self.position_embedding = nn.Parameter(torch.empty(config.num_patches + 1, width))
        self.norm_before = nn.LayerNorm(width, eps=tower.layer_norm_eps)
        self.layers = make_layers(tower)
        self.norm = nn.LayerNorm(width, eps=tower.layer_norm_eps)
        nn.init.normal_(self.patch_embedding.weight, std=pixels**-0.5)
        nn.init.normal_(self.class_token, std=width**-0.5)
        nn.init.normal_(self.position_embedding, std=width**-0.5)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Give one vector an image, (B, D): what the class token says after the last layer.

        Raises:
            ValueError: The images have another shape than the network reads.
        """
        if tuple(images_BCHW.shape[1:]) != self.image_shape:
            raise ValueError(f"images have shape {tuple(images_BCHW.shape)}; resize to (batch, *{self.image_shape})")
        patches_BSD = self.patch_embedding(patches(images_BCHW, self.patch_size))
        class_B1D = self.class_token.expand(len(patches_BSD), 1, -1)
        x_BTD = self.norm_before(torch.cat([class_B1D, patches_BSD], dim=1) + self.position_embedding)
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        return self.norm(x_BTD[:, 0])


class EncoderLayer(nn.Module):
    """One pre-norm layer, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, tower: TowerConfig) -> None:
        super().__init__()
        width, eps = tower.hidden_size, tower.layer_norm_eps
        self.norm_attention = nn.LayerNorm(width, eps=eps)
        self.attention = Attention(tower)
        self.norm_mlp = nn.LayerNorm(width, eps=eps)
        self.mlp = MLP(width, tower.mlp_dim)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Mix the tokens, then the features of each."""
        x_BTD = x_BTD + self.attention(self.norm_attention(x_BTD))
        return x_BTD + self.mlp(self.norm_mlp(x_BTD))


class Attention(nn.Module):
    """Multi-head self-attention, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, tower: TowerConfig) -> None:
        super().__init__()
        self.num_heads = tower.num_heads
        self.is_causal = tower.is_causal  # only objective=clip
        self.query_key_value = nn.Linear(tower.hidden_size, 3 * tower.hidden_size)
        self.out = nn.Linear(tower.hidden_size, tower.hidden_size)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Let every token attend to all of them."""
        parts = self.query_key_value(x_BTD).chunk(3, dim=-1)
        q_BNTE, k_BNTE, v_BNTE = (each.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for each in parts)
        mixed_BNTE = F.scaled_dot_product_attention(
            q_BNTE,
            k_BNTE,
            v_BNTE,
            is_causal=self.is_causal,  # only objective=clip
        )
        return self.out(mixed_BNTE.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two linear layers with a quick GELU between them, `(…, D) -> (…, D)`."""

    def __init__(self, width: int, mlp_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, mlp_dim)
        self.out = nn.Linear(mlp_dim, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Widen, bend, narrow."""
        return self.out(quick_gelu(self.hidden(x_BTD)))


def quick_gelu(x: Tensor) -> Tensor:
    """Bend as GELU does, with a sigmoid in place of the normal distribution."""
    return x * torch.sigmoid(GELU_SLOPE * x)


def patches(images_BCHW: Tensor, size: int) -> Tensor:
    """Cut images into patches, row by row: (B, S, F); the pixels of a patch lie channel by channel."""
    cut_BCYPXQ = images_BCHW.unflatten(3, (-1, size)).unflatten(2, (-1, size))
    return cut_BCYPXQ.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def make_layers(tower: TowerConfig) -> nn.ModuleList:
    """Build the layers and start them as CLIP's authors do: the deeper, the narrower what a layer adds."""
    layers = nn.ModuleList(EncoderLayer(tower) for _ in range(tower.num_layers))
    std = tower.hidden_size**-0.5
    for name, parameter in layers.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif "query_key_value" in name:
            nn.init.normal_(parameter, std=std)
        elif "mlp.hidden" in name:
            nn.init.normal_(parameter, std=std * 2**-0.5)
        elif "norm" not in name:
            nn.init.normal_(parameter, std=std * (2 * tower.num_layers) ** -0.5)
    return layers
