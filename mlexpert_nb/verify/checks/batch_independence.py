"""Batch independence: a sequence must not see the other sequences of its batch.

Shapes: B batch, T time, V vocabulary.
"""

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, gap, seeded

TOLERANCE = 1e-5
ALONE_TOLERANCE = 1e-3  # another batch size is another order of float32 sums, amplified by recursion
LENGTH = 33


def batch_independence(model: TokenModel) -> Outcome:
    """Change one sequence of a batch, or leave it out: the logits of the other must not move, also in training mode."""
    module = model.fresh(noise=True)
    tokens_BT = model.tokens(2, min(LENGTH, model.context))
    changed_BT = torch.stack([tokens_BT[0], model.other(tokens_BT[1])])
    runs = {mode: [_run(model, module.train(mode), each) for each in (tokens_BT, changed_BT)] for mode in (False, True)}
    moved = {mode: gap(left[0], right[0]) for mode, (left, right) in runs.items()}
    alone = gap(_run(model, module.eval(), tokens_BT[:1])[0], runs[False][0][0])
    return Outcome(
        passed=max(moved.values()) <= TOLERANCE and alone <= ALONE_TOLERANCE,
        measured=f"another sequence moved the logits by {moved[False]:.1e}, in training mode by {moved[True]:.1e}; "
        f"being alone moved them by {alone:.1e}",
        limit=f"another sequence moves them by at most {TOLERANCE:.0e}, being alone by {ALONE_TOLERANCE:.0e}",
        fix="normalise over features (LayerNorm, RMSNorm), not over the batch; keep state per row; never average rows",
    )


def _run(model: TokenModel, module: nn.Module, ids_BT: Tensor) -> Tensor:
    with torch.no_grad(), seeded(model.spec.seed):  # in training mode both runs draw the same dropout
        return model.logits(module, ids_BT)
