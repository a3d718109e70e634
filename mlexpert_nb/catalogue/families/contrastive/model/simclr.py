"""SimCLR: two views of an image are to have embeddings that are more alike than those of any other two images.

Paper: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", arXiv:2002.05709;
section 2.1 (encoder f, projection head g), eq. 1 and algorithm 1 (NT-Xent).

    section 2.1   h_i = f(x_i), z_i = g(h_i) = W_2 relu(W_1 h_i)                       `SimCLR`
    eq. 1         l_ij = -log(exp(s_ij / tau) / sum over k, not i, of exp(s_ik / tau)) `nt_xent`
                  with s_ij = cosine of z_i and z_j, i and j the two views of an image

Shapes: B batch, C channels, H height, W width, D width, Z numbers in an embedding, V views (2 B).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig
from mlexpert_nb.catalogue.families.contrastive.model.tower import ImageTower


@dataclass(frozen=True)
class TwoViews:
    """Embeddings (B, Z) of the two views of each image."""

    embeddings_a: Tensor
    embeddings_b: Tensor


class SimCLR(nn.Module):
    """Image encoder and projection head, two views `(B, C, H, W)` -> `TwoViews`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.image_tower = ImageTower(config)
        self.projection = nn.Sequential(
            nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, config.proj_out_dim, bias=False)
        )

    def forward(self, view_a_BCHW: Tensor, view_b_BCHW: Tensor) -> TwoViews:
        """Embed two views of the same images; row i of both belongs to image i."""
        embeddings_VZ = self.projection(self.encode(torch.cat([view_a_BCHW, view_b_BCHW])))
        return TwoViews(*embeddings_VZ.chunk(2))

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Give the representation h of images, (B, D): what later tasks read, without the projection head."""
        return self.image_tower(images_BCHW)

    def loss(self, output: TwoViews) -> Tensor:
        """Give NT-Xent at the temperature of the configuration."""
        return nt_xent(output.embeddings_a, output.embeddings_b, self.config.temperature)


def nt_xent(a_BZ: Tensor, b_BZ: Tensor, temperature: float) -> Tensor:
    """Give the normalised temperature-scaled cross entropy (eq. 1), averaged over all views of all images.

    Args:
        a_BZ: Embeddings of one view of each image, of any length.
        b_BZ: Embeddings of the other view.
        temperature: Divides the cosines.
    """
    z_VZ = F.normalize(torch.cat([a_BZ, b_BZ]), dim=1)
    similarity_VV = z_VZ @ z_VZ.T / temperature
    itself_VV = torch.eye(len(z_VZ), dtype=torch.bool, device=z_VZ.device)
    partner_V = torch.arange(len(z_VZ), device=z_VZ.device).roll(len(a_BZ))
    return F.cross_entropy(similarity_VV.masked_fill(itself_VV, -torch.inf), partner_V)
