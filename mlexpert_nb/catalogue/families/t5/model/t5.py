"""T5: an encoder-decoder Transformer that turns text into text; it knows positions by their distance alone.

Paper: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
arXiv:1910.10683; section 2.1 (architecture, relative positions), section 3.1.1 (sizes). Gated feed-forward layer (T5
1.1): Shazeer 2020, arXiv:2002.05202; small sizes: Tay et al. 2021, arXiv:2109.10686. Where the paper is silent, the
authors' code (google-research/text-to-text-transfer-transformer, Mesh TensorFlow) decides: initialisation, buckets.

    layer       x + Dropout(f(RMSNorm(x))) for each of self-attention, cross-attention, feed-forward   `Residual`
    attention   softmax(q k^T + b) v, without division by sqrt(E)                                      `Attention`
    positions   b = table[bucket(key place - query place), head], shared by the layers of a stack      `Stack`
    bucket      exact for near places, logarithmic for far ones, one for all beyond                    `bucket`
    output      logits = (x / sqrt(D)) E^T with the shared embedding; x W^T without it                 `T5Model.decode`

Shapes: B batch, S source tokens, T target tokens, D width, N heads, E head size, F feed-forward width, V vocabulary; in
attention T queries and S keys.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlexpert_nb.catalogue.families.t5.model.config import ModelConfig


class T5Model(nn.Module):
    """Encoder-decoder, `(B, S)` and `(B, T)` token ids -> `(B, T, V)` logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = Stack(config, is_decoder=False)
        self.decoder = Stack(config, is_decoder=True)
        self.output = None if config.tie_word_embeddings else nn.Linear(config.d_model, config.vocab_size, bias=False)
        nn.init.normal_(self.embedding.weight)
        if self.output is not None:
            nn.init.normal_(self.output.weight)

    def forward(
        self, input_ids_BS: Tensor, decoder_input_ids_BT: Tensor, attention_mask_BS: Tensor | None = None
    ) -> Tensor:
        """Give the logits of the next target token at every place, (B, T, V).

        Args:
            input_ids_BS: Source tokens.
            decoder_input_ids_BT: Target tokens so far: a start token, then the target without its last.
            attention_mask_BS: True where there is a source token, False where there is padding; no padding if None.
        """
        return self.decode(decoder_input_ids_BT, self.encode(input_ids_BS, attention_mask_BS), attention_mask_BS)

    def encode(self, input_ids_BS: Tensor, attention_mask_BS: Tensor | None = None) -> Tensor:
        """Read the source: (B, S, D)."""
        return self.encoder(self.embedding(input_ids_BS), mask_BS=attention_mask_BS)

    def decode(self, ids_BT: Tensor, memory_BSD: Tensor, attention_mask_BS: Tensor | None = None) -> Tensor:
        """Give the logits of the next target token at every place, from what the encoder read."""
        x_BTD = self.decoder(self.embedding(ids_BT), memory_BSD, attention_mask_BS)
        if self.output is not None:
            return self.output(x_BTD)
        return F.linear(x_BTD * self.config.d_model**-0.5, self.embedding.weight)

    @torch.no_grad()
    def generate(
        self, input_ids_BS: Tensor, attention_mask_BS: Tensor | None = None, *, start: int, length: int
    ) -> Tensor:
        """Write `length` tokens after the token `start`, each the most likely one, (B, length)."""
        memory_BSD = self.encode(input_ids_BS, attention_mask_BS)
        ids_BT = input_ids_BS.new_full((len(input_ids_BS), 1), start)
        for _ in range(length):
            logits_BTV = self.decode(ids_BT, memory_BSD, attention_mask_BS)
            ids_BT = torch.cat([ids_BT, logits_BTV[:, -1:].argmax(-1)], dim=1)
        return ids_BT[:, 1:]


