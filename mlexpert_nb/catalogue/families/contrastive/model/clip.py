"""CLIP: an image and its text are to have embeddings that are more alike than those of any other pair.

Paper: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", arXiv:2103.00020;
section 2.4 (towers), figure 3 (embeddings, loss), section 2.5 (temperature).

    figure 3   I_e = normalise(W_i f(image)), T_e = normalise(W_t g(text))             `CLIP`
               logits = exp(t) I_e T_e^T                                               `clip_loss`
               loss = (cross entropy of the rows + cross entropy of the columns) / 2   `clip_loss`
    sec. 2.5   exp(t) starts at 1 / 0.07 and never exceeds 100                         `CLIP.scale`
    sec. 2.4   a text is read from left to right; its vector is what [EOS] says        `TextTower`

Shapes: B batch, C channels, H height, W width, T tokens of a text, D width, Z numbers in an embedding.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.contrastive.model.config import ModelConfig
from mlexpert_nb.catalogue.families.contrastive.model.tower import ImageTower, make_layers

MOST_SCALE = 100.0  # that similarities are multiplied by
TOKEN_STD, POSITION_STD = 0.02, 0.01  # at the start


@dataclass(frozen=True)
class CLIPOutput:
    """Embeddings (B, Z) of images and of texts, each of length one."""

    image_embeddings: Tensor
    text_embeddings: Tensor


class CLIP(nn.Module):
    """Image tower and text tower into one space, `(B, C, H, W)` and `(B, T)` token ids -> `CLIPOutput`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.image_tower, self.text_tower = ImageTower(config), TextTower(config)
        self.image_projection = nn.Linear(config.hidden_size, config.projection_dim, bias=False)
        self.text_projection = nn.Linear(config.text_hidden_size, config.projection_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(-math.log(config.initial_temperature)))
        for projection in (self.image_projection, self.text_projection):
            nn.init.normal_(projection.weight, std=projection.in_features**-0.5)

    def forward(self, images_BCHW: Tensor, input_ids_BT: Tensor) -> CLIPOutput:
        """Embed images and texts; row i of both belongs to pair i."""
        return CLIPOutput(self.embed_images(images_BCHW), self.embed_texts(input_ids_BT))

    def embed_images(self, images_BCHW: Tensor) -> Tensor:
        """Give the embeddings of images, (B, Z)."""
        return F.normalize(self.image_projection(self.image_tower(images_BCHW)), dim=1)

    def embed_texts(self, input_ids_BT: Tensor) -> Tensor:
        """Give the embeddings of texts, (B, Z); each ends with `config.eos_token_id`, and what follows is not read."""
        return F.normalize(self.text_projection(self.text_tower(input_ids_BT)), dim=1)

    def scale(self) -> Tensor:
        """Give what similarities are multiplied by: one over the learned temperature."""
        return self.logit_scale.exp().clamp(max=MOST_SCALE)

    def loss(self, output: CLIPOutput) -> Tensor:
        """Give the symmetric cross entropy at the learned temperature."""
        return clip_loss(output.image_embeddings, output.text_embeddings, self.scale())


class TextTower(nn.Module):
    """Text encoder, `(B, T)` token ids -> `(B, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        tower = config.text_tower
        self.eos_token_id = config.eos_token_id
        self.token_embedding = nn.Embedding(config.vocab_size, tower.hidden_size)
        self.position_embedding = nn.Parameter(torch.empty(config.context_length, tower.hidden_size))
        self.layers = make_layers(tower)
        self.norm = nn.LayerNorm(tower.hidden_size, eps=tower.layer_norm_eps)
        nn.init.normal_(self.token_embedding.weight, std=TOKEN_STD)
        nn.init.normal_(self.position_embedding, std=POSITION_STD)

    def forward(self, input_ids_BT: Tensor) -> Tensor:
        """Give one vector a text, (B, D): what its first [EOS] says, or its last token where it was cut before that.

        Raises:
            ValueError: The texts are longer than the network has positions.
        """
        length, longest = input_ids_BT.shape[1], len(self.position_embedding)
        if length > longest:
            raise ValueError(f"{length} tokens are too many; cut to context_length={longest}")
        x_BTD = self.token_embedding(input_ids_BT) + self.position_embedding[:length]
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        return self.norm(x_BTD[torch.arange(len(x_BTD), device=x_BTD.device), self.ends(input_ids_BT)])

    def ends(self, input_ids_BT: Tensor) -> Tensor:
        """Give the place of the token that speaks for each text, (B,)."""
        before_BT = (input_ids_BT == self.eos_token_id).cumsum(dim=1) == 0
        return before_BT.sum(dim=1).clamp(max=input_ids_BT.shape[1] - 1)


def clip_loss(image_BZ: Tensor, text_BZ: Tensor, scale: Tensor) -> Tensor:
    """Give the symmetric cross entropy: which text goes with an image, and which image with a text (figure 3).

    Args:
        image_BZ: Embeddings of images, of length one.
        text_BZ: Embeddings of their texts, of length one.
        scale: What similarities are multiplied by.
    """
    logits_BB = scale * (image_BZ @ text_BZ.T)
    own_B = torch.arange(len(logits_BB), device=logits_BB.device)
    return (F.cross_entropy(logits_BB, own_B) + F.cross_entropy(logits_BB.T, own_B)) / 2
