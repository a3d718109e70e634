"""BERT: a Transformer encoder that fills in masked tokens, reading what stands on both sides of them.

Paper: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", arXiv:1810.04805; section 3 (layers,
sizes), section 3.1 task 1 and appendix A.1 (masking), figure 2 (embeddings). The layer is the encoder layer of Vaswani
et al. 2017, arXiv:1706.03762; small sizes: Turc et al. 2019, arXiv:1908.08962.

    figure 2    x_0 = LN(E_token + E_position + E_type)                 `Bert.encode`
    layer       a_l = LN(x_{l-1} + MSA(x_{l-1})),                       `EncoderLayer`
                x_l = LN(a_l + W_2 GELU(W_1 a_l + b_1) + b_2)
    attention   MSA: softmax(q k^T / sqrt(E)) v in N heads              `Attention`
    task 1      logits = LN(GELU(W x_L + b)) E_token^T + b_token        `MaskedTokenHead`
    A.1         of the masked: 80 % [MASK], 10 % random, 10 % as is     `mask_tokens`

Shapes: B batch, T tokens, D width, N heads, E head size, V vocabulary.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.bert.model.config import ModelConfig

INIT_STD = 0.02
MASKED_SHARE = 0.15  # of the tokens of a sequence
MASK_SHARE, RANDOM_SHARE = 0.8, 0.1  # of the masked ones; the rest stays as it is
IGNORED = -100  # label of a token that is not to be predicted


class Bert(nn.Module):
    """Masked language model, `(B, T)` token ids -> `(B, T, V)` logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.token_embedding = nn.Embedding(config.vocab_size, width)
        self.position_embedding = nn.Embedding(config.max_position_embeddings, width)
        self.type_embedding = nn.Embedding(config.type_vocab_size, width)
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))
        self.head = MaskedTokenHead(config)
        self.apply(_initialise)

    def forward(
        self, input_ids_BT: Tensor, attention_mask_BT: Tensor | None = None, token_type_ids_BT: Tensor | None = None
    ) -> Tensor:
        """Give the logits of the token at each place, (B, T, V)."""
        x_BTD = self.encode(input_ids_BT, attention_mask_BT, token_type_ids_BT)
        return self.head(x_BTD, self.token_embedding.weight)

    def encode(
        self, input_ids_BT: Tensor, attention_mask_BT: Tensor | None = None, token_type_ids_BT: Tensor | None = None
    ) -> Tensor:
        """Give what the last layer says of each token, (B, T, D).

        Args:
            input_ids_BT: Token ids.
            attention_mask_BT: True where there is a token, False where there is padding; no padding if None.
            token_type_ids_BT: Segment of each token; 0 everywhere if None.

        Raises:
            ValueError: The sequence is longer than the network has positions.
        """
        length, longest = input_ids_BT.shape[1], self.config.max_position_embeddings
        if length > longest:
            raise ValueError(f"{length} tokens are too many; cut to max_position_embeddings={longest}")
        types = self.type_embedding.weight[0] if token_type_ids_BT is None else self.type_embedding(token_type_ids_BT)
        x_BTD = self.token_embedding(input_ids_BT) + types + self.position_embedding.weight[:length]
        x_BTD = self.dropout(self.norm(x_BTD))
        mask_B11T = None if attention_mask_BT is None else attention_mask_BT.bool()[:, None, None, :]
        for layer in self.layers:
            x_BTD = layer(x_BTD, mask_B11T)
        return x_BTD


class EncoderLayer(nn.Module):
    """One post-norm encoder layer, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.attention = Attention(config)
        self.norm_attention = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Sequential(
            nn.Linear(width, config.intermediate_size),
            nn.GELU(),
            nn.Linear(config.intermediate_size, width),
        )
        self.norm_mlp = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, mask_B11T: Tensor | None) -> Tensor:
        """Attend where the mask is True, then think at each place alone."""
        x_BTD = self.norm_attention(x_BTD + self.dropout(self.attention(x_BTD, mask_B11T)))
        return self.norm_mlp(x_BTD + self.dropout(self.mlp(x_BTD)))


class Attention(nn.Module):
    """Multi-head self-attention in both directions, `(B, T, D) -> (B, T, D)`; padding is never a key."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads, self.dropout = config.num_attention_heads, config.dropout
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.out = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x_BTD: Tensor, mask_B11T: Tensor | None) -> Tensor:
        """Mix the tokens where the mask is True; without a mask all of them."""
        qkv_BT3NE = self.query_key_value(x_BTD).unflatten(-1, (3, self.num_heads, -1))
        q_BNTE, k_BNTE, v_BNTE = qkv_BT3NE.permute(2, 0, 3, 1, 4).unbind(0)
        share = self.dropout if self.training else 0.0
        mixed_BNTE = F.scaled_dot_product_attention(q_BNTE, k_BNTE, v_BNTE, mask_B11T, dropout_p=share)
        return self.out(mixed_BNTE.transpose(1, 2).flatten(2))


class MaskedTokenHead(nn.Module):
    """Logits of the tokens from the last layer, `(B, T, D) -> (B, T, V)`; the token embedding is the output matrix."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, x_BTD: Tensor, embedding_VD: Tensor) -> Tensor:
        """Compare every place with every token."""
        return F.linear(self.norm(F.gelu(self.transform(x_BTD))), embedding_VD, self.bias)


def mask_tokens(
    ids_BT: Tensor, maskable_BT: Tensor, config: ModelConfig, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Mask 15 % of the tokens of each sequence, at least one, for the network to fill in.

    Args:
        ids_BT: Token ids.
        maskable_BT: False where nothing may be masked: padding, and tokens such as [CLS] and [SEP].
        config: Knows the mask token and the vocabulary.
        generator: Draws the places and the random tokens; the global one if None.

    Returns:
        The ids to read, and the labels: the true ids where tokens were masked, -100 elsewhere.
    """
    draw_BT, kind_BT = (torch.rand(ids_BT.shape, generator=generator, device=ids_BT.device) for _ in range(2))
    rank_BT = draw_BT.masked_fill(~maskable_BT, 2.0).argsort(dim=1).argsort(dim=1)
    count_B1 = (MASKED_SHARE * maskable_BT.sum(dim=1, keepdim=True)).round().clamp_min(1)
    masked_BT = (rank_BT < count_B1) & maskable_BT
    random_BT = torch.randint(config.vocab_size, ids_BT.shape, generator=generator, device=ids_BT.device)
    read_BT = ids_BT.masked_fill(masked_BT & (kind_BT < MASK_SHARE), config.mask_token_id)
    read_BT = torch.where(masked_BT & (kind_BT >= 1 - RANDOM_SHARE), random_BT, read_BT)
    return read_BT, ids_BT.masked_fill(~masked_BT, IGNORED)


def build_model(**config: Any) -> Bert:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return Bert(ModelConfig(**config))


def _initialise(module: nn.Module) -> None:
    """Draw weights from a narrow normal distribution, cut at two standard deviations; biases start at zero."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.trunc_normal_(module.weight, std=INIT_STD, a=-2 * INIT_STD, b=2 * INIT_STD)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
