"""Causality: a position must not see those that come after it.

Shapes: B batch, T time, V vocabulary.
"""

from collections.abc import Iterable

import torch
from torch import nn

from mlexpert_nb.verify.checks.network import Network, Outcome, gap
from mlexpert_nb.verify.checks.token_model import TokenModel

TOLERANCE = 1e-5  # kernels may reorder float32 sums; a leak is orders larger
SHORT = 66
SHORT_STARTS = (1, 2, 33, 64, 65)  # around the borders of chunks of 2, 32 and 64
FIX = "mask the future: scaled_dot_product_attention(..., is_causal=True); pool over no later position"


def causality(model: Network) -> Outcome:
    """Change a position and all after it: earlier outputs must not move, and its own must."""
    return _of_tokens(model) if isinstance(model, TokenModel) else _of_inputs(model)


def _of_tokens(model: TokenModel) -> Outcome:
    module = model.fresh(noise=True)
    short, long = min(SHORT, model.context), model.context
    moved = [_moved(model, module, short, start) for start in SHORT_STARTS if start < short]
    moved.append(_moved(model, module, long, long // 2 + 1))
    leak, own = max(each[0] for each in moved), min(each[1] for each in moved)
    return Outcome(
        passed=leak <= TOLERANCE < own,
        measured=f"earlier logits moved by {leak:.1e}, its own by {own:.1e}, at {short} and {long} tokens",
        limit=f"earlier logits move by at most {TOLERANCE:.0e}, its own by more",
        fix=FIX,
    )


def _moved(model: TokenModel, module: nn.Module, length: int, start: int) -> tuple[float, float]:
    tokens_BT = model.tokens(1, length, seed=start)
    changed_BT = tokens_BT.clone()
    changed_BT[:, start:] = model.other(changed_BT[:, start:])
    with torch.no_grad():
        before_BTV, after_BTV = model.logits(module, tokens_BT), model.logits(module, changed_BT)
    leak = gap(before_BTV[:, :start], after_BTV[:, :start])
    return leak, gap(before_BTV[:, start], after_BTV[:, start])


def _of_inputs(model: Network) -> Outcome:
    claims = model.claimed("causal")
    if not claims:
        measured = "not claimed: this network is not causal by design"
        return Outcome(passed=True, measured=measured, limit="whatever is claimed to be causal is", fix="")
    module = model.fresh(noise=True)
    passed, told = True, []
    for text, claim in claims.items():
        leak, later = _leak(model, module, claim.names[0])
        passed &= leak <= TOLERANCE < later
        told.append(f"{text}: earlier outputs moved by {leak:.1e}, later ones by {later:.1e}")
    limit = f"earlier outputs move by at most {TOLERANCE:.0e}, later ones by more"
    return Outcome(passed=passed, measured="; ".join(told), limit=limit, fix=FIX)


def _leak(model: Network, module: nn.Module, name: str) -> tuple[float, float]:
    """Replace an input from some position on, and give how far outputs before that position and behind it moved."""
    inputs = model.example(model.batch_size).inputs
    others = model.example(model.batch_size, seed=1).inputs[name]
    length = inputs[name].shape[1]
    leaks, later = [0.0], [0.0]
    for start in _starts(length):
        changed = inputs[name].clone()
        changed[:, start:] = others[:, start:]
        with torch.no_grad():
            before, after = model.outputs(module, inputs), model.outputs(module, {**inputs, name: changed})
        along = [key for key, each in before.items() if each.ndim > 1 and each.shape[1] == length]
        if not along:
            raise ValueError(f"no output has the {length} positions of the input {name!r} along its dim 1")
        leaks += [gap(before[key][:, :start], after[key][:, :start]) for key in along]
        later += [gap(before[key][:, start:], after[key][:, start:]) for key in along]
    return max(leaks), max(later)


def _starts(length: int) -> Iterable[int]:
    if length < 2:  # noqa: PLR2004 - the first position has none before it
        raise ValueError(f"example_batch gives {length} position; causality shows from 2 on")
    return sorted({start for start in (*SHORT_STARTS, length // 2, length - 1) if 0 < start < length})
