"""Does a position see what it must not: the future, the padding, its place in a set.

Shapes: B batch, T length.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mlexpert_nb.verify.behaviour.report import Behaviour
from mlexpert_nb.verify.behaviour.slots import Inputs, Slot
from mlexpert_nb.verify.behaviour.subject import Subject, gap

ANY = "*"
_MIXES = 1e-6  # an output that moves less than this does not depend on what was changed


def causality(subject: Subject) -> tuple[Behaviour, ...]:
    """Change the inputs from a position on: outputs before it must not move, if the network is causal."""
    axes, must = subject.length_axes(), claims_causality(subject)
    found = []
    for slot in _sequences(subject):
        if not axes:
            continue
        leak, reach = _leak(subject, slot, axes)
        holds = leak <= subject.tolerance and reach > _MIXES
        wanted = must and (slot.name in must or ANY in must)
        measured = f"inputs from a position on moved the outputs before it by {leak:.1e}, inputs before it moved the "
        found.append(
            Behaviour(
                f"causality:{slot.name}",
                leak <= subject.tolerance if wanted else holds,
                must=bool(wanted),
                measured=f"{measured}outputs behind them by {reach:.1e}",
                fix="mask the future: is_causal=True; pad a convolution on the left only; pool over no later "
                "position; no bidirectional layer",
            )
        )
    return _one_of(found)


def claims_causality(subject: Subject) -> set[str]:
    """Give the inputs in which a network says that it is causal, by a claim or by its name; `*` is any of them."""
    claimed = {claim.partition(":")[2] or ANY for claim in subject.claims if claim.split(":")[0] == "causal"}
    if claimed:
        return claimed
    module, words = subject.module, words_of(type(subject.module).__name__)
    config = getattr(module, "config", None)
    if any(getattr(owner, name, None) is True for owner in (module, config) for name in ("is_causal", "causal")):
        return {ANY}
    if words & {"masked", "mlm", "bert", "bidirectional", "noncausal"}:
        return set()
    reads_ids = any(slot.kind == "ids" for slot in subject.reading.slots)
    named = bool(words & {"causal", "gpt", "lm", "autoregressive"}) or (reads_ids and "decoder" in words)
    told = (type(module).__doc__ or "").lower()
    denied = re.search(r"non-?causal|not causal|bidirectional|acausal", told)
    said = re.search(r"\bcausal\b|\bautoregressive\b|\bdecoder-only\b", told) and not denied
    return {ANY} if named or said else set()


def words_of(name: str) -> set[str]:
    """Split a class name: `CausalConvLM` has the words causal, conv and lm."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def padding_invariance(subject: Subject) -> tuple[Behaviour, ...]:
    """Change what a mask leaves out: nothing that it keeps may move."""
    pairs = [(slot, mask) for mask in subject.reading.slots for slot in subject.reading.slots]
    return tuple(_heeded(subject, slot, mask) for slot, mask in pairs if masked_axis(slot, mask) is not None)


def masked_axis(slot: Slot, mask: Slot) -> int | None:
    """Give the axis of an input along which a mask, or lengths, leave positions out; None if they are not about it."""
    if not slot.is_content or mask.kind not in ("mask", "lengths"):
        return None
    if mask.kind == "lengths" or mask.shape[1] == "T":
        return slot.length_axis
    return 1 if slot.shape[:2] == mask.shape else None


def masked_outputs(subject: Subject, mask: Slot) -> dict[str, int]:
    """Give the axis of each output that follows the positions of a mask."""
    size = mask.shape[1] if mask.kind == "mask" else "T"
    if not isinstance(size, int):
        return subject.length_axes()
    given, batch = subject.run(subject.fresh(), subject.draw()), subject.batch_axes()
    found = {name: [a for a, now in enumerate(each.shape) if now == size] for name, each in given.items()}
    return {name: each[0] for name, each in found.items() if len(each) == 1 and each[0] != batch.get(name)}


