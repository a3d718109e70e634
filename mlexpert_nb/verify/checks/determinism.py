"""Determinism: the same seed gives the same network, the same tokens give the same logits, a call leaves no trace.

Shapes: B batch, T time, V vocabulary.
"""

import torch

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, gap

LENGTH = 33


def determinism(model: TokenModel) -> Outcome:
    """Build twice from one seed and call thrice, with other tokens in between: not one bit may differ."""
    first, second = model.fresh(), model.fresh()
    length = min(LENGTH, model.context)
    tokens_BT = model.tokens(2, length)
    with torch.no_grad():
        logits_BTV = model.logits(first, tokens_BT)
        twin = gap(logits_BTV, model.logits(second, tokens_BT))
        again = gap(logits_BTV, model.logits(first, tokens_BT))
        model.logits(first, model.other(tokens_BT))
        trace = gap(logits_BTV, model.logits(first, tokens_BT))
    return Outcome(
        passed=twin == again == trace == 0.0,
        measured=f"logits differ by {twin:.1e} (second network from the same seed), {again:.1e} (same call again), "
        f"{trace:.1e} (after another call)",
        limit="not at all, in evaluation mode",
        fix="draw random numbers in training mode only; write no buffer and keep no state in forward",
    )
