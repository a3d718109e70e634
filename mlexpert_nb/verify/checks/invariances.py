"""Invariances: what a network claims about padding and about order, tried on one batch each.

Shapes: B batch, T positions, N nodes.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.network import Network, Outcome, distance
from mlexpert_nb.verify.claims import Claim

TOLERANCE = 1e-4  # another order is another order of float32 sums
NODES, EDGES = "x", "edge_index"
PADDED = 3  # where the batch has no padding, the last third of its first row becomes some

Moved = tuple[float, float]  # what must not move an output, and what must


def invariances(model: Network) -> Outcome:
    """Try every claim about padding and order; none may move an output, and what they leave alone must."""
    claims = model.claimed(*MEASURES)
    if not claims:
        measured = "not claimed: padding and order may matter to this network by design"
        return Outcome(passed=True, measured=measured, limit="what is claimed about padding and order holds", fix="")
    module = model.fresh(noise=True)
    passed, told = True, []
    for text, claim in claims.items():
        moved, own = MEASURES[claim.kind](model, module, claim)
        passed &= moved <= TOLERANCE < own
        told.append(f"{text}: outputs moved by {moved:.1e}, and by {own:.1e} where they must")
    return Outcome(
        passed=passed,
        measured="; ".join(told),
        limit=f"what must not move an output moves it by at most {TOLERANCE:.0e}, what must by more",
        fix="mask before the softmax and before every mean; add no position to what has no order; "
        "gather and scatter with edge_index alone",
    )


def _padding(model: Network, module: nn.Module, claim: Claim) -> Moved:
    """Replace what is masked by what is not, then the other way round what is not by values of another batch."""
    name, mask_name = claim.names
    inputs = dict(model.example(model.batch_size).inputs)
    mask_BT = _with_padding(inputs[mask_name])
    kept_BT = mask_BT.bool()
    inputs[mask_name] = mask_BT
    values, others = inputs[name], model.example(model.batch_size, seed=1).inputs[name]
    lead = kept_BT.ndim
    if values.shape[:lead] != kept_BT.shape:
        raise ValueError(f"{mask_name!r} is {tuple(kept_BT.shape)}, which is no mask for {tuple(values.shape)}")
    padded, content = values.clone(), values.clone()
    valid = values[kept_BT]
    padded[~kept_BT] = valid[torch.arange(int((~kept_BT).sum())) % len(valid)]
    content[kept_BT] = others[kept_BT]
    before = _run(model, module, inputs)
    moved = distance(_visible(before, kept_BT), _visible(_run(model, module, {**inputs, name: padded}), kept_BT))
    return moved, distance(before, _run(model, module, {**inputs, name: content}))


def _with_padding(mask_BT: Tensor) -> Tensor:
    if not bool(mask_BT.bool().any()):
        raise ValueError("the mask of the example batch is False everywhere")
    if bool(mask_BT.bool().all()):
        mask_BT = mask_BT.clone()
        length = mask_BT.shape[-1]
        mask_BT[0, ..., length - max(1, length // PADDED) :] = False
    return mask_BT


def _visible(outputs: Mapping[str, Tensor], kept_BT: Tensor) -> dict[str, Tensor]:
    """Give outputs at the positions that are not masked; an output without these positions is given whole."""
    lead = kept_BT.ndim
    return {name: each[kept_BT] if each.shape[:lead] == kept_BT.shape else each for name, each in outputs.items()}


def _nodes(model: Network, module: nn.Module, _claim: Claim) -> Moved:
    """Number the nodes anew, in everything that has one row a node, and in the edges."""
    inputs = model.example(model.batch_size).inputs
    count = inputs[NODES].shape[0]
    order = _order(model, count)
    new_number = torch.empty_like(order)
    new_number[order] = torch.arange(count)
    rows = {name: each for name, each in inputs.items() if each.ndim and each.shape[0] == count and "edge" not in name}
    renumbered = {name: each[order] for name, each in rows.items()} | {EDGES: new_number[inputs[EDGES]]}
    before, after = (_run(model, module, each) for each in (inputs, {**inputs, **renumbered}))
    expected = {name: each[order] if each.ndim and each.shape[0] == count else each for name, each in before.items()}
    edgeless = _run(model, module, {**inputs, NODES: inputs[NODES][order]})
    return distance(expected, after), distance(before, edgeless)


def _equivariant(model: Network, module: nn.Module, claim: Claim) -> Moved:
    return _permuted(model, module, claim.names[0], follows=True)


def _invariant(model: Network, module: nn.Module, claim: Claim) -> Moved:
    return _permuted(model, module, claim.names[0], follows=False)


def _permuted(model: Network, module: nn.Module, name: str, *, follows: bool) -> Moved:
    """Shuffle dim 1 of an input; outputs must follow it or stay, and other values of that input must move them."""
    inputs = model.example(model.batch_size).inputs
    count = inputs[name].shape[1]
    before = _run(model, module, inputs)
    along = [key for key, each in before.items() if follows and each.ndim > 1 and each.shape[1] == count]
    if follows and not along:
        raise ValueError(f"no output has the {count} positions of the input {name!r} along its dim 1")
    moved = []
    for order in (_order(model, count), torch.arange(count).flip(0)):
        after = _run(model, module, {**inputs, name: inputs[name][:, order]})
        moved.append(distance({key: each[:, order] if key in along else each for key, each in before.items()}, after))
    others = model.example(model.batch_size, seed=1).inputs[name]
    return max(moved), distance(before, _run(model, module, {**inputs, name: others}))


def _order(model: Network, count: int) -> Tensor:
    """Draw an order that is not the one there is."""
    if count < 2:  # noqa: PLR2004 - one thing has one order
        raise ValueError(f"example_batch gives {count} to put in another order; at least 2 are needed")
    generator = torch.Generator().manual_seed(model.spec.seed)
    order = torch.randperm(count, generator=generator)
    return order.flip(0) if order.equal(torch.arange(count)) else order


def _run(model: Network, module: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    with torch.no_grad():
        return model.outputs(module, inputs)


MEASURES: Mapping[str, Callable[[Network, nn.Module, Claim], Moved]] = {
    "padding_invariant": _padding,
    "node_equivariant": _nodes,
    "permutation_equivariant": _equivariant,
    "permutation_invariant": _invariant,
}
