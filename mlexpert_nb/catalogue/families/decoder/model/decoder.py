"""A causal language model in the manner of GPT and LLaMA: pre-norm blocks of attention and a feed-forward layer.

Papers: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2); Touvron et al. 2023,
arXiv:2302.13971 (LLaMA); Jiang et al. 2023, arXiv:2310.06825 (Mistral); Jiang et al. 2024, arXiv:2401.04088 (Mixtral);
Behrouz, Zhong & Mirrokni 2025, arXiv:2501.00663 (Titans: a memory beside attention);  # only memory=titans
Jolicoeur-Martineau 2025, arXiv:2510.04871 (TRM: all blocks, applied again and again);  # only recursion=trm
Yang et al. 2024, arXiv:2412.06464 (Gated DeltaNet).

    x <- x + attention(norm(x));  x <- x + ffn(norm(x));  logits = norm(x) E'

Shapes: B batch, T tokens, D width, V vocabulary.
With a recursion N steps; then x_BTD stands for (N, B, T, D) between `_run` and `_answer`.  # only recursion=trm
"""

from collections.abc import Iterator  # only recursion=trm
from functools import partial  # only recursion=trm
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlexpert_nb.catalogue.blocks.halting_head import ActWeights, halting_loss  # only halting=act
from mlexpert_nb.catalogue.families.decoder.model.attention import Attention
from mlexpert_nb.catalogue.families.decoder.model.config import ModelConfig
from mlexpert_nb.catalogue.families.decoder.model.delta_rule import DeltaRule
from mlexpert_nb.catalogue.families.decoder.model.feed_forward import GELU, INIT_STD, Experts, SwiGLU, balance_loss
from mlexpert_nb.catalogue.families.decoder.model.halting import halted, halting_head  # only halting=act
from mlexpert_nb.catalogue.families.decoder.model.recursion import BlockRecursion, Calls, rms  # only recursion=trm
from mlexpert_nb.catalogue.families.decoder.model.titans import AttentionAndMemory  # only memory=titans

IGNORE = -100  # label of a token that is not supervised, as in torch


class State(NamedTuple):
    """What a stream carries on: the position, and what each block remembers."""

    position: int
    blocks: tuple[tuple[Any, ...], ...]