class Stack(nn.Module):
    """The encoder, or the decoder that also reads the encoder's output: `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig, *, is_decoder: bool) -> None:
        super().__init__()
        self.is_decoder, self.max_distance = is_decoder, config.relative_attention_max_distance
        self.position_bias = nn.Embedding(config.relative_attention_num_buckets, config.num_heads)
        self.layers = nn.ModuleList(Layer(config, is_decoder=is_decoder) for _ in range(config.num_layers))
        self.norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.position_bias.weight, std=config.d_model**-0.5)

    def forward(self, x_BTD: Tensor, memory_BSD: Tensor | None = None, mask_BS: Tensor | None = None) -> Tensor:
        """Run all layers; the mask is that of the source, which the encoder reads and the decoder looks back at."""
        padding_B11S = None if mask_BS is None else mask_BS.bool()[:, None, None, :]
        bias_BNTS = self.bias(x_BTD.shape[1])
        if padding_B11S is not None and not self.is_decoder:
            bias_BNTS = bias_BNTS.masked_fill(~padding_B11S, -torch.inf)
        x_BTD = self.dropout(x_BTD)
        for layer in self.layers:
            x_BTD = layer(x_BTD, bias_BNTS, memory_BSD, padding_B11S)
        return self.dropout(self.norm(x_BTD))

    def bias(self, length: int) -> Tensor:
        """Give what positions add to the scores, (1, N, T, T); the decoder never looks ahead."""
        place_T = torch.arange(length, device=self.position_bias.weight.device)
        distance_TT = place_T - place_T[:, None]
        count = self.position_bias.num_embeddings
        buckets_TT = bucket(distance_TT, count, self.max_distance, both_sides=not self.is_decoder)
        bias_1NTT = self.position_bias(buckets_TT).permute(2, 0, 1)[None]
        return bias_1NTT.masked_fill(distance_TT > 0, -torch.inf) if self.is_decoder else bias_1NTT


class Layer(nn.Module):
    """Self-attention, in the decoder cross-attention, and the feed-forward layer, each with norm and residual."""

    def __init__(self, config: ModelConfig, *, is_decoder: bool) -> None:
        super().__init__()
        self.attention = Residual(Attention(config), config)
        self.cross_attention = Residual(Attention(config), config) if is_decoder else None
        self.feed_forward = Residual(FeedForward(config), config)

    def forward(
        self, x_BTD: Tensor, bias_BNTS: Tensor, memory_BSD: Tensor | None, padding_B11S: Tensor | None
    ) -> Tensor:
        """Run the parts one after the other."""
        x_BTD = self.attention(x_BTD, bias_BNTS)
        if self.cross_attention is not None:
            x_BTD = self.cross_attention(x_BTD, padding_B11S, memory_BSD)
        return self.feed_forward(x_BTD)


class Residual(nn.Module):
    """A part with the norm before it, dropout behind it, and the residual around all: `(B, T, D) -> (B, T, D)`."""

    def __init__(self, part: nn.Module, config: ModelConfig) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.part = part
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, *args: Tensor | None) -> Tensor:
        """Add what the part says of the normalised tokens."""
        return x_BTD + self.dropout(self.part(self.norm(x_BTD), *args))


class Attention(nn.Module):
    """Multi-head attention without biases and without scale, to the tokens themselves or to a memory."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, inner = config.d_model, config.num_heads * config.d_kv
        self.num_heads, self.dropout = config.num_heads, config.dropout
        self.query = nn.Linear(width, inner, bias=False)
        self.key_value = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)
        nn.init.normal_(self.query.weight, std=(width * config.d_kv) ** -0.5)  # in place of the scale
        nn.init.normal_(self.key_value.weight, std=width**-0.5)
        nn.init.normal_(self.out.weight, std=inner**-0.5)

    def forward(self, x_BTD: Tensor, bias_BNTS: Tensor | None, memory_BSD: Tensor | None = None) -> Tensor:
        """Attend; the bias is added to the scores, or tells by False where nothing may be read."""
        q_BNTE = self.query(x_BTD).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        read_BSD = x_BTD if memory_BSD is None else memory_BSD
        kv_BS2NE = self.key_value(read_BSD).unflatten(-1, (2, self.num_heads, -1))
        k_BNSE, v_BNSE = kv_BS2NE.permute(2, 0, 3, 1, 4).unbind(0)
        share = self.dropout if self.training else 0.0
        mixed_BNTE = F.scaled_dot_product_attention(q_BNTE, k_BNSE, v_BNSE, bias_BNTS, dropout_p=share, scale=1.0)
        return self.out(mixed_BNTE.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Widen, apply ReLU or a gate, narrow: `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.is_gated = config.feed_forward == "gated-gelu"
        self.wide = nn.Linear(config.d_model, config.d_ff * (1 + self.is_gated), bias=False)
        self.narrow = nn.Linear(config.d_ff, config.d_model, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.wide.weight, std=config.d_model**-0.5)
        nn.init.normal_(self.narrow.weight, std=config.d_ff**-0.5)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Think at each place alone."""
        hidden_BTF = self.wide(x_BTD)
        if self.is_gated:
            gate_BTF, value_BTF = hidden_BTF.chunk(2, dim=-1)
            hidden_BTF = F.gelu(gate_BTF, approximate="tanh") * value_BTF
        else:
            hidden_BTF = F.relu(hidden_BTF)
        return self.narrow(self.dropout(hidden_BTF))


def bucket(distance: Tensor, count: int, max_distance: int, *, both_sides: bool) -> Tensor:
    """Give the bucket of a distance (key place minus query place), 0 to `count` - 1.

    The first half of the buckets holds one distance each, the others grow logarithmically up to `max_distance`, and
    what lies beyond shares the last. With `both_sides` places ahead have buckets of their own; without, they share
    bucket 0.
    """
    ahead = torch.zeros_like(distance)
    if both_sides:
        count //= 2
        ahead, distance = (distance > 0) * count, distance.abs()
    else:
        distance = (-distance).clamp_min(0)
    exact = count // 2
    steps = torch.log(distance.clamp_min(1).float() / exact) / math.log(max_distance / exact) * (count - exact)
    far = (exact + steps.long()).clamp_max(count - 1)
    return ahead + torch.where(distance < exact, distance, far)


def build_model(**config: Any) -> T5Model:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return T5Model(ModelConfig(**config))
