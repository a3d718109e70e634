"""A causal language model in the manner of GPT and LLaMA: pre-norm blocks of attention and a feed-forward layer.

Papers: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2); Touvron et al. 2023,
arXiv:2302.13971 (LLaMA); Jiang et al. 2023, arXiv:2310.06825 (Mistral); Jiang et al. 2024, arXiv:2401.04088 (Mixtral);
Yang et al. 2024, arXiv:2412.06464 (Gated DeltaNet).

    x <- x + attention(norm(x));  x <- x + ffn(norm(x));  logits = norm(x) E'

Shapes: B batch, T tokens, D width, V vocabulary.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.families.decoder.model.attention import Attention, Cache
from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig
from mlexpert_nb.catalogue.families.decoder.model.delta_rule import DeltaRule, Memory
from mlexpert_nb.catalogue.families.decoder.model.feed_forward import GELU, INIT_STD, Experts, SwiGLU, balance_loss

IGNORE = -100  # label of a token that is not supervised, as in torch


class State(NamedTuple):
    """What a stream carries on: the position, and what each block remembers."""

    position: int
    blocks: tuple[Cache | Memory, ...]


class Block(nn.Module):
    """Attention and a feed-forward layer, each behind a norm and beside a residual, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(config), _norm(config)
        self.attention = DeltaRule(config) if config.attention == "linear" else Attention(config)
        layers = {"swiglu": SwiGLU, "gelu": GELU, "moe": Experts}
        self.feed_forward = layers[config.ffn](config)

    def forward(self, x_BTD: Tensor, start: int, state: Any) -> tuple[Tensor, Any, Tensor | None]:
        """Give the tokens, what is remembered after them, and the router's logits if there are experts."""
        y_BTD, state = self.attention(self.norm1(x_BTD), start, state)
        x_BTD = x_BTD + y_BTD
        y = self.feed_forward(self.norm2(x_BTD))
        y_BTD, logits = y if isinstance(y, tuple) else (y, None)
        return x_BTD + y_BTD, state, logits


class Decoder(nn.Module):
    """Causal language model, `(B, T) -> (B, T, V)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.positions = nn.Embedding(config.max_length, config.hidden_size) if config.max_length else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = _norm(config)
        self.head = None if config.tie_embeddings else nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.apply(_initialise)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits of the token after each position."""
        return self._logits(self._run(ids_BT, None)[0])

    def loss(self, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
        """Give the mean cross entropy, with the experts' balance if there are any.

        Args:
            ids_BT: Token ids.
            labels_BT: The token after each, already shifted; -100 is ignored.
        """
        x_BTD, _, routed = self._run(ids_BT, None)
        logits_AV = self._logits(x_BTD).flatten(0, 1)
        loss = F.cross_entropy(logits_AV, labels_BT.flatten(), ignore_index=IGNORE, reduction="sum")
        loss = loss / (labels_BT != IGNORE).sum().clamp(min=1)
        return loss + self.config.balance * balance_loss(routed, self.config.top_k) if routed else loss

    @torch.no_grad()
    def stream(self, ids_BT: Tensor, state: State | None = None, *, last_only: bool = False) -> tuple[Tensor, State]:
        """Give the logits of new tokens (or of the last) and the state after them; the old one stays as it was."""
        x_BTD, state, _ = self._run(ids_BT, state)
        return self._logits(x_BTD[:, -1:] if last_only else x_BTD), state

    def generate(self, ids_BT: Tensor, num_tokens: int, temperature: float = 0.0) -> Tensor:
        """Continue each row: by its likeliest tokens, or by drawn ones where the temperature is above zero."""
        logits_BTV, state = self.stream(ids_BT, last_only=True)
        tokens: list[Tensor] = []
        for index in range(num_tokens):
            if index:
                logits_BTV, state = self.stream(tokens[-1], state)
            last_BV = logits_BTV[:, -1]
            if temperature > 0:
                tokens.append(torch.multinomial((last_BV / temperature).softmax(-1), 1))
            else:
                tokens.append(last_BV.argmax(-1, keepdim=True))
        return torch.cat(tokens, 1)

    def _run(self, ids_BT: Tensor, state: State | None) -> tuple[Tensor, State, list[Tensor]]:
        start, memories = (state.position, state.blocks) if state else (0, (None,) * len(self.blocks))
        end = start + ids_BT.shape[1]
        x_BTD = self.embedding(ids_BT)
        if self.positions is not None:
            if end > self.config.max_length:
                raise ValueError(f"{end} tokens are more than max_length={self.config.max_length} learned positions")
            x_BTD = x_BTD + self.positions(torch.arange(start, end, device=ids_BT.device))
        after, routed = [], []
        for block, memory in zip(self.blocks, memories, strict=True):
            x_BTD, remembered, logits = block(x_BTD, start, memory)
            after.append(remembered)
            routed += [] if logits is None else [logits]
        return x_BTD, State(end, tuple(after)), routed

    def _logits(self, x_BTD: Tensor) -> Tensor:
        return F.linear(self.norm(x_BTD), self.embedding.weight if self.head is None else self.head.weight)


def build_model(**config: Any) -> Decoder:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return Decoder(ModelConfig(**config))


def _norm(config: ModelConfig) -> nn.Module:
    kind = nn.LayerNorm if config.norm == "layernorm" else nn.RMSNorm
    return kind(config.hidden_size, eps=config.norm_eps)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INIT_STD)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