class Block(nn.Module):
    """Attention and a feed-forward layer, each behind a norm and beside a residual, `(B, T, D) -> (B, T, D)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(config), _norm(config)
        self.attention: nn.Module = DeltaRule(config) if config.attention == "linear" else Attention(config)
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
        blocks = [Block(config) for _ in range(config.num_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = _norm(config)
        self.head = None if config.tie_embeddings else nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.apply(_initialise)
        if config.memory == "titans":  # only memory=titans
            for block in blocks:  # after the rest: a memory has a start of its own
                block.attention = AttentionAndMemory(block.attention, (_norm(config), _norm(config)), config)
        if config.recursion == "trm":  # only recursion=trm
            counts = {"num_latent": config.num_latent, "num_cycles": config.num_cycles}
            self.recursion = BlockRecursion(config.hidden_size, **counts)
        if config.halting == "act":  # only halting=act
            self.halting = halting_head(config.hidden_size)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits of the token after each position."""
        x_BTD, _, _ = self._run(ids_BT, None)
        x_BTD = self._answer(x_BTD)  # only recursion=trm
        return self._logits(x_BTD)

    def loss(self, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
        """Give the mean cross entropy, with the experts' balance if there are any.

        Args:
            ids_BT: Token ids.
            labels_BT: The token after each, already shifted; -100 is ignored.
        """
        x_BTD, _, routed = self._run(ids_BT, None)
        labels_BT = labels_BT.expand(x_BTD.shape[:-1])  # every step is to give the answer  # only recursion=trm
        logits_BTV = self._logits(x_BTD)
        loss = F.cross_entropy(logits_BTV.flatten(0, -2), labels_BT.flatten(), ignore_index=IGNORE, reduction="sum")
        loss = loss / (labels_BT != IGNORE).sum().clamp(min=1)
        if self.config.halting == "act":  # only halting=act
            loss = loss + self._halting_loss(x_BTD, logits_BTV.argmax(-1) == labels_BT, labels_BT[0] != IGNORE)
        return loss + self.config.balance * balance_loss(routed, self.config.top_k) if routed else loss

    @torch.no_grad()
    def stream(self, ids_BT: Tensor, state: State | None = None, *, last_only: bool = False) -> tuple[Tensor, State]:
        """Give the logits of new tokens (or of the last) and the state after them; the old one stays as it was."""
        x_BTD, state, _ = self._run(ids_BT, state)
        x_BTD = self._answer(x_BTD)  # only recursion=trm
        return self._logits(x_BTD[:, -1:] if last_only else x_BTD), state

    def generate(self, ids_BT: Tensor, num_tokens: int, temperature: float = 0.0) -> Tensor:
        """Continue each row: by its likeliest tokens, or by drawn ones where the temperature is above zero."""
        logits_BTV, state = self.stream(ids_BT, last_only=True)
        tokens: list[Tensor] = []
        for index in range(num_tokens):
            if index:
                logits_BTV, state = self.stream(tokens[-1], state)
            last_BV = logits_BTV.squeeze(1)
            if temperature > 0:
                tokens.append(torch.multinomial((last_BV / temperature).softmax(-1), 1))
            else:
                tokens.append(last_BV.argmax(-1, keepdim=True))
        return torch.cat(tokens, 1)

    @torch.no_grad()  # only halting=act
    def adaptive(self, ids_BT: Tensor) -> tuple[Tensor, Tensor]:  # only halting=act
        """Give the logits and the step at which each token halts; the recursion ends where all of them have."""
        y_N: list[Tensor] = []
        for y_BTD in self._steps(self._embed(ids_BT, 0), Calls(partial(self._through, 0))):
            y_N.append(y_BTD)
            q_NBT = self.halting(torch.stack(y_N))
            if (q_NBT > 0).any(0).all():
                break
        y_BTD, step_BT = halted(torch.stack(y_N), q_NBT)
        return self._logits(y_BTD), step_BT

    def _run(self, ids_BT: Tensor, state: State | None) -> tuple[Tensor, State, list[Tensor]]:
        start = state.position if state else 0
        end = start + ids_BT.shape[1]
        x_BTD = self._embed(ids_BT, start)
        if self.config.recursion == "trm":  # only recursion=trm
            calls = Calls(partial(self._through, start), state.blocks if state else ())
            y_NBTD = torch.stack(list(self._steps(x_BTD, calls)))
            return y_NBTD, State(end, tuple(calls.after)), calls.routed
        x_BTD, after, routed = self._through(start, x_BTD, state.blocks if state else None)
        return x_BTD, State(end, after), routed

    def _embed(self, ids_BT: Tensor, start: int) -> Tensor:
        x_BTD = self.embedding(ids_BT)
        if self.positions is None:
            return x_BTD
        end = start + ids_BT.shape[1]
        if end > self.config.max_length:
            raise ValueError(f"{end} tokens are more than max_length={self.config.max_length} learned positions")
        return x_BTD + self.positions(torch.arange(start, end, device=ids_BT.device))

    def _through(self, start: int, x_BTD: Tensor, states: Any) -> tuple[Tensor, tuple[Any, ...], list[Tensor]]:
        """Send tokens at positions `start` on through all blocks."""
        after, routed = [], []
        for block, state in zip(self.blocks, states or (None,) * len(self.blocks), strict=True):
            x_BTD, remembered, logits = block(x_BTD, start, state)
            after.append(remembered)
            routed += [] if logits is None else [logits]
        return x_BTD, tuple(after), routed

    def _steps(self, x_BTD: Tensor, calls: Calls) -> Iterator[Tensor]:  # only recursion=trm
        """Yield the answer after each step; a step starts from the answer and the latent of the one before."""
        x_BTD = rms(x_BTD)
        y_BTD, z_BTD = self.recursion.start(x_BTD)
        for _ in range(self.config.num_steps):
            y_BTD, z_BTD = self.recursion.deep_recursion(x_BTD, y_BTD, z_BTD, calls)
            yield y_BTD

    def _answer(self, y_NBTD: Tensor) -> Tensor:  # only recursion=trm
        """Give the answer of the last step, or of the step at which each token halts."""
        if self.config.halting == "act":  # only halting=act
            return halted(y_NBTD, self.halting(y_NBTD))[0]
        return y_NBTD[-1] if self.config.recursion == "trm" else y_NBTD

    def _halting_loss(self, y_NBTD: Tensor, right_NBT: Tensor, mask_BT: Tensor) -> Tensor:  # only halting=act
        """Teach the head whether each step is right, and to tell tokens apart; the latter trains the head alone."""
        q_NBT, head_NBT = self.halting(y_NBTD), self.halting(y_NBTD.detach())
        loss, _ = halting_loss(q_NBT, right_NBT, mask_BT, ActWeights(), head_logit_NBT=head_NBT)
        return loss

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