def _heeded(subject: Subject, slot: Slot, mask: Slot) -> Behaviour:
    """Tell whether one mask is heeded for one input; the other reading is tried only where nothing says which holds.

    An input that only happens to be as long as a mask need not heed it, so that a second length needs a claim.
    """
    name = f"padding_invariance:{slot.name}:{mask.name}{':inverted' if mask.inverted else ''}"
    moved = _padding_moved(subject, slot, mask, turned=False)
    if moved > subject.tolerance and not mask.settled:
        other = _turned_moved(subject, slot, mask)
        if other <= subject.tolerance:
            counts, out = (other, moved) if mask.inverted else (moved, other)
            said = (
                f"undecided: what {mask.name} leaves out moved what it keeps by {counts:.1e} if True means that a "
                f"position counts, by {out:.1e} if it means padding; say which in the docstring, or give "
                "example_inputs in which some rows end in padding"
            )
            return Behaviour(name, None, must=False, measured=said)
    return Behaviour(
        name,
        moved <= subject.tolerance,
        must=slot.length_axis is not None or f"padding_invariant:{slot.name}:{mask.name}" in subject.claims,
        measured=f"what {mask.name} leaves out of {slot.name} moved what it keeps by {moved:.1e}",
        fix="give the mask to every step that joins positions: attention (key_padding_mask), pooling "
        "(sum of x * mask over mask.sum()), convolutions (x * mask before each), recurrences (pack)",
    )


def permutation(subject: Subject) -> tuple[Behaviour, ...]:
    """Put the positions into another order: do the outputs stay, or follow."""
    axes, by_name = subject.length_axes(), _says_permutation(subject)
    found = []
    for slot in _sequences(subject):
        inputs = subject.draw(seed=1, whole=True)
        order = torch.randperm(subject.reading.length, generator=torch.Generator().manual_seed(0))
        changed = dict(inputs)
        changed[slot.name] = inputs[slot.name].index_select(slot.length_axis or 0, order)
        before, after = subject.run(subject.fresh(), inputs), subject.run(subject.fresh(), changed)
        kind = "permutation_equivariance" if axes else "permutation_invariance"
        follows = {
            name: each.index_select(axes[name], order) if name in axes else each for name, each in before.items()
        }
        moved = max((gap(each, after[name]) for name, each in follows.items()), default=0.0)
        stays = max((gap(each, after[name]) for name, each in before.items()), default=0.0)
        claimed = {each for each in ("equivariance", "invariance") if _is_claimed(subject, each, slot)}
        if "equivariance" not in claimed and (claimed or (axes and stays <= subject.loose)):
            kind, moved = "permutation_invariance", stays
        elif claimed and axes:
            kind = "permutation_equivariance"
        found.append(
            Behaviour(
                f"{kind}:{slot.name}",
                moved <= subject.loose,
                must=bool(claimed) or by_name,
                measured=f"with {slot.name} in another order the outputs were off by {moved:.1e}",
                fix="give no element a place: no position embedding, no recurrence, no flattening over the elements",
            )
        )
    return tuple(found) if _claims_permutation(subject) else _one_of(found)


def _claims_permutation(subject: Subject) -> bool:
    return any(claim.startswith("permutation_") for claim in subject.claims)


def _is_claimed(subject: Subject, kind: str, slot: Slot) -> bool:
    return f"permutation_{kind.removesuffix('ance')}ant:{slot.name}" in subject.claims


def _says_permutation(subject: Subject) -> bool:
    """Tell whether a network says by its name or its docstring that order does not count; a claim says of what."""
    if _claims_permutation(subject):
        return False
    words, told = words_of(type(subject.module).__name__), (type(subject.module).__doc__ or "").lower()
    denied = re.search(r"not permutation|no permutation", told)
    return (
        bool(words & {"set", "sets", "deepsets"} or re.search(r"permutation[- ](?:in|equi)varian", told)) and not denied
    )


