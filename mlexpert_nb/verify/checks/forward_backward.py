"""Forward and backward: outputs and gradients are finite for batches of several sizes, and inputs stay as they are.

Shapes: B batch, T time.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from mlexpert_nb.verify.checks.network import WHOLE_BATCH, Example, Network, Outcome, seeded
from mlexpert_nb.verify.checks.token_model import TokenModel

SHAPES = ((1, 1), (2, 7), (3, 33))  # sequences: short, odd and longer
SIZES = (1, 2, 3)
LENGTH = 8  # tokens of the backward pass


def forward_backward(model: Network) -> Outcome:
    """Run several batches forward and one backward; what was handed in stays as it was."""
    module = model.fresh()
    wrong: list[str] = []
    names = []
    for name, example in _batches(model):
        names.append(name)
        kept = {each: tensor.clone() for each, tensor in example.inputs.items()}
        with torch.no_grad():
            finite = all(bool(torch.isfinite(each).all()) for each in model.outputs(module, example.inputs).values())
        wrong += [] if finite else [f"{model.GIVES} of {name} are not finite"]
        wrong += [] if _equal(kept, example.inputs) else [f"the {model.READS} of {name} were overwritten"]
    wrong = wrong or _backward(model)
    return Outcome(
        passed=not wrong,
        measured="; ".join(wrong) or f"finite for {', '.join(names)}",
        limit=f"finite {model.GIVES}, loss and gradients for every batch, {model.READS} left alone",
        fix="divide by no length, mask with -inf before exp, start a row from its own state",
    )


def _batches(model: Network) -> Iterator[tuple[str, Example]]:
    if isinstance(model, TokenModel):
        shapes = [shape for shape in SHAPES if shape[1] <= model.context] + [(1, model.context)]
        yield from ((f"shape {shape}", model.example(shape[0], length=shape[1])) for shape in shapes)
    else:
        sizes = (WHOLE_BATCH, WHOLE_BATCH + 1) if "whole_batch" in model.claims else SIZES
        yield from ((f"a batch of {size}", model.example(size)) for size in sizes)


def _equal(kept: Mapping[str, Tensor], now: Mapping[str, Tensor]) -> bool:
    return all(tensor.shape == now[name].shape and tensor.equal(now[name]) for name, tensor in kept.items())


def _backward(model: Network) -> list[str]:
    module = model.fresh().train()
    example = model.example(2, length=LENGTH) if isinstance(model, TokenModel) else model.example(model.batch_size)
    with seeded(model.spec.seed):
        loss = model.loss(module, example)
    loss.backward()
    grads = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    wrong = [] if loss.ndim == 0 and bool(torch.isfinite(loss)) else ["the loss is not one finite number"]
    if not grads or not all(bool(torch.isfinite(grad).all()) for grad in grads):
        wrong.append("gradients are missing or not finite")
    return wrong
