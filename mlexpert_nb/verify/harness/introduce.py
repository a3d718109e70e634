"""First meeting with a delivered network: what goes in, what comes out, and whether it brings what it must."""

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from mlexpert_nb.verify.checks import Example, Network, TokenModel, longest_context, seeded
from mlexpert_nb.verify.claims import Claim

_NODES = ("x", "edge_index")  # inputs that a claim about nodes is about


def introduce(model: Network) -> tuple[Network, str]:
    """Run the network once; give it with what was learned of it, and the words for it.

    Raises:
        ValueError: Its example batch is not what it must be, or it claims something about an input that it has not.
    """
    if isinstance(model, TokenModel):
        known = dataclasses.replace(model, context=longest_context(model))
        return known, f"runs on {known.context} tokens"
    example = _example(model)
    _refuse_strange_names(model, example)
    with torch.no_grad():
        outputs = model.outputs(model.fresh(), example.inputs)
    return model, f"{_shapes(example.inputs)} -> {_shapes(outputs)}; {_claims(model)}"


def _example(model: Network) -> Example:
    """Draw example batches: alike for a seed, whatever the global generator does, and unlike for another."""
    with seeded(1):
        first = model.example(model.batch_size)
    with seeded(2):
        again, other = model.example(model.batch_size), model.example(model.batch_size, seed=1)
    if not _alike(first, again):
        raise ValueError("example_batch gives other tensors for the same seed; draw from torch.Generator alone")
    if _alike(first, other):
        raise ValueError("example_batch gives the same tensors for every seed; draw them from its seed")
    if not model.claimed("node_equivariant") and not any(map(_rows_differ, first.inputs.values())):
        raise ValueError("example_batch gives the same example in every row; draw each anew")
    return first


def _alike(left: Example, right: Example) -> bool:
    pairs = [{**each.inputs, **each.targets} for each in (left, right)]
    same = pairs[0].keys() == pairs[1].keys()
    return same and all(
        each.shape == pairs[1][name].shape and each.equal(pairs[1][name]) for name, each in pairs[0].items()
    )


def _rows_differ(tensor: Tensor) -> bool:
    return tensor.ndim > 0 and tensor.shape[0] > 1 and not tensor[0].equal(tensor[1])


def _refuse_strange_names(model: Network, example: Example) -> None:
    for text in model.claims:
        claim = Claim.parse(text)
        for name in _NODES if claim.kind == "node_equivariant" else claim.names:
            if name not in example.inputs:
                inputs = ", ".join(example.inputs)
                raise ValueError(f"the claim {text!r} is about an input {name!r}; the inputs are {inputs}")


def _shapes(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(each.shape)}" for name, each in tensors.items())


def _claims(model: Network) -> str:
    demanded = model.spec.claims
    own = [each for each in model.claims if each not in (demanded or ())]
    told = [f"demanded: {', '.join(demanded)}"] if demanded else []
    told += [f"its own claims, nobody demanded them: {', '.join(own)}"] if own else []
    return "; ".join(told) or "claims nothing, and nothing was demanded"