def _sequences(subject: Subject) -> list[Slot]:
    return [slot for slot in subject.reading.slots if slot.is_content and slot.length_axis is not None]


def _leak(subject: Subject, slot: Slot, axes: Mapping[str, int]) -> tuple[float, float]:
    """Give how far outputs before a change moved, and how far the last output moved with the first input."""
    length, axis = subject.reading.length, slot.length_axis or 0
    inputs, other = subject.draw(seed=1, whole=True), subject.draw(seed=2, whole=True)
    before, leak = subject.run(subject.fresh(), inputs), 0.0
    for start in sorted({1, 2, length // 2, length - 1} - {0}):
        changed = dict(inputs)
        changed[slot.name] = _joined(inputs[slot.name], other[slot.name], axis, start)
        after = subject.run(subject.fresh(), changed)
        leak = max(leak, *(gap(before[n].narrow(a, 0, start), after[n].narrow(a, 0, start)) for n, a in axes.items()))
    changed = dict(inputs)
    changed[slot.name] = _joined(other[slot.name], inputs[slot.name], axis, length - 1)
    after = subject.run(subject.fresh(), changed)
    reach = max(gap(before[n].narrow(a, length - 1, 1), after[n].narrow(a, length - 1, 1)) for n, a in axes.items())
    return leak, reach


def _joined(front: Tensor, back: Tensor, axis: int, start: int) -> Tensor:
    return torch.cat([front.narrow(axis, 0, start), back.narrow(axis, start, back.shape[axis] - start)], axis)


def _padding_moved(subject: Subject, slot: Slot, mask: Slot, *, turned: bool) -> float:
    """Give how far kept outputs moved when the content of left-out positions changed."""
    inputs, other = subject.draw(seed=1), subject.draw(seed=2)
    kept = _kept(subject, inputs, mask)
    if turned:  # the first row is whole, and turned round it would be empty
        value = inputs[mask.name].clone()
        value[0], kept[0] = value[1], kept[1]
        inputs = {**inputs, mask.name: _turned(value)}
    axis = masked_axis(slot, mask) or 0
    shape = [1] * inputs[slot.name].ndim
    shape[0], shape[axis] = kept.shape
    changed = {**inputs, slot.name: torch.where(kept.view(shape), inputs[slot.name], other[slot.name])}
    before, after = subject.run(subject.fresh(), inputs), subject.run(subject.fresh(), changed)
    lengths, rows = masked_outputs(subject, mask), subject.batch_axes()
    moved = 0.0
    for name in before:
        if name in lengths and name in rows:
            left, right = (each[name].movedim((rows[name], lengths[name]), (0, 1)) for each in (before, after))
            moved = max(moved, gap(left[kept], right[kept]))
        elif name in rows:
            moved = max(moved, gap(before[name], after[name]))
    return moved


def _turned_moved(subject: Subject, slot: Slot, mask: Slot) -> float:
    """Read the mask the other way round; a network may refuse the empty rows that come of it."""
    try:
        return _padding_moved(subject, slot, mask, turned=True)
    except (RuntimeError, ValueError, IndexError):
        return float("inf")


def _kept(subject: Subject, inputs: Inputs, mask: Slot) -> Tensor:
    value = inputs[mask.name]
    if mask.kind == "lengths":
        return torch.arange(subject.reading.length) < value[:, None]
    return ~value.bool() if mask.inverted else value.bool()


def _turned(mask: Tensor) -> Tensor:
    return ~mask if mask.dtype == torch.bool else 1 - mask


def _one_of(found: list[Behaviour]) -> tuple[Behaviour, ...]:
    """Where a network claims something without saying of which input, one of them is enough."""
    demanded = [each for each in found if each.must]
    if any(each.holds for each in demanded):
        return tuple(each if each.holds else _freed(each) for each in found)
    return tuple(found)


def _freed(behaviour: Behaviour) -> Behaviour:
    return Behaviour(behaviour.name, behaviour.holds, must=False, measured=behaviour.measured)
