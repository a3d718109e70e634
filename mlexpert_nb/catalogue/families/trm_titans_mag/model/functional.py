"""The network as plain functions, for tests and tools that do not want to know its classes.

Shapes: B batch, T tokens, V vocabulary, H heads, G key/value heads, D head size, N steps.
"""

import math
from typing import Any

import torch
from torch import Tensor

from mlexpert_nb.catalogue.blocks.act_head import graves
from mlexpert_nb.catalogue.blocks.halting_head import ActWeights, halting_distribution, halting_loss
from mlexpert_nb.catalogue.blocks.memory_rule import MIN_LOG, ChunkState, Writes, chunk_memory, linear_memory
from mlexpert_nb.catalogue.blocks.sliding_window import window_attention
from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import count_parameters
from mlexpert_nb.catalogue.families.trm_titans_mag.model.full_model import ModelState, TRMTitansMAG, build_model

__all__ = [
    "act_loss",
    "adaptive",
    "build",
    "count_parameters",
    "graves",
    "halting_distribution",
    "logits",
    "loss",
    "memory_op",
    "set_gate",
    "stream",
    "swa_op",
]


def build(**cfg: Any) -> TRMTitansMAG:
    """Build the network; keys that are not given take the defaults of `ModelConfig`."""
    return build_model(**cfg)


def logits(model: TRMTitansMAG, ids_BT: Tensor, n_sup: int | None = None) -> Tensor:
    """Give the logits (B, T, V) after the last of `n_sup` supervision steps; nothing halts."""
    return model(ids_BT, n_sup)


def loss(model: TRMTitansMAG, ids_BT: Tensor, labels_BT: Tensor, **weights: float) -> Tensor:
    """Give the training loss; labels are already shifted, -100 is ignored; `weights` replace the configuration's."""
    return model.loss(ids_BT, labels_BT, **weights)


def stream(model: TRMTitansMAG, ids_BT: Tensor, state: ModelState | None = None) -> tuple[Tensor, ModelState]:
    """Give the logits of new tokens and the state after them; the state that came in is left as it was."""
    return model.stream(ids_BT, state)


def adaptive(model: TRMTitansMAG, ids_BT: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """Give logits (B, T, V) and halting steps (B, T) when each token stops above the threshold."""
    return model.adaptive(ids_BT, threshold)


def set_gate(model: TRMTitansMAG, g: float | None) -> None:
    """Replace every learned gate: 1 closes the memory, 0 closes attention, None is the learned one."""
    model.set_gate(g)


def memory_op(  # noqa: PLR0913, PLR0917 - the arguments are the paper's symbols
    q_BHTD: Tensor,
    k_BHTD: Tensor,
    v_BHTD: Tensor,
    alpha_BHT: Tensor,
    eta_BHT: Tensor,
    theta_BHT: Tensor,
    M0: Tensor | None = None,
    S0: Tensor | None = None,
    chunk: int = 64,
    exact: bool = True,  # noqa: FBT001, FBT002 - a published signature
) -> tuple[Tensor, Tensor, Tensor]:
    """Write and read a matrix memory; give the reads, the memory and the momentum after the last token.

    Args:
        q_BHTD: Queries, used as given.
        k_BHTD: Keys, used as given.
        v_BHTD: Values.
        alpha_BHT: Share that is forgotten, 0 to 1.
        eta_BHT: Share of the momentum that is kept, 0 to 1.
        theta_BHT: Inner learning rate.
        M0: Memory (B, H, D, D) at the start, key x value; zero if not given.
        S0: Momentum at the start; zero if not given.
        chunk: Tokens written together.
        exact: Whether each token's error is the true one, or that at the start of its chunk.

    Raises:
        ValueError: The chunk holds no token.
    """
    if chunk < 1:
        raise ValueError(f"chunk={chunk} must be at least 1")
    dtype = torch.promote_types(q_BHTD.dtype, torch.float32)
    lead, dim = q_BHTD.shape[:2], (k_BHTD.shape[3], v_BHTD.shape[3])
    M, S = (q_BHTD.new_zeros(*lead, *dim) if each is None else each for each in (M0, S0))
    log_keep_BHT, log_eta_BHT = (_log(each) for each in (1 - alpha_BHT.to(dtype), eta_BHT.to(dtype)))
    tensors = (q_BHTD, k_BHTD, v_BHTD, log_keep_BHT, log_eta_BHT, theta_BHT, M, S)
    *parts, M, S = (each.to(dtype).flatten(0, 1) for each in tensors)
    if exact:
        o, M, S = linear_memory(Writes(*parts), M, S, chunk)
    else:
        o, ((M,), (S,), *_) = chunk_memory(Writes(*parts), ChunkState((M,), (S,), (M,), 0), chunk)
    o, M, S = (each.unflatten(0, lead) for each in (o, M, S))
    return o.to(q_BHTD.dtype), M, S


def swa_op(q_BHTD: Tensor, k_BGTD: Tensor, v_BGTD: Tensor, window: int) -> Tensor:
    """Attend causally over the last `window` positions, the query's own included.

    Raises:
        ValueError: The window does not even hold the query's own position.
    """
    if window < 1:
        raise ValueError(f"window={window} must be at least 1")
    return window_attention(q_BHTD, k_BGTD, v_BGTD, window)


def act_loss(
    q_logit_NBT: Tensor, correct_NBT: Tensor, mask_BT: Tensor, **weights: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Give the halting loss and its terms "halt", "div" and "ponder"; `weights` are the fields of `ActWeights`."""
    return halting_loss(q_logit_NBT, correct_NBT, mask_BT, ActWeights(**weights))


def _log(gate: Tensor) -> Tensor:
    """Take the logarithm of a gate; a closed gate stays finite."""
    return gate.clamp_min(math.exp(MIN_LOG)).log()
