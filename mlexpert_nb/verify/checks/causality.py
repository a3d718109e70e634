"""Causality: a token must not see the tokens that come after it.

Shapes: B batch, T time, V vocabulary.
"""

import torch
from torch import nn

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, gap

TOLERANCE = 1e-5  # kernels may reorder float32 sums; a leak is orders larger
SHORT = 66
SHORT_STARTS = (1, 2, 33, 64, 65)  # around the borders of chunks of 2, 32 and 64


def causality(model: TokenModel) -> Outcome:
    """Change a token and all after it: earlier logits must not move, and its own must."""
    module = model.fresh(noise=True)
    short, long = min(SHORT, model.context), model.context
    moved = [_moved(model, module, short, start) for start in SHORT_STARTS if start < short]
    moved.append(_moved(model, module, long, long // 2 + 1))
    leak, own = max(each[0] for each in moved), min(each[1] for each in moved)
    return Outcome(
        passed=leak <= TOLERANCE < own,
        measured=f"earlier logits moved by {leak:.1e}, its own by {own:.1e}, at {short} and {long} tokens",
        limit=f"earlier logits move by at most {TOLERANCE:.0e}, its own by more",
        fix="mask the future: scaled_dot_product_attention(..., is_causal=True); pool over no later position",
    )


def _moved(model: TokenModel, module: nn.Module, length: int, start: int) -> tuple[float, float]:
    tokens_BT = model.tokens(1, length, seed=start)
    changed_BT = tokens_BT.clone()
    changed_BT[:, start:] = model.other(changed_BT[:, start:])
    with torch.no_grad():
        before_BTV, after_BTV = model.logits(module, tokens_BT), model.logits(module, changed_BT)
    leak = gap(before_BTV[:, :start], after_BTV[:, :start])
    return leak, gap(before_BTV[:, start], after_BTV[:, start])
