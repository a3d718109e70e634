"""Batch independence: an example must not see the other examples of its batch.

Shapes: B batch, T time, V vocabulary.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.network import Network, Outcome, distance, gap, seeded, sees_its_batch
from mlexpert_nb.verify.checks.token_model import TokenModel

TOLERANCE = 1e-5
ALONE_TOLERANCE = 1e-3  # another batch size is another order of float32 sums, amplified by recursion
LENGTH = 33
BATCH = 5  # examples; a size that an output is unlikely to have for another reason
FIX = "normalise over features (LayerNorm, RMSNorm), not over the batch; keep state per row; never average rows"


def batch_independence(model: Network) -> Outcome:
    """Change the other examples of a batch, or leave them out: the outputs of the first must not move."""
    return _of_tokens(model) if isinstance(model, TokenModel) else _of_inputs(model)


def _of_tokens(model: TokenModel) -> Outcome:
    module = model.fresh(noise=True)
    tokens_BT = model.tokens(2, min(LENGTH, model.context))
    changed_BT = torch.stack([tokens_BT[0], model.other(tokens_BT[1])])
    runs = {mode: [_run(model, module.train(mode), each) for each in (tokens_BT, changed_BT)] for mode in (False, True)}
    moved = {mode: gap(left[0], right[0]) for mode, (left, right) in runs.items()}
    alone = gap(_run(model, module.eval(), tokens_BT[:1])[0], runs[False][0][0])
    return _outcome("sequence", "logits", alone, moved)


def _run(model: TokenModel, module: nn.Module, ids_BT: Tensor) -> Tensor:
    with torch.no_grad(), seeded(model.spec.seed):  # in training mode both runs draw the same dropout
        return model.logits(module, ids_BT)


def _of_inputs(model: Network) -> Outcome:
    if not model.claimed("batch_independent"):
        measured = "not claimed: the examples of a batch may see each other by design"
        return Outcome(passed=True, measured=measured, limit="examples are independent where it is claimed", fix="")
    inputs = model.example(BATCH).inputs
    others = {name: _first_kept(inputs[name], each) for name, each in model.example(BATCH, seed=1).inputs.items()}
    single = {name: each[:1] if _has_rows(each) else each for name, each in inputs.items()}
    first = _first_row(model, inputs)
    moved = {False: _distance(first, _first_row(model, others))}
    if not sees_its_batch(model.fresh()):
        trained = [_first_row(model, each, is_training=True) for each in (inputs, others)]
        moved[True] = _distance(*trained)
    return _outcome("example", "outputs", _distance(first, _first_row(model, single)), moved)


def _first_row(model: Network, inputs: Mapping[str, Tensor], *, is_training: bool = False) -> dict[str, Tensor]:
    """Run a network of its own, for training mode may change it, and give the first row of each output with rows."""
    module = model.fresh(noise=True).train(is_training)
    rows = next(iter(inputs.values())).shape[0]
    with torch.no_grad(), seeded(model.spec.seed):
        outputs = model.outputs(module, inputs)
    found = {name: each[0] for name, each in outputs.items() if each.ndim and each.shape[0] == rows}
    if not found:
        raise ValueError(f"no output has a row for each of the {rows} examples of the batch")
    return found


def _first_kept(kept: Tensor, others: Tensor) -> Tensor:
    return torch.cat([kept[:1], others[1:]]) if _has_rows(kept) and kept.shape == others.shape else kept


def _has_rows(tensor: Tensor) -> bool:
    return tensor.ndim > 0 and tensor.shape[0] == BATCH


def _distance(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> float:
    return distance(left, {name: right[name] for name in left if name in right})


def _outcome(row: str, outputs: str, alone: float, moved: Mapping[bool, float]) -> Outcome:
    trained = f", in training mode by {moved[True]:.1e}" if True in moved else " (BatchNorm: in evaluation mode alone)"
    return Outcome(
        passed=max(moved.values()) <= TOLERANCE and alone <= ALONE_TOLERANCE,
        measured=f"another {row} moved the {outputs} by {moved[False]:.1e}{trained}; being alone moved them by "
        f"{alone:.1e}",
        limit=f"another {row} moves them by at most {TOLERANCE:.0e}, being alone by {ALONE_TOLERANCE:.0e}",
        fix=FIX,
    )
