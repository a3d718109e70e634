"""The whole network: a Titans backbone read once, then a tiny recursion that improves every token's answer.

Papers: arXiv:2501.00663 (Titans), arXiv:2510.04871 (Tiny Recursive Model), arXiv:1603.08983 (adaptive computation).

    x = backbone(ids);  y, z = fixed start
    for s = 1 .. N:  y, z = deep_recursion(x, y, z);  logits_s = y E';  q_s = halting(y)

The network works token by token above the backbone, or through a causal window, so it is a language model.
Shapes: B batch, T tokens, V vocabulary, d width, N supervision steps.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mlexpert_nb.catalogue.blocks.act_head import above, graves, graves_rule, prior_divergence, run_adaptive
from mlexpert_nb.catalogue.blocks.halting_head import (
    ActWeights,
    HaltingHead,
    halting_distribution,
    halting_loss,
    masked_mean,
)
from mlexpert_nb.catalogue.blocks.long_term_memory import MemoryShape
from mlexpert_nb.catalogue.blocks.mag_block import MemoryAsGate
from mlexpert_nb.catalogue.blocks.sliding_window import AttentionShape, WindowState
from mlexpert_nb.catalogue.blocks.trm import CoreLayer, HaltingTape, Tape, TinyRecursion
from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import ModelConfig
from mlexpert_nb.catalogue.families.trm_titans_mag.model.titans_mag import BackboneState, TitansMAG

IGNORE = -100  # label of a token that is not supervised, as in torch
LOSS_TOKENS = 1024  # tokens whose logits exist at a time while training


class ModelState(NamedTuple):
    """What a stream carries on; its size does not grow with the length."""

    backbone: BackboneState
    core: tuple[WindowState, ...]


class TRMTitansMAG(nn.Module):
    """Causal language model, `(B, T) -> (B, T, V)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        blocks = [_block(config) for _ in range(config.n_layers)]
        self.backbone = TitansMAG(config.vocab_size, config.d_model, blocks)
        core = [CoreLayer(config.d_model, config.core_d_ff, _core_attention(config)) for _ in range(config.core_layers)]
        self.recursion = TinyRecursion(core, config.d_model, num_latent=config.n_latent, num_cycles=config.n_cycles)
        self.halting = HaltingHead(config.d_model, bias=config.halt_bias, std=config.halt_init_std)
        self.unembedding = None if config.tie else nn.Linear(config.d_model, config.vocab_size, bias=False)

    def forward(self, ids_BT: Tensor, n_sup: int | None = None) -> Tensor:
        """Give the logits after `n_sup` supervision steps (all of the configuration's if not given)."""
        x_BTd, _ = self.backbone(ids_BT)
        return self.logits(self._readout(list(self.answers(x_BTd, Tape(), n_sup))))

    def answers(self, x_BTd: Tensor, tape: Tape, n_sup: int | None = None) -> Iterator[Tensor]:
        """Yield the answer after each supervision step; each step starts from detached values.

        Raises:
            ValueError: `n_sup` asks for no step at all.
        """
        num_steps = self.config.n_sup if n_sup is None else n_sup
        if num_steps < 1:
            raise ValueError(f"n_sup={num_steps} must be at least 1")
        y_BTd, z_BTd = self.recursion.start(x_BTd)
        for _ in range(num_steps):
            y_BTd, z_BTd = self.recursion.deep_recursion(x_BTd, y_BTd, z_BTd, tape)
            yield y_BTd

    def logits(self, y: Tensor) -> Tensor:
        """Score the vocabulary, `(..., d) -> (..., V)`."""
        return F.linear(y, self.unembedding.weight if self.unembedding else self.backbone.embedding.weight)

    def loss(self, ids_BT: Tensor, labels_BT: Tensor, **weights: float) -> Tensor:
        """Give the training loss; labels are already shifted, and `weights` replace the configuration's.

        "qhalt" averages the cross entropy of all steps and trains the head on whether each step was right; "ponder"
        weighs each step's cross entropy by the chance to halt there; "graves" scores the mixture of all answers.
        """
        x_BTd, _ = self.backbone(ids_BT)
        y_N = list(self.answers(x_BTd, Tape()))
        act, mask_BT = self._weights(weights), labels_BT != IGNORE
        q_NBT = torch.stack([self.halting(y_BTd) for y_BTd in y_N])
        if self.config.halting == "graves":
            ce_BT, _ = self.token_losses(self._readout(y_N), labels_BT)
            return masked_mean(ce_BT + act.lambda_ponder * graves(q_NBT.sigmoid())[3], mask_BT)
        ce_NBT, correct_NBT = map(torch.stack, zip(*(self.token_losses(y, labels_BT) for y in y_N), strict=True))
        if self.config.halting == "ponder":
            p_NBT = halting_distribution(q_NBT.sigmoid())
            prior_BT = prior_divergence(p_NBT, self.config.halt_prior)
            return masked_mean((p_NBT * ce_NBT).sum(0) + act.lambda_ponder * prior_BT, mask_BT)
        head_NBT = torch.stack([self.halting(y_BTd.detach()) for y_BTd in y_N])
        halt, _ = halting_loss(q_NBT, correct_NBT, mask_BT, act, head_logit_NBT=head_NBT)
        return masked_mean(ce_NBT.mean(0), mask_BT) + halt

    def backward_by_step(self, ids_BT: Tensor, labels_BT: Tensor) -> Tensor:
        """Add the gradients of `loss` while only one supervision step is in memory; give the loss without a graph.

        Raises:
            ValueError: The halting is not "qhalt"; the others tie all steps together.
        """
        if self.config.halting != "qhalt":
            raise ValueError(f"halting={self.config.halting!r} needs all steps at once; call loss().backward()")
        act, mask_BT, num_steps = self._weights({}), labels_BT != IGNORE, self.config.n_sup
        target, head = replace(act, lambda_div=0.0, lambda_ponder=0.0), replace(act, lambda_halt=0.0)
        x_BTd, _ = self.backbone(ids_BT)
        leaf_BTd = x_BTd.detach().requires_grad_()
        total = x_BTd.new_zeros(())
        y_N: list[Tensor] = []
        correct_N: list[Tensor] = []
        for y_BTd in self.answers(leaf_BTd, Tape()):
            ce_BT, correct_BT = self.token_losses(y_BTd, labels_BT)
            halt, _ = halting_loss(self.halting(y_BTd)[None], correct_BT[None], mask_BT, target)
            step_loss = (masked_mean(ce_BT, mask_BT) + halt) / num_steps
            step_loss.backward()
            total = total + step_loss.detach()
            y_N.append(y_BTd.detach())
            correct_N.append(correct_BT)
        spread, _ = halting_loss(self.halting(torch.stack(y_N)), torch.stack(correct_N), mask_BT, head)
        spread.backward()
        x_BTd.backward(leaf_BTd.grad)
        return total + spread.detach()

    def token_losses(self, y_BTd: Tensor, labels_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Give cross entropy and correctness of each token; long batches go in pieces whose logits are recomputed."""
        y_Ad, labels_A = y_BTd.flatten(0, 1), labels_BT.flatten()
        if len(labels_A) <= LOSS_TOKENS:
            ce_A, correct_A = self._token_losses(y_Ad, labels_A)
        else:
            pieces = zip(y_Ad.split(LOSS_TOKENS), labels_A.split(LOSS_TOKENS), strict=True)
            losses = [checkpoint(self._token_losses, *piece, use_reentrant=False) for piece in pieces]
            ce_A, correct_A = (torch.cat(each) for each in zip(*losses, strict=True))
        return ce_A.view_as(labels_BT), correct_A.view_as(labels_BT)

    @torch.no_grad()
    def stream(
        self, ids_BT: Tensor, state: ModelState | None = None, *, last_only: bool = False
    ) -> tuple[Tensor, ModelState]:
        """Give the logits of new tokens (or of the last one only) and the state after them.

        The state that came in is left as it was.
        """
        x_BTd, backbone = self.backbone(ids_BT, state and state.backbone)
        tape = Tape(state.core if state else ())
        y_BTd = self._readout(list(self.answers(x_BTd, tape)))
        return self.logits(y_BTd[:, -1:] if last_only else y_BTd), ModelState(backbone, tuple(tape.after))

    def generate(self, ids_BT: Tensor, num_tokens: int) -> Tensor:
        """Continue each row by its likeliest tokens; the cost of a token does not grow with the length."""
        logits_BTV, state = self.stream(ids_BT, last_only=True)
        tokens = [logits_BTV.argmax(-1)]
        while len(tokens) < num_tokens:
            logits_BTV, state = self.stream(tokens[-1], state)
            tokens.append(logits_BTV.argmax(-1))
        return torch.cat(tokens, 1)

    @torch.no_grad()
    def adaptive(self, ids_BT: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
        """Let each token halt as soon as its halting probability exceeds the threshold; give logits and steps.

        With Graves' halting the probabilities of a token add up to one instead, and the threshold plays no part.
        """
        x_BTd, _ = self.backbone(ids_BT)
        tape = HaltingTape(*ids_BT.shape)

        def step(x_Ad: Tensor, y_Ad: Tensor, z_Ad: Tensor, active_A: Tensor) -> tuple[Tensor, Tensor]:
            return self.recursion.deep_recursion(x_Ad, y_Ad, z_Ad, tape.start_step(active_A))

        rule = graves_rule if self.config.halting == "graves" else above(threshold)
        start = tuple(each.flatten(0, 1) for each in (x_BTd, *self.recursion.start(x_BTd)))
        y_Ad, steps_A = run_adaptive(step, self.halting, rule, start, self.config.n_sup)
        return self.logits(y_Ad).unflatten(0, ids_BT.shape), steps_A.view_as(ids_BT)

    def set_gate(self, override: float | None) -> None:
        """Replace every block's learned gate: 1 closes the memory, 0 closes attention, None is the learned one.

        Raises:
            ValueError: The number does not lie between 0 and 1.
        """
        if override is not None and not 0 <= override <= 1:
            raise ValueError(f"gate={override!r} must lie between 0 and 1")
        for block in self.backbone.blocks:
            block.override = override  # type: ignore[assignment]  # nn.ModuleList forgets the class of its modules

    def _readout(self, y_N: list[Tensor]) -> Tensor:
        """Take the last answer; with Graves' halting the mixture of all."""
        if self.config.halting != "graves":
            return y_N[-1]
        y_NBTd = torch.stack(y_N)
        return (graves(self.halting(y_NBTd).sigmoid())[0].unsqueeze(-1) * y_NBTd).sum(0)

    def _token_losses(self, y_Ad: Tensor, labels_A: Tensor) -> tuple[Tensor, Tensor]:
        logits_AV = self.logits(y_Ad)
        dtype = torch.promote_types(logits_AV.dtype, torch.float32)
        ce_A = F.cross_entropy(logits_AV.to(dtype), labels_A, ignore_index=IGNORE, reduction="none")
        return ce_A, logits_AV.detach().argmax(-1) == labels_A

    def _weights(self, changes: dict[str, float]) -> ActWeights:
        config = self.config
        return replace(ActWeights(config.lambda_halt, config.lambda_div, config.lambda_ponder), **changes)


def build_model(**config: Any) -> TRMTitansMAG:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return TRMTitansMAG(ModelConfig.from_mapping(config))


def _block(config: ModelConfig) -> MemoryAsGate:
    attention = AttentionShape(
        dim=config.d_model,
        num_heads=config.n_heads,
        num_kv_heads=config.n_kv_heads,
        window=config.window,
        num_persist=config.n_persist,
        rope_theta=config.rope_theta,
    )
    memory = MemoryShape(
        dim=config.d_model,
        num_heads=config.mem_heads,
        head_dim=config.mem_head_dim,
        depth=config.mem_depth,
        expand=config.mem_expand,
        chunk=config.mem_chunk,
        is_exact=config.mem_exact,
        theta_max=config.theta_max,
        conv_kernel=config.conv_kernel,
    )
    return MemoryAsGate(attention, memory, config.d_ff, is_convex=config.gate == "convex")


def _core_attention(config: ModelConfig) -> AttentionShape | None:
    if config.core == "mlp":
        return None
    return AttentionShape(
        dim=config.d_model,
        num_heads=config.n_heads,
        num_kv_heads=config.n_heads,
        window=config.core_window,
        rope_theta=config.rope_theta,
    )
