"""Gradients: one backward pass must reach every parameter, and nothing that is not a parameter.

Shapes: B batch, T time.
"""

import torch
from torch import Tensor, nn

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, seeded

LENGTH = 66
BATCHES = 3  # a part that few tokens reach (an expert, say) gets three chances


def gradients(model: TokenModel) -> Outcome:
    """Back-propagate the training loss; every parameter gets a finite gradient that is not zero."""
    module = model.fresh(noise=True).train()
    waiting = dict(module.named_parameters())
    strangers = 0
    for batch in range(BATCHES):
        loss = _loss(model, module, batch)
        strangers = max(strangers, _strangers(loss, module))
        loss.backward()
        waiting = {name: each for name, each in waiting.items() if not _reached(each)}
        if not waiting:
            break
    total = sum(1 for _ in module.parameters())
    return Outcome(
        passed=total > 0 and not waiting and not strangers,
        measured=_said(total, list(waiting), strangers),
        limit="a finite gradient, not all zeros, at every parameter; no trained tensor outside parameters()",
        fix="use the parameter in the loss (in src/model/functional.py: loss), or make it a buffer; "
        "hold layers in nn.ModuleList, weights in nn.Parameter; detach nothing that must learn",
    )


def _loss(model: TokenModel, module: nn.Module, batch: int) -> Tensor:
    with seeded(model.spec.seed + batch):
        return model.loss(module, model.tokens(2, min(LENGTH, model.context), seed=batch))


def _reached(parameter: nn.Parameter) -> bool:
    grad = parameter.grad
    return grad is not None and bool(torch.isfinite(grad).all()) and bool((grad != 0).any())


def _strangers(loss: Tensor, module: nn.Module) -> int:
    """Count the tensors that would be trained but are no parameters: an optimiser never sees them."""
    known = {id(parameter) for parameter in module.parameters()}
    seen, waiting, count = set(), [loss.grad_fn], 0
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        count += leaf is not None and id(leaf) not in known
        waiting += [parent for parent, _ in node.next_functions]
    return count


def _said(total: int, waiting: list[str], strangers: int) -> str:
    text = f"{total - len(waiting)} of {total} parameters reached"
    if waiting:
        text += f"; none at {', '.join(waiting[:5])}"
    if strangers:
        text += f"; {strangers} trained tensors are not in parameters()"
    return text
