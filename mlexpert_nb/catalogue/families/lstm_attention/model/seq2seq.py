"""LSTM encoder-decoder with attention: at every step the decoder looks back at what the encoder read.

Papers: Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and Translate",
arXiv:1409.0473 (attention before the step, section 3, appendix A.1.2); Luong, Pham and Manning 2015, "Effective
Approaches to Attention-based Neural Machine Translation", arXiv:1508.04025 (after it, section 3); the LSTM is that of
Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, as `torch.nn.LSTM` has it.

    encoder     x_j = [forward LSTM; backward LSTM], its last states start the decoder      `Seq2Seq.encode`
    bahdanau    c_t = attend(s_{t-1}),  s_t = LSTM([y_{t-1}; c_t], s_{t-1})                 `Seq2Seq._step`
    luong, dot  s_t = LSTM(y_{t-1}, s_{t-1}),  c_t = attend(s_t)                            `Seq2Seq._at_once`
    feeding     s_t = LSTM([y_{t-1}; a_{t-1}], s_{t-1}),  c_t = attend(s_t)                 Luong, section 3.3
    attend      c_t = sum_j softmax_j(score(s, x_j)) x_j,  score: v^T tanh(W s + U x_j),    `Attention`
                s^T W x_j,  or s^T x_j
    output      a_t = tanh(W_c [c_t; s_t]),  logits = W_o a_t + b                           Luong, eq. 5 and 6

Shapes: B batch, S source tokens, T target tokens, E width of an embedding, H hidden size, L layers, V target tokens.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mlexpert_nb.catalogue.families.lstm_attention.model.config import ModelConfig

INIT_BOUND = 0.1  # Luong et al., section 4.1


class Memory(NamedTuple):
    """What the encoder read: values (B, S, H), the keys to find them by, and where there is a token (B, S)."""

    values_BSH: Tensor
    keys_BSH: Tensor
    mask_BS: Tensor | None


class DecoderState(NamedTuple):
    """What the decoder remembers: LSTM states (L, B, H), and the last attentional output (B, H)."""

    h_LBH: Tensor
    c_LBH: Tensor
    a_BH: Tensor


class Seq2Seq(nn.Module):
    """Encoder-decoder, `(B, S)` and `(B, T)` token ids -> `(B, T, V)` logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden, layers = config.embedding_size, config.hidden_size, config.num_layers
        between = config.dropout if layers > 1 else 0.0
        self.source_embedding = nn.Embedding(config.source_vocab_size, width)
        self.encoder = nn.LSTM(width, hidden // 2, layers, batch_first=True, dropout=between, bidirectional=True)
        self.target_embedding = nn.Embedding(config.target_vocab_size, width)
        read = width + hidden * config.reads_attention
        self.decoder = nn.LSTM(read, hidden, layers, batch_first=True, dropout=between)
        self.attention = Attention(hidden, config.attention)
        self.combine = nn.Linear(2 * hidden, hidden)
        self.output = nn.Linear(hidden, config.target_vocab_size)
        self.dropout = nn.Dropout(config.dropout)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INIT_BOUND, INIT_BOUND)

    def forward(
        self, input_ids_BS: Tensor, decoder_input_ids_BT: Tensor, attention_mask_BS: Tensor | None = None
    ) -> Tensor:
        """Give the logits of the next target token at every place, (B, T, V).

        Args:
            input_ids_BS: Source tokens.
            decoder_input_ids_BT: Target tokens so far: a start token, then the target without its last.
            attention_mask_BS: True where there is a source token; padding follows the tokens. No padding if None.
        """
        memory, state = self.encode(input_ids_BS, attention_mask_BS)
        return self.decode(decoder_input_ids_BT, memory, state)[0]

    def encode(self, input_ids_BS: Tensor, attention_mask_BS: Tensor | None = None) -> tuple[Memory, DecoderState]:
        """Read the source in both directions; the last states of both, side by side, start the decoder."""
        x_BSE = self.dropout(self.source_embedding(input_ids_BS))
        if attention_mask_BS is None:
            values_BSH, (h_MBG, c_MBG) = self.encoder(x_BSE)
        else:
            mask_BS = attention_mask_BS.bool()
            packed = pack_padded_sequence(x_BSE, mask_BS.sum(1).cpu(), batch_first=True, enforce_sorted=False)
            out, (h_MBG, c_MBG) = self.encoder(packed)
            values_BSH, _ = pad_packed_sequence(out, batch_first=True, total_length=input_ids_BS.shape[1])
            attention_mask_BS = mask_BS
        memory = Memory(values_BSH, self.attention.keys(values_BSH), attention_mask_BS)
        h_LBH, c_LBH = (_both_directions(state_MBG) for state_MBG in (h_MBG, c_MBG))
        return memory, DecoderState(h_LBH, c_LBH, h_LBH.new_zeros(h_LBH.shape[1:]))

    def decode(self, ids_BT: Tensor, memory: Memory, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Read more target tokens: give their logits, and what is remembered after them."""
        y_BTE = self.dropout(self.target_embedding(ids_BT))
        if not self.config.reads_attention:
            a_BTH, state = self._at_once(y_BTE, memory, state)
        else:
            rows = []
            for y_BE in y_BTE.unbind(1):
                state = self._step(y_BE, memory, state)
                rows.append(state.a_BH)
            a_BTH = torch.stack(rows, dim=1)
        return self.output(self.dropout(a_BTH)), state

    def _at_once(self, y_BTE: Tensor, memory: Memory, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Decode all tokens at once: no step waits for an attention."""
        s_BTH, (h_LBH, c_LBH) = self.decoder(y_BTE, (state.h_LBH, state.c_LBH))
        a_BTH = self._combined(self.attention(s_BTH, memory), s_BTH)
        return a_BTH, DecoderState(h_LBH, c_LBH, a_BTH[:, -1])

    def _step(self, y_BE: Tensor, memory: Memory, state: DecoderState) -> DecoderState:
        """Decode one token that reads an attention: this step's own, or what the last step made of its."""
        is_before = self.config.attention == "bahdanau"
        c_B1H = self.attention(state.h_LBH[-1][:, None], memory) if is_before else None
        fed_BH = state.a_BH if c_B1H is None else c_B1H.squeeze(1)
        read_B1F = torch.cat([y_BE, fed_BH], dim=-1)[:, None]
        s_B1H, (h_LBH, c_LBH) = self.decoder(read_B1F, (state.h_LBH, state.c_LBH))
        if c_B1H is None:
            c_B1H = self.attention(s_B1H, memory)
        return DecoderState(h_LBH, c_LBH, self._combined(c_B1H, s_B1H).squeeze(1))

    def _combined(self, c_BTH: Tensor, s_BTH: Tensor) -> Tensor:
        return torch.tanh(self.combine(torch.cat([c_BTH, s_BTH], dim=-1)))

    @torch.no_grad()
    def generate(
        self, input_ids_BS: Tensor, attention_mask_BS: Tensor | None = None, *, start: int, length: int
    ) -> Tensor:
        """Write `length` tokens after the token `start`, each the most likely one, (B, length)."""
        memory, state = self.encode(input_ids_BS, attention_mask_BS)
        ids_B1, written = input_ids_BS.new_full((len(input_ids_BS), 1), start), []
        for _ in range(length):
            logits_B1V, state = self.decode(ids_B1, memory, state)
            ids_B1 = logits_B1V.argmax(-1)
            written.append(ids_B1)
        return torch.cat(written, dim=1)


class Attention(nn.Module):
    """Look back at the source from each target place, `(B, T, H) -> (B, T, H)`; padding gets no weight."""

    def __init__(self, hidden: int, kind: str) -> None:
        super().__init__()
        is_additive = kind == "bahdanau"
        self.key = None if kind == "dot" else nn.Linear(hidden, hidden, bias=False)
        self.query = nn.Linear(hidden, hidden, bias=False) if is_additive else None
        self.score = nn.Linear(hidden, 1, bias=False) if is_additive else None

    def keys(self, values_BSH: Tensor) -> Tensor:
        """Give what queries are compared with; once for all steps."""
        return values_BSH if self.key is None else self.key(values_BSH)

    def forward(self, query_BTH: Tensor, memory: Memory) -> Tensor:
        """Give the mean of the values, weighted by how well their keys fit."""
        return self.weights(query_BTH, memory) @ memory.values_BSH

    def weights(self, query_BTH: Tensor, memory: Memory) -> Tensor:
        """Give the weight of each source token for each query, (B, T, S)."""
        if self.query is None or self.score is None:
            scores_BTS = query_BTH @ memory.keys_BSH.transpose(1, 2)
        else:
            hidden_BTSH = torch.tanh(self.query(query_BTH)[:, :, None] + memory.keys_BSH[:, None])
            scores_BTS = self.score(hidden_BTSH).squeeze(-1)
        if memory.mask_BS is not None:
            scores_BTS = scores_BTS.masked_fill(~memory.mask_BS[:, None], -torch.inf)
        return F.softmax(scores_BTS, dim=-1)


def build_model(**config: Any) -> Seq2Seq:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return Seq2Seq(ModelConfig(**config))


def _both_directions(state_MBG: Tensor) -> Tensor:
    """Put the two directions of each layer side by side: (2 L, B, H / 2) -> (L, B, H)."""
    return torch.cat([state_MBG[0::2], state_MBG[1::2]], dim=-1)
